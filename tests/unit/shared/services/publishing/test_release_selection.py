"""Which releases an erasure of many finds."""

from datetime import timedelta

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.times import MS
from shared.services.publishing.release_selection import ReleaseSelection
from tests.support.archives import bala
from tests.support.world import World

GREET = Coordinate.parse("acme", "greet", "1.0.0")


async def found(world: World) -> list[Coordinate]:
    selections = world.registry.publishing.selections
    page = await selections.page_to_erase(ReleaseSelection(org="acme"), by=OPERATOR)
    return [each.coordinate for each in page.releases]


async def test_an_erased_release_is_found_until_the_store_deletes_its_last_copy(
    world: World,
) -> None:
    await world.push(bala(str(GREET)))
    publishing = world.registry.publishing
    await publishing.moderation.remove(GREET, "The court ordered it.", by=OPERATOR)
    assert await found(world) == [GREET]
    until_ms = world.clock.now_ms() + timedelta(days=7) // MS
    await publishing.erasure.erased_releases.note(GREET, copies_until_ms=until_ms, by=OPERATOR)
    assert await found(world) == [GREET]
    world.clock.advance(timedelta(days=7))
    assert await found(world) == []
