"""Version lists are made once for each change and cached; checksums are computed once."""

from typing import Any, cast

import pytest

from shared.domain.names import Distribution, Package
from shared.domain.packages import Survey
from shared.domain.principals import ANONYMOUS, Principal
from shared.ports import ArchiveStore
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.source import PackageSource
from shared.services.publishing.maven import (
    CHECKSUM_CHUNK_BYTES,
    DISTRIBUTIONS_CACHED,
    MavenPackages,
)
from tests.fakes.system import FakeClock
from tests.support.surveys import entry, survey

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
