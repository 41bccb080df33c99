"""The list of withheld releases agrees with the releases, whatever is written at the same time."""

from dataclasses import dataclass
from typing import Any, cast

import pytest
from msgspec.structs import replace

from shared.domain.coordinates import Coordinate, release_place
from shared.domain.entities import Entity
from shared.domain.errors.requests import Busy
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.domain.withheld_notes import WithheldNote
from shared.ports.directory import DirectoryStore
from shared.services.adapters import Adapters
from tests.support.archives import bala
from tests.support.refusals import raises_refusal
from tests.support.world import OpenWorld, World

FIRST = Coordinate.parse("acme", "greet", "1.0.0")
SECOND = Coordinate.parse("acme", "greet", "1.1.0")
REASON = "reported by a user"


@dataclass
class InterleavedDirectory:
    """A directory in which something happens before a note is written or removed."""

    directory: DirectoryStore
    world: World | None = None
    failure: Exception | None = None

    async def put(self, entity: Entity) -> None:
        """Let the operator restore the release, once, or fail once; and then note it."""
        world = self.world
        self.world = None
        if isinstance(entity, WithheldNote):
            self._fail()
            if world:
                await world.registry.publishing.moderation.restore(entity.coordinate, by=OPERATOR)
        await self.directory.put(entity)

    async def remove(self, entity: Entity) -> Entity:
        """Fail once, and then remove it."""
        self._fail()
        return await self.directory.remove(entity)

    def _fail(self) -> None:
        failure = self.failure
        self.failure = None
        if failure:
            raise failure

    def __getattr__(self, name: str) -> Any:
        return getattr(self.directory, name)


@pytest.fixture
def interleaved() -> InterleavedDirectory:
    """Return what comes in between, which has no directory yet."""
    return InterleavedDirectory(cast("DirectoryStore", None))


@pytest.fixture
async def two_releases(worlds: OpenWorld, interleaved: InterleavedDirectory) -> World:
    """Return a registry with two releases, whose directory can be meddled with."""

    def wrap(stores: Adapters) -> Adapters:
        interleaved.directory = stores.directory
        return replace(stores, directory=cast("DirectoryStore", interleaved))

    two_releases = await worlds(wrap=wrap)
    for coordinate in (FIRST, SECOND):
        await two_releases.push(bala(str(coordinate)))
    return two_releases


async def listed(two_releases: World) -> list[tuple[str, State, str]]:
    page = await two_releases.registry.publishing.moderation.withheld(by=OPERATOR)
    return [(str(each.coordinate), each.state, each.by) for each in page.releases]


@pytest.mark.parametrize("act", ["quarantine", "restore"])
async def test_upkeep_notes_what_was_broken_off(
    two_releases: World, interleaved: InterleavedDirectory, act: str
) -> None:
    moderation = two_releases.registry.publishing.moderation
    if act == "restore":
        await moderation.quarantine(FIRST, REASON, by=OPERATOR)
    before = await listed(two_releases)
    interleaved.failure = Busy()
    with raises_refusal("not-listed-yet"):
        await (
            moderation.restore(FIRST, by=OPERATOR)
            if act == "restore"
            else moderation.quarantine(FIRST, REASON, by=OPERATOR)
        )
    assert await listed(two_releases) == before
    await two_releases.registry.maintenance.task_runner.run("process-outboxes")
    expected = [] if act == "restore" else [(str(FIRST), State.QUARANTINED, "operator")]
    assert await listed(two_releases) == expected


@pytest.mark.parametrize("task", ["repair-derived-data", "rebuild-derived-data"])
async def test_upkeep_makes_the_list_again_from_the_releases(
    two_releases: World, task: str
) -> None:
    moderation = two_releases.registry.publishing.moderation
    directory = two_releases.stores.directory
    for coordinate in (FIRST, SECOND):
        await moderation.quarantine(coordinate, REASON, by=OPERATOR)
    noted = await directory.get(WithheldNote, release_place(FIRST))
    assert noted
    await directory.remove(noted)
    await directory.put(noted.model_copy(update={"version": "9.0.0"}))  # There is no such release.
    await two_releases.registry.maintenance.task_runner.run(task)
    # Who decided is not made up: what is noted still says so, and for the rest there is the log.
    assert await listed(two_releases) == [
        (str(FIRST), State.QUARANTINED, ""),
        (str(SECOND), State.QUARANTINED, "operator"),
    ]
    report = await two_releases.registry.maintenance.task_runner.run("repair-derived-data")
    assert report
    assert report.changed == 0


async def test_a_release_that_waits_for_an_owner_was_decided_by_nobody(worlds: OpenWorld) -> None:
    two_releases = await worlds(brake_packages=1)
    await two_releases.push(bala("acme/one:1.0.0"))
    await two_releases.push_held(bala("acme/two:1.0.0"))
    [waiting] = (await two_releases.registry.publishing.moderation.withheld(by=OPERATOR)).releases
    assert (waiting.name, waiting.is_held_for_owner, waiting.by) == ("two", True, "")
    await two_releases.registry.publishing.held_releases.confirm(waiting.coordinate, by=OPERATOR)
    assert await listed(two_releases) == []
