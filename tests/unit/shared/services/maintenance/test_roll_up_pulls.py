"""Counted pulls are added to the packages."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.coordinates import Coordinate
from shared.domain.errors.requests import Busy
from shared.domain.tasks import TaskReport
from shared.ports.pull_ledger import RollUp
from shared.services.maintenance.roll_up_pulls import RollUpPulls
from tests.support.port_doubles import counting
from tests.support.world import World

GREET = Coordinate.parse("acme", "greet", "1.0.0")


@dataclass
class BusyLedger:
    """Is behind as often as it is told to be; each roll-up changes one package."""

    roll_ups: list[str] = field(default_factory=list[str])
    behind: int = 0
    failure: Exception | None = None

    async def roll_up(self, before_window: int, today: str) -> RollUp:
        """Roll up one package, and say whether there are more."""
        self.roll_ups.append(today)
        return RollUp([GREET.package], len(self.roll_ups) <= self.behind, self.failure)


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


async def test_the_search_has_the_packages_whose_pulls_were_added_if_others_failed(
    world: World,
) -> None:
    calls = Counter[str]()
    task = world.registry.maintenance.tasks[RollUpPulls.id]
    assert isinstance(task, RollUpPulls)
    derived_data = counting(task.derived_data, calls)
    ledger = BusyLedger(failure=Busy())
    with pytest.raises(Busy):
        await replace(task, ledger=ledger, derived_data=derived_data).run()  # pyright: ignore[reportArgumentType] - the part that is called.
    assert calls["update_search"] == 1
