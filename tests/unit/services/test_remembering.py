"""Documents are made once for each change, and trusted for a moment without asking a store."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from shared.domain.document import Document
from shared.domain.names import Package
from shared.domain.package import Survey, Visibility
from shared.services.remembering import ENTRIES_ON_THE_LOOP, TRUSTED_FOR, Remembering
from tests.fakes.clock import FakeClock
from tests.surveys import survey

GREET = Package.parse("Acme", "Greet")
A_MOMENT = timedelta(milliseconds=1)


@dataclass
class Maker:
    """Makes documents that list versions, and counts them."""

    clock: FakeClock = field(default_factory=FakeClock)
    made: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.files = Remembering(self.make, self.clock)

    def make(self, of: Survey) -> bytes:
        versions = " ".join(entry.version for entry in of.entries)
        self.made.append(versions)
        return versions.encode()

    async def document(self, of: Survey) -> Document:
        """Return the document of a survey that was read now."""
        return await self.files.document(of, self.files.now_ms())


@pytest.fixture
def maker() -> Maker:
    return Maker()


async def test_a_document_is_made_once_for_each_change(maker: Maker) -> None:
    for of in (survey("1.0.0"), survey("1.0.0"), survey("1.0.0", "1.1.0"), survey("1.0.0")):
        assert (await maker.document(of)).content == " ".join(
            entry.version for entry in of.entries
        ).encode()
    assert maker.made == ["1.0.0", "1.1.0 1.0.0", "1.0.0"]


async def test_packages_are_kept_apart(maker: Maker) -> None:
    await maker.document(survey("1.0.0"))
    await maker.document(survey("1.0.0", package="acme/other"))
    assert maker.made == ["1.0.0"] * 2


async def test_a_document_knows_when_its_package_changed(maker: Maker) -> None:
    assert (await maker.document(survey("1.0.0"))).changed_ms == 1


async def test_only_so_many_bytes_are_kept_of_what_was_asked_for_last(maker: Maker) -> None:
    one, two, three = (survey("1.0.0", package=f"acme/p{number}") for number in range(3))
    document = await maker.document(one)
    size = len(document.content) + len(document.gzipped)
    maker.files = Remembering(maker.make, maker.clock, capacity=2 * size)
    maker.made.clear()
    for of in (one, two, one, three, one, two):
        await maker.document(of)
    assert len(maker.made) == 4, "the second one was forgotten for the third, and made again"


async def test_what_is_larger_than_all_that_is_kept_is_kept_alone(maker: Maker) -> None:
    maker.files = Remembering(maker.make, maker.clock, capacity=1)
    for _ in range(2):
        await maker.document(survey("1.0.0"))
    assert len(maker.made) == 1


async def test_many_that_wait_for_a_large_document_get_one(maker: Maker) -> None:
    large = survey(*(f"1.0.{patch}" for patch in range(ENTRIES_ON_THE_LOOP + 1)))
    documents = await asyncio.gather(*(maker.document(large) for _ in range(20)))
    assert len(maker.made) == 1
    assert all(each is documents[0] for each in documents)


async def test_what_the_client_has_is_known_for_a_moment(maker: Maker) -> None:
    document = await maker.document(survey("1.0.0"))
    maker.clock.advance(TRUSTED_FOR - A_MOMENT)
    assert maker.files.known(GREET, {document.tag}) is document
    maker.clock.advance(A_MOMENT)
    assert maker.files.known(GREET, {document.tag}) is None


async def test_the_moment_begins_before_the_store_was_read(maker: Maker) -> None:
    before_ms = maker.files.now_ms()
    maker.clock.advance(TRUSTED_FOR)
    document = await maker.files.document(survey("1.0.0"), before_ms)
    assert maker.files.known(GREET, {document.tag}) is None


async def test_each_read_begins_the_moment_anew(maker: Maker) -> None:
    document = await maker.document(survey("1.0.0"))
    maker.clock.advance(TRUSTED_FOR)
    await maker.document(survey("1.0.0"))
    assert maker.files.known(GREET, {document.tag}) is document


@pytest.mark.parametrize("tags", [set[str](), {'"other"'}, {"*"}])
async def test_other_tags_are_not_known(maker: Maker, tags: set[str]) -> None:
    await maker.document(survey("1.0.0"))
    assert maker.files.known(GREET, tags) is None


async def test_of_a_private_package_nothing_is_known(maker: Maker) -> None:
    document = await maker.document(survey("1.0.0", visibility=Visibility.PRIVATE))
    assert maker.files.known(GREET, {document.tag}) is None


def test_of_a_package_that_nobody_asked_for_nothing_is_known(maker: Maker) -> None:
    assert maker.files.known(GREET, {'"any"'}) is None
