"""Documents of packages are made once, and cached within a limit."""

import asyncio
from dataclasses import dataclass, field

import pytest

from shared.domain.documents import DerivedDocument
from shared.domain.packages import Survey
from shared.services.packages.document_cache import ENTRIES_ON_THE_LOOP, DocumentCache
from tests.support.surveys import survey


@dataclass
class Maker:
    """Makes documents that list versions, and counts them."""

    made: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.files = DocumentCache(self.make)

    def make(self, of: Survey) -> bytes:
        versions = " ".join(entry.version for entry in of.entries)
        self.made.append(versions)
        return versions.encode()

    async def document(self, of: Survey) -> DerivedDocument:
        return await self.files.document(of)


@pytest.fixture
def maker() -> Maker:
    return Maker()


async def test_the_cache_of_documents_is_bounded_in_bytes(maker: Maker) -> None:
    one, two, three = (survey("1.0.0", package=f"acme/p{number}") for number in range(3))
    document = await maker.document(one)
    size = 2 * len(document.content)
    maker.files = DocumentCache(maker.make, capacity=2 * size)
    maker.made.clear()
    for of in (one, two, one, three, one, two):
        await maker.document(of)
    assert len(maker.made) == 4, "the second one was forgotten for the third, and made again"


async def test_many_that_wait_for_a_large_document_get_one(maker: Maker) -> None:
    large = survey(*(f"1.0.{patch}" for patch in range(ENTRIES_ON_THE_LOOP + 1)))
    documents = await asyncio.gather(*(maker.document(large) for _ in range(20)))
    assert len(maker.made) == 1
    assert all(each is documents[0] for each in documents)
