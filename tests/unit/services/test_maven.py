"""Lists of versions: made once for each change, and remembered for the distributions in use."""

from typing import cast

import pytest

from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.names import Package
from shared.domain.packages import Survey, Visibility
from shared.domain.versions import Distribution
from shared.services.derived_data import DOCUMENTS_TRUSTED_FOR
from shared.services.maven import (
    DISTRIBUTIONS_CACHED,
    MavenPackages,
    MavenVersionList,
    MavenVersionLists,
)
from tests.fakes.system import FakeClock
from tests.support.surveys import entry, survey

GREET = Package.parse("acme", "greet")


class Packages:
    """A `MavenPackages` that knows one package, and notes who asks."""

    def __init__(self, found: Survey) -> None:
        """Know this package."""
        self.found = found
        self.asked: list[str] = []

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        assert package == GREET
        self.asked.append(by.id)
        return self.found


@pytest.fixture
def packages() -> Packages:
    return Packages(survey(entry("1.0.0"), entry("2.0.0", built_with="2201.13.0")))


def service(packages: Packages, clock: FakeClock | None = None) -> MavenVersionLists:
    """Return what is tested, over doubles."""
    return MavenVersionLists(cast("MavenPackages", packages), clock or FakeClock())


def distribution(text: str) -> Distribution:
    found = Distribution.parse(text)
    assert found
    return found


OLD, NEW = distribution("v2201-8-0"), distribution("v2201-13-0")


async def test_everybody_sees_the_list_of_a_public_package(packages: Packages) -> None:
    found: MavenVersionList = await service(packages).versions(GREET, by=OPERATOR)
    assert found.is_public
    assert not found.is_remembered
    for version in (b"1.0.0", b"2.0.0"):
        assert version in found.document.content
    assert packages.asked == [OPERATOR.id]
    packages.found = survey("1.0.0", visibility=Visibility.PRIVATE)
    assert not (await service(packages).versions(GREET, by=OPERATOR)).is_public


async def test_a_list_is_for_its_distribution(packages: Packages) -> None:
    lists = service(packages)
    old = await lists.usable_versions(GREET, OLD, by=ANONYMOUS)
    new = await lists.usable_versions(GREET, NEW, by=ANONYMOUS)
    assert b"2.0.0" not in old.document.content
    assert b"2.0.0" in new.document.content


async def test_who_has_a_list_gets_it_for_a_moment_without_any_store(packages: Packages) -> None:
    clock = FakeClock()
    lists = service(packages, clock)
    for ask in (
        lambda known: lists.versions(GREET, by=ANONYMOUS, known=known),
        lambda known: lists.usable_versions(GREET, NEW, by=ANONYMOUS, known=known),
    ):
        packages.asked.clear()
        first = await ask(())
        again = await ask([first.document.tag])
        assert again == MavenVersionList(first.document, is_public=True, is_remembered=True)
        assert len(packages.asked) == 1
        clock.advance(DOCUMENTS_TRUSTED_FOR)
        assert not (await ask([first.document.tag])).is_remembered
        assert len(packages.asked) == 2


async def test_the_distributions_that_were_asked_for_last_are_remembered(
    packages: Packages,
) -> None:
    lists = service(packages)
    tag = (await lists.usable_versions(GREET, NEW, by=ANONYMOUS)).document.tag
    others = [distribution(f"v2201-{number}-0") for number in range(1, DISTRIBUTIONS_CACHED + 1)]
    for each in others[:-1]:
        await lists.usable_versions(GREET, each, by=ANONYMOUS)
    assert (await lists.usable_versions(GREET, NEW, by=ANONYMOUS, known=[tag])).is_remembered
    for each in others:
        await lists.usable_versions(GREET, each, by=ANONYMOUS)
    assert not (await lists.usable_versions(GREET, NEW, by=ANONYMOUS, known=[tag])).is_remembered
