"""The task that documents releases: what it does in one run, and when it visits all again."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.confined.jobs import ConfinedUnavailable, Json, PartResult
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.tasks import TaskReport
from shared.services.maintenance import generate_api_docs, tasks
from tests.fakes.confined import InProcess
from tests.fakes.system import FakeClock
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

VERSIONS = [f"acme/greet:1.{minor}.0" for minor in range(5)]


@dataclass
class Slow(InProcess):
    """A confined process that takes some time for each job, or is not there."""

    clock: FakeClock | None = None
    takes: timedelta = timedelta()
    is_available: bool = True

    async def run(self, task: str, folder: Path, request: Json) -> list[PartResult]:
        """Run the task, or raise."""
        if not self.is_available:
            raise ConfinedUnavailable
        if self.clock is not None:
            self.clock.advance(self.takes)
        return await super().run(task, folder, request)


@pytest.fixture
def confined() -> Slow:
    return Slow()


@pytest.fixture
async def slow(worlds: OpenWorld, confined: Slow) -> World:
    """Return a registry with this confined process, and five versions without documentation."""
    world = await worlds(wrap=lambda stores: replace(stores, confined=confined))
    for each in VERSIONS:
        await world.push(bala(each))
    confined.clock = world.clock
    return world


async def run(world: World) -> TaskReport:
    report = await world.registry.maintenance.task_runner.run("generate-api-docs")
    assert report is not None
    return report


@pytest.mark.parametrize("batch", [1, 200])
async def test_a_run_ends_after_five_minutes_and_the_next_goes_on_there(
    slow: World, confined: Slow, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate_api_docs, "FEED_BATCH", batch)
    confined.takes = timedelta(minutes=2, seconds=30)
    reports = [await run(slow) for _ in range(4)]
    assert [(each.seen, each.changed, each.unfinished) for each in reports] == [
        (2, 2, True),
        (2, 2, True),
        (1 + len(VERSIONS), 1, False),  # Then it visits all, once.
        (0, 0, False),
    ]


async def test_only_what_was_published_is_documented(slow: World) -> None:
    await run(slow)
    moderation = slow.registry.publishing.moderation
    at = Coordinate.parse("acme", "greet", "1.0.0")
    await moderation.hold(at, "For a review.", by=OPERATOR)
    await moderation.restore(at, by=OPERATOR)
    assert (await run(slow)).seen == 0


async def test_every_release_is_visited_again_after_a_day(slow: World) -> None:
    assert (await run(slow)).changed == len(VERSIONS)
    found = await slow.stores.metadata.find(Coordinate.parse("acme", "greet", "1.0.0"))
    assert found.release is not None
    await slow.stores.documents.delete(found.release.archive_digest)
    slow.clock.advance(timedelta(days=1, milliseconds=-1))
    assert (await run(slow)).changed == 0
    slow.clock.advance(timedelta(milliseconds=1))
    assert (await run(slow)).changed == 2  # Its texts are gone, so the next one is compared again.


async def test_what_could_not_be_documented_is_visited_by_the_next_run(
    slow: World, confined: Slow
) -> None:
    await run(slow)
    await slow.push(bala("acme/greet:2.0.0"))
    confined.is_available = False
    report = await run(slow)
    assert (report.seen, report.changed, report.unfinished) == (1, 0, False)
    confined.is_available = True
    report = await run(slow)
    assert (report.seen, report.changed) == (len(VERSIONS) + 1, 1)
    assert (await run(slow)).seen == 0


async def test_visiting_all_packages_goes_on_where_its_time_was_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        await world.push(bala(f"acme/{name}:1.0.0"))
    monkeypatch.setattr(tasks, "RUN_TIME", timedelta())
    first = await run(world)
    monkeypatch.undo()
    second = await run(world)
    assert (first.seen, first.unfinished) == (2 + 1, True)  # Of the feed, and of the visit.
    assert (second.seen, second.unfinished) == (1, False)
