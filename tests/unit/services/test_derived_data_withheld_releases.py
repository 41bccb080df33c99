"""The list of what is withheld is true to the releases, whatever comes in between."""

from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from shared.composition import Adapters as Stores
from shared.domain.errors.requests import Busy, NotListedYet
from shared.domain.identity import OPERATOR
from shared.domain.moderation import WithheldNote, withheld_place
from shared.domain.names import Coordinate
from shared.domain.packages import State
from shared.domain.records import Entity, Place
from shared.ports import DirectoryStore, Stale
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

FIRST = Coordinate.parse("acme", "greet", "1.0.0")
SECOND = Coordinate.parse("acme", "greet", "1.1.0")
REASON = "reported by a user"


@dataclass
class Meddling:
    """A directory in which something happens before a note is written or removed."""

    directory: DirectoryStore
    world: World | None = None
    failure: Exception | None = None

    async def put(self, entity: Entity) -> None:
        """Let the operator restore the release, once, or fail once; and then note it."""
        world, self.world = self.world, None
        if isinstance(entity, WithheldNote):
            self._fail()
            if world:
                await world.registry.moderation.restore(entity.coordinate, by=OPERATOR)
        await self.directory.put(entity)

    async def remove(self, entity: Entity) -> Entity:
        """Fail once, and then remove it."""
        self._fail()
        return await self.directory.remove(entity)

    def _fail(self) -> None:
        failure, self.failure = self.failure, None
        if failure:
            raise failure

    def __getattr__(self, name: str) -> Any:
        return getattr(self.directory, name)


@pytest.fixture
def meddling() -> Meddling:
    """Return what comes in between, which has no directory yet."""
    return Meddling(cast("DirectoryStore", None))


@pytest.fixture
async def world(worlds: OpenWorld, meddling: Meddling) -> World:
    """Return a registry with two releases, whose directory can be meddled with."""

    def wrap(stores: Stores) -> Stores:
        meddling.directory = stores.directory
        return replace(stores, directory=cast("DirectoryStore", meddling))

    world = await worlds(wrap=wrap)
    for coordinate in (FIRST, SECOND):
        await world.push(bala(str(coordinate)))
    return world


async def listed(world: World) -> list[tuple[str, State, str]]:
    page = await world.registry.moderation.withheld(by=OPERATOR)
    return [(str(each.coordinate), each.state, each.by) for each in page.releases]


async def test_what_is_withheld_is_listed_with_who_decided_and_why(world: World) -> None:
    moderation = world.registry.moderation
    await moderation.hold(SECOND, "looked at", by=OPERATOR)
    await moderation.quarantine(FIRST, REASON, by=OPERATOR)
    assert await listed(world) == [
        (str(FIRST), State.QUARANTINED, "operator"),
        (str(SECOND), State.HELD, "operator"),
    ]
    [first, _] = (await world.registry.moderation.withheld(by=OPERATOR)).releases
    assert (first.reason, first.since_ms) == (REASON, world.clock.now_ms())
    await moderation.remove(FIRST, "court order", by=OPERATOR)
    await moderation.restore(SECOND, by=OPERATOR)
    assert await listed(world) == [(str(FIRST), State.REMOVED, "operator")]


async def test_a_change_of_something_else_asks_nothing_of_the_list(
    world: World, meddling: Meddling
) -> None:
    meddling.failure = AssertionError("It was asked.")
    await world.registry.deprecation.deprecate(FIRST, "Use 1.1.0.", by=OPERATOR)
    assert await listed(world) == []


async def test_what_is_restored_while_it_is_being_noted_is_listed_no_more(
    world: World, meddling: Meddling
) -> None:
    meddling.world = world
    await world.registry.moderation.quarantine(FIRST, REASON, by=OPERATOR)
    assert await listed(world) == []


async def test_a_note_that_somebody_else_removed_is_no_fault(
    world: World, meddling: Meddling
) -> None:
    await world.registry.moderation.quarantine(FIRST, REASON, by=OPERATOR)
    meddling.failure = Stale()
    await world.registry.moderation.restore(FIRST, by=OPERATOR)
    assert await world.stores.metadata.unpublished_events(1) == []


@pytest.mark.parametrize("act", ["quarantine", "restore"])
async def test_upkeep_notes_what_was_broken_off(world: World, meddling: Meddling, act: str) -> None:
    moderation = world.registry.moderation
    if act == "restore":
        await moderation.quarantine(FIRST, REASON, by=OPERATOR)
    before = await listed(world)
    meddling.failure = Busy()
    with pytest.raises(NotListedYet):
        await (
            moderation.restore(FIRST, by=OPERATOR)
            if act == "restore"
            else moderation.quarantine(FIRST, REASON, by=OPERATOR)
        )
    assert await listed(world) == before
    await world.registry.upkeep.run("settle")
    expected = [] if act == "restore" else [(str(FIRST), State.QUARANTINED, "operator")]
    assert await listed(world) == expected


@pytest.mark.parametrize("task", ["mend", "refresh"])
async def test_upkeep_makes_the_list_again_from_the_releases(world: World, task: str) -> None:
    moderation, directory = world.registry.moderation, world.stores.directory
    for coordinate in (FIRST, SECOND):
        await moderation.quarantine(coordinate, REASON, by=OPERATOR)
    noted = await directory.get(WithheldNote, withheld_place(FIRST))
    assert noted
    await directory.remove(noted)
    await directory.put(noted.model_copy(update={"version": "9.0.0"}))  # There is no such release.
    await world.registry.upkeep.run(task)
    # Who decided is not made up: what is noted still says so, and for the rest there is the log.
    assert await listed(world) == [
        (str(FIRST), State.QUARANTINED, ""),
        (str(SECOND), State.QUARANTINED, "operator"),
    ]
    report = await world.registry.upkeep.run("mend")
    assert report
    assert report.changed == 0


async def test_what_waits_for_an_owner_was_decided_by_nobody(worlds: OpenWorld) -> None:
    world = await worlds(brake_packages=1)
    for name in ("one", "two"):
        await world.push(bala(f"acme/{name}:1.0.0"))
    [waiting] = (await world.registry.moderation.withheld(by=OPERATOR)).releases
    assert (waiting.name, waiting.awaits_owner, waiting.by) == ("two", True, "")
    await world.registry.held_releases.confirm(waiting.coordinate, by=OPERATOR)
    assert await listed(world) == []


async def test_the_list_is_read_page_by_page(world: World) -> None:
    directory, moderation = world.stores.directory, world.registry.moderation
    await world.registry.moderation.quarantine(FIRST, REASON, by=OPERATOR)
    noted = await directory.get(WithheldNote, withheld_place(FIRST))
    assert noted
    for number in range(60):
        await directory.put(noted.model_copy(update={"name": f"worm{number:02}"}))
    first = await moderation.withheld(by=OPERATOR)
    assert (len(first.releases), str(first.next)) == (50, "acme/worm48:1.0.0")
    second = await moderation.withheld(first.next, by=OPERATOR)
    assert [each.name for each in second.releases] == [f"worm{number}" for number in range(49, 60)]
    assert second.next is None


def test_a_note_lies_where_every_store_can_keep_it() -> None:
    assert withheld_place(FIRST) == Place("acme:greet", "1.0.0")
