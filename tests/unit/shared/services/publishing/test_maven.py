"""Version lists are made once for each change and cached."""

from typing import Any, cast

from shared.domain.coordinates import Package
from shared.domain.distributions import Distribution
from shared.domain.packages import Survey
from shared.domain.principals import ANONYMOUS, Principal
from shared.services.packages.source import PackageSource
from shared.services.publishing.maven import DISTRIBUTIONS_CACHED, MavenPackages
from tests.fakes.system import FakeClock
from tests.support.surveys import entry, survey

GREET = Package.parse("acme", "greet")


class Packages(PackageSource):
    """A source that knows one package."""

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        assert package == GREET
        return survey(entry("1.0.0"), entry("2.0.0", built_with="2201.13.0"))


def distribution(text: str) -> Distribution:
    found = Distribution.parse(text)
    assert found
    return found


async def test_the_lists_of_the_distributions_that_were_asked_for_last_are_kept() -> None:
    packages: Any = Packages()  # pyright: ignore[reportAbstractUsage] - lists ask for a survey alone.
    unused = cast("Any", None)
    lists = MavenPackages(packages, unused, unused, unused, provenance=unused, clock=FakeClock())
    new = distribution("v2201-13-0")
    kept = (await lists.usable_versions(GREET, new, packages, by=ANONYMOUS)).document
    others = [distribution(f"v2201-{number}-0") for number in range(1, DISTRIBUTIONS_CACHED + 1)]
    for each in others[:-1]:
        await lists.usable_versions(GREET, each, packages, by=ANONYMOUS)
    assert (await lists.usable_versions(GREET, new, packages, by=ANONYMOUS)).document is kept
    for each in others:
        await lists.usable_versions(GREET, each, packages, by=ANONYMOUS)
    assert (await lists.usable_versions(GREET, new, packages, by=ANONYMOUS)).document is not kept
