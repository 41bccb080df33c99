"""Checksums of stored archives: computed part by part, once, and compared with those that come."""

import hashlib
from typing import cast

import pytest

from shared.domain.checksum import Algorithm, Checksum
from shared.domain.digest import Digest
from shared.domain.errors import ChecksumDiffers
from shared.domain.names import Coordinate
from shared.domain.package import Release
from shared.ports import ArchiveStore
from shared.services.checking import CHUNK, Checking

CONTENT = b"0123456789abcdef" * (CHUNK // 16) + b"the rest"


class Archives:
    """An archive store that notes which parts are read."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.parts: list[tuple[int, int | None]] = []

    async def read(self, _name: object, start: int = 0, count: int | None = None) -> bytes:
        """Return a part of the archive."""
        self.parts.append((start, count))
        return CONTENT[start:] if count is None else CONTENT[start : start + count]


@pytest.fixture
def archives() -> Archives:
    return Archives()


@pytest.fixture
def checking(archives: Archives) -> Checking:
    return Checking(cast("ArchiveStore", archives))


def release() -> Release:
    """Return the release of the archive, with what is asked about it alone."""
    at = Coordinate.parse("acme", "greet", "1.0.0")
    fields = {
        "org": at.package.org,
        "name": at.package.name,
        "version": "1.0.0",
        "platform": "any",
        "digest": Digest.of(CONTENT).hex,
        "size_bytes": len(CONTENT),
    }
    return Release.model_construct(None, **fields)


@pytest.mark.parametrize("algorithm", [Algorithm.SHA1, Algorithm.MD5, Algorithm.SHA512])
async def test_a_checksum_is_computed_part_by_part_and_once(
    checking: Checking, archives: Archives, algorithm: Algorithm
) -> None:
    expected = hashlib.new(algorithm.value, CONTENT, usedforsecurity=False).hexdigest()
    for _ in range(3):
        assert await checking.checksum(release(), algorithm) == expected
    assert archives.parts == [(0, CHUNK), (CHUNK, CHUNK)]


async def test_the_digest_of_a_release_is_read_from_no_store(
    checking: Checking, archives: Archives
) -> None:
    expected = hashlib.sha256(CONTENT).hexdigest()
    assert await checking.checksum(release(), Algorithm.SHA256) == expected
    assert archives.parts == []


async def test_each_algorithm_is_remembered_for_itself(checking: Checking) -> None:
    found = [await checking.checksum(release(), each) for each in Algorithm]
    assert found == [each.of(CONTENT) for each in Algorithm]


async def test_a_checksum_that_differs_is_told_with_the_right_one(checking: Checking) -> None:
    right = Algorithm.MD5.of(CONTENT)
    await checking.require(release(), Checksum(Algorithm.MD5, right))
    wrong = "0" * 32
    with pytest.raises(ChecksumDiffers) as refused:
        await checking.require(release(), Checksum(Algorithm.MD5, wrong))
    told = f"The MD5 checksum of the archive here is {right}, but {wrong} was sent. "
    assert str(refused.value).startswith(told)
