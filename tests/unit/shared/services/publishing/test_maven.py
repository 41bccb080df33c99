"""Version lists are made once for each change and cached; checksums are computed once."""

import hashlib
from typing import Any, cast

import pytest

from shared.domain.archives.names import Digest
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.maven import ChecksumAlgorithm
from shared.domain.names import Coordinate, Distribution, Package
from shared.domain.packages import Release, Survey, Visibility
from shared.ports import ArchiveStore
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.source import PackageSource
from shared.services.publishing.maven import (
    CHECKSUM_CHUNK_BYTES,
    DISTRIBUTIONS_CACHED,
    MavenPackages,
    MavenVersionList,
)
from tests.fakes.system import FakeClock
from tests.support.archives import bala
from tests.support.refusals import raises_refusal
from tests.support.surveys import entry, survey
from tests.support.world import World

GREET = Package.parse("acme", "greet")


class Packages(PackageSource):
    """A source that knows one package, and notes who asks."""

    def __init__(self, found: Survey) -> None:
        self.found = found
        self.asked: list[str] = []

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        assert package == GREET
        self.asked.append(by.id)
        return self.found


@pytest.fixture
def packages() -> Packages:
    return Packages(survey(entry("1.0.0"), entry("2.0.0", built_with="2201.13.0")))  # pyright: ignore[reportAbstractUsage] - lists ask for a survey alone.


def service(packages: Packages, clock: FakeClock | None = None) -> MavenPackages:
    unused = cast("Any", None)
    lookup = cast("HostedPackages", packages)
    return MavenPackages(lookup, unused, unused, unused, clock or FakeClock())


def distribution(text: str) -> Distribution:
    found = Distribution.parse(text)
    assert found
    return found


OLD, NEW = distribution("v2201-8-0"), distribution("v2201-13-0")


async def test_everybody_sees_the_list_of_a_public_package(packages: Packages) -> None:
    found: MavenVersionList = await service(packages).versions(GREET, packages, by=OPERATOR)
    assert found.is_public
    for version in (b"1.0.0", b"2.0.0"):
        assert version in found.document.content
    assert packages.asked == [OPERATOR.id]
    packages.found = survey("1.0.0", visibility=Visibility.PRIVATE)
    assert not (await service(packages).versions(GREET, packages, by=OPERATOR)).is_public


async def test_a_list_is_for_its_distribution(packages: Packages) -> None:
    lists = service(packages)
    old = await lists.usable_versions(GREET, OLD, packages, by=ANONYMOUS)
    new = await lists.usable_versions(GREET, NEW, packages, by=ANONYMOUS)
    assert b"2.0.0" not in old.document.content
    assert b"2.0.0" in new.document.content


async def test_the_lists_of_the_distributions_that_were_asked_for_last_are_kept(
    packages: Packages,
) -> None:
    lists = service(packages)
    kept = (await lists.usable_versions(GREET, NEW, packages, by=ANONYMOUS)).document
    others = [distribution(f"v2201-{number}-0") for number in range(1, DISTRIBUTIONS_CACHED + 1)]
    for each in others[:-1]:
        await lists.usable_versions(GREET, each, packages, by=ANONYMOUS)
    assert (await lists.usable_versions(GREET, NEW, packages, by=ANONYMOUS)).document is kept
    for each in others:
        await lists.usable_versions(GREET, each, packages, by=ANONYMOUS)
    assert (await lists.usable_versions(GREET, NEW, packages, by=ANONYMOUS)).document is not kept


# --- checksums ---------------------------------------------------------------------------------

CONTENT = b"0123456789abcdef" * (CHECKSUM_CHUNK_BYTES // 16) + b"the rest"


class Archives:
    """An archive store that notes which parts are read."""

    def __init__(self) -> None:
        self.parts: list[tuple[int, int | None]] = []

    async def read(self, _name: object, start: int = 0, count: int | None = None) -> bytes:
        """Return a part of the archive."""
        self.parts.append((start, count))
        return CONTENT[start:] if count is None else CONTENT[start : start + count]


@pytest.fixture
def archives() -> Archives:
    return Archives()


@pytest.fixture
def checksums(archives: Archives) -> MavenPackages:
    unused = cast("Any", None)
    return MavenPackages(unused, unused, cast("ArchiveStore", archives), unused, FakeClock())


def release() -> Release:
    """Return the release of the archive, with the fields that a checksum needs."""
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


@pytest.mark.parametrize(
    "algorithm", [ChecksumAlgorithm.SHA1, ChecksumAlgorithm.MD5, ChecksumAlgorithm.SHA512]
)
async def test_a_checksum_is_computed_part_by_part_and_once(
    checksums: MavenPackages, archives: Archives, algorithm: ChecksumAlgorithm
) -> None:
    expected = hashlib.new(algorithm.value, CONTENT, usedforsecurity=False).hexdigest()
    for _ in range(3):
        assert await checksums.checksum(release(), algorithm) == expected
    assert archives.parts == [
        (0, CHECKSUM_CHUNK_BYTES),
        (CHECKSUM_CHUNK_BYTES, CHECKSUM_CHUNK_BYTES),
    ]


async def test_the_digest_of_a_release_is_read_from_no_store(
    checksums: MavenPackages, archives: Archives
) -> None:
    expected = hashlib.sha256(CONTENT).hexdigest()
    assert await checksums.checksum(release(), ChecksumAlgorithm.SHA256) == expected
    assert archives.parts == []


async def test_each_algorithm_is_remembered_for_itself(checksums: MavenPackages) -> None:
    found = [await checksums.checksum(release(), each) for each in ChecksumAlgorithm]
    assert found == [each.of(CONTENT) for each in ChecksumAlgorithm]


async def test_a_checksum_that_differs_is_refused_with_the_right_one(world: World) -> None:
    archive, at = bala("acme/greet:1.0.0"), Coordinate.parse("acme", "greet", "1.0.0")
    await world.push(archive)
    publishing, right = world.registry.publishing.maven, ChecksumAlgorithm.MD5.of(archive)
    await publishing.check_archive_checksum(right.encode(), ChecksumAlgorithm.MD5, at, by=OPERATOR)
    wrong = "0" * 32
    with raises_refusal("checksum-differs") as refused:
        await publishing.check_archive_checksum(
            wrong.encode(), ChecksumAlgorithm.MD5, at, by=OPERATOR
        )
    sentence = f"The MD5 checksum of the archive here is {right}, but {wrong} was sent. "
    assert str(refused.value).startswith(sentence)
