"""Derived data agrees with the releases, whatever is written at the same time."""

import pytest

from shared.domain.coordinates import Coordinate, Package
from shared.domain.principals import OPERATOR
from shared.domain.search import ANYONE, Query, ResultPage, SymbolQuery
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala
from tests.support.port_doubles import OtherWriter
from tests.support.world import OpenWorld, World


@pytest.mark.parametrize("happens", ["push", "documentation"])
async def test_what_happens_between_choosing_and_showing_is_not_lost_to_the_search(
    worlds: OpenWorld, happens: str
) -> None:
    async def act() -> None:
        if happens == "push":
            await world.push(documented_bala("acme/greet:2.0.0"))
        else:
            await world.document()

    other = OtherWriter("replace", act, nth=0)
    world = await worlds(wrap=other.at("search"))
    await world.push(documented_bala("acme/greet:1.0.0"))
    other.nth = other.calls + 1  # Just before the release that was chosen is shown.
    first = Coordinate.parse("acme", "greet", "1.0.0")
    await world.registry.packages.deprecation.deprecate(first, "Use 2.0.0.", by=OPERATOR)
    assert other.has_acted
    shown = "2.0.0" if happens == "push" else "1.0.0"
    found = await world.stores.search.search(Query(include_deprecated=True), ResultPage(), ANYONE)
    assert [hit.listing.release.version for hit in found.hits] == [shown]
    symbols = await world.stores.search.symbols(
        SymbolQuery.parse("greetWorld"), ResultPage(), ANYONE
    )
    assert symbols.count == (0 if happens == "push" else 1)


async def test_a_new_release_of_an_organization_that_search_prefers_is_listed_as_such(
    worlds: OpenWorld,
) -> None:
    world = await worlds(standard_organizations="acme")
    await world.push(bala("acme/greet:1.0.0"))
    found = await world.stores.search.search(Query(), ResultPage(limit=10), ANYONE)
    assert [hit.listing.is_standard for hit in found.hits] == [True]


async def test_a_listed_version_without_a_release_is_not_shown(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    derived_data = world.registry.publishing.moderation.derived_data
    package = Package.parse("acme", "greet")
    [before] = await derived_data.metadata.survey([package])
    assert before
    missing = before.entries[0].model_copy(update={"version": "9.0.0"})
    await derived_data.metadata.put_entries(package, [missing])
    await derived_data.update_search(package)
    found = await world.registry.packages.search.search(Query(), ResultPage(), by=OPERATOR)
    assert found.count == 0
