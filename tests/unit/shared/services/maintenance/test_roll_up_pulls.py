"""Counted pulls are added to the packages."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from shared.domain.search import Query, ResultPage
from shared.domain.status import TaskReport
from shared.ports import RollUp
from shared.services.maintenance.record_tasks import RollUpPulls
from tests.support.archives import bala
from tests.support.world import World

GREET = Coordinate.parse("acme", "greet", "1.0.0")


async def test_the_roll_up_adds_pulls_to_the_package_and_its_search_result_once(
    world: World,
) -> None:
    await world.push(bala(str(GREET)))
    for caller in ("one", "two"):
        world.registry.packages.pull_counter.count(GREET, caller)
    await world.registry.packages.pull_counter.flush()
    assert await world.registry.maintenance.upkeep.run("roll-up-pulls") == TaskReport(1, 1)
    assert await world.registry.maintenance.upkeep.run("roll-up-pulls") == TaskReport(0, 0)
    head = await world.stores.metadata.head(GREET.package)
    assert head is not None
    assert head.pulls == 2
    found = await world.registry.packages.search.search(
        Query.parse("greet"), ResultPage(), by=OPERATOR
    )
    assert [hit.listing.head.pulls for hit in found.hits] == [2]


@dataclass
class BusyLedger:
    """Is behind as often as it is told to be; each roll-up changes one package."""

    roll_ups: list[str] = field(default_factory=list[str])
    behind: int = 0

    async def roll_up(self, before_window: int, today: str) -> RollUp:
        """Roll up one package, and say whether there are more."""
        self.roll_ups.append(today)
        return RollUp([GREET.package], is_behind=len(self.roll_ups) <= self.behind)


async def rolled_up(world: World, ledger: BusyLedger) -> TaskReport:
    """Run the task over a ledger, by a clock that goes on while it pauses."""

    async def sleep(seconds: float) -> None:
        world.clock.advance(timedelta(seconds=seconds))

    task = world.registry.maintenance.tasks[RollUpPulls.id]
    return await replace(task, ledger=ledger, sleep=sleep).run()


@pytest.mark.parametrize(("behind", "times"), [(0, 1), (1, 2), (3, 4), (1_000, 14)])
async def test_the_roll_up_goes_on_each_minute_while_many_pulls_wait(
    world: World, behind: int, times: int
) -> None:
    ledger = BusyLedger(behind=behind)
    began_ms = world.clock.now_ms()
    assert await rolled_up(world, ledger) == TaskReport(times, times)
    assert len(ledger.roll_ups) == times
    assert timedelta(milliseconds=world.clock.now_ms() - began_ms) <= timedelta(minutes=13)
