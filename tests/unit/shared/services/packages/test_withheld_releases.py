"""The list of withheld releases agrees with the releases, whatever is written at the same time."""

from typing import Any

import pytest

from shared.domain.coordinates import Coordinate, release_place
from shared.domain.errors.requests import Busy
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.domain.withheld_notes import WithheldNote
from tests.support.archives import bala
from tests.support.port_doubles import Fault
from tests.support.refusals import raises_refusal
from tests.support.world import OpenWorld, World

FIRST = Coordinate.parse("acme", "greet", "1.0.0")
SECOND = Coordinate.parse("acme", "greet", "1.1.0")
REASON = "reported by a user"


async def open_with_two_releases(worlds: OpenWorld, **options: Any) -> World:
    world = await worlds(**options)
    for coordinate in (FIRST, SECOND):
        await world.push(bala(str(coordinate)))
    return world


@pytest.fixture
async def two_releases(worlds: OpenWorld) -> World:
    """Return a registry with two releases."""
    return await open_with_two_releases(worlds)


async def listed(two_releases: World) -> list[tuple[str, State, str]]:
    page = await two_releases.registry.publishing.moderation.withheld(by=OPERATOR)
    return [(str(each.coordinate), each.state, each.by) for each in page.releases]


@pytest.mark.parametrize(("act", "method"), [("quarantine", "put"), ("restore", "remove")])
async def test_upkeep_notes_what_was_broken_off(worlds: OpenWorld, act: str, method: str) -> None:
    fault = Fault(method, Busy(), nth=0)  # Of a note, when it is switched on.
    world = await open_with_two_releases(worlds, wrap=fault.at("directory"))
    moderation = world.registry.publishing.moderation
    if act == "restore":
        await moderation.quarantine(FIRST, REASON, by=OPERATOR)
    before = await listed(world)
    fault.nth = fault.calls + 1
    with raises_refusal("not-listed-yet"):
        await (
            moderation.restore(FIRST, by=OPERATOR)
            if act == "restore"
            else moderation.quarantine(FIRST, REASON, by=OPERATOR)
        )
    assert fault.calls == fault.nth
    assert await listed(world) == before
    await world.registry.maintenance.task_runner.run("process-outboxes")
    expected = [] if act == "restore" else [(str(FIRST), State.QUARANTINED, "operator")]
    assert await listed(world) == expected


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
