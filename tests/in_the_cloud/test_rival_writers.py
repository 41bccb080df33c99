"""A call of Cosmos DB fails, another process writes, and the first one repeats its call: whoever
comes first is not overwritten.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.adapters.cloud import CloudStores, open_cloud
from shared.adapters.system import SystemRandomness
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.ports.conflicts import AlreadyThere
from shared.ports.pull_ledger import Pull
from tests.contract.sample_records import account, coordinate, event, head
from tests.fakes.cosmos.protocol import CosmosDouble, Request
from tests.fakes.cosmos.transport import DoubleTransport, Trouble
from tests.fakes.system import FakeClock
from tests.outages.fault_injection import kind_of_record
from tests.support.cloud_stores import CloudDouble, double_of
from tests.support.event_feed import check_stored_feed, checked_feed
from tests.support.pulls import Process

Write = Callable[[], Awaitable[object]]

TODAY = "2026-11-20"
TOMORROW = "2026-11-21"
WINDOW = 6  # Of an hour that begins: every run merges.
GREET = coordinate("acme/greet:1.0.0")


@dataclass
class RivalFault:
    """The call of a kind that fails once, and what the other process writes before its repeat."""

    trouble: Trouble
    kind: str = ""
    number: int = 1
    rival: Write | None = None
    struck: list[Request] = field(default_factory=list[Request])

    def trouble_of(self, request: Request) -> Trouble | None:
        """Return what becomes of a call; the n-th one of its kind fails."""
        if self.rival is None or kind_of_record(request) != self.kind:
            return None
        self.number -= 1
        return self.trouble if self.number == 0 else None

    async def write(self, request: Request) -> None:
        """Write what the other process writes."""
        self.struck.append(request)
        assert self.rival is not None
        await self.rival()


@dataclass
class TwoProcesses:
    """Two processes over the same stores, the calls of one of which may fail."""

    one: CloudStores
    other: CloudStores
    fault: RivalFault
    double: CosmosDouble

    async def act(self, act: Write, fails: str, rival: Write, number: int = 1) -> None:
        """Act while a call fails, and the other process writes before it is repeated."""
        self.fault.kind = fails
        self.fault.number = number
        self.fault.rival = rival
        with suppress(AlreadyThere):
            await act()
        assert self.fault.struck


@asynccontextmanager
async def two_processes(folder: Path, trouble: Trouble) -> AsyncGenerator[TwoProcesses]:
    """Open the stores of a place twice."""
    clock = FakeClock()
    fault = RivalFault(trouble)

    def failing(double: CosmosDouble) -> DoubleTransport:
        return DoubleTransport(double, fault.trouble_of, fault.write)

    one = open_cloud(CloudDouble(folder, clock, transport=failing), clock, SystemRandomness())
    other = open_cloud(CloudDouble(folder, clock), clock, SystemRandomness())
    yield TwoProcesses(one, other, fault, double_of(folder, clock))
    await one.close()
    await other.close()


@pytest.fixture(params=Trouble, ids=lambda each: each.name.lower())
async def processes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[TwoProcesses]:
    async with two_processes(tmp_path, request.param) as opened:
        yield opened


async def test_two_events_never_have_one_number(processes: TwoProcesses) -> None:
    one = processes.one.events
    other = processes.other.events
    await one.append([event("before")])
    await processes.act(
        lambda: one.append([event("mine"), event("mine too")]),
        "events.batch",
        lambda: other.append([event("theirs")]),
    )
    await one.append([event("after")])
    check_stored_feed(processes.double)
    ids = {each.id for each in await checked_feed(other)}
    assert ids == {"before", "mine", "mine too", "theirs", "after"}


@dataclass
class Counting:
    """A process that counts pulls of a package, beside those that roll them up."""

    processes: TwoProcesses
    process: Process = field(default_factory=Process)
    pulls: int = 0

    async def pull(self) -> None:
        """Count a pull."""
        self.pulls += 1
        batch = self.process.batch(Pull(GREET, TODAY, f"c{self.pulls}", 1))
        await self.processes.other.pulls.record(batch)

    async def pull_and_roll_up(self, today: str) -> None:
        """Let the other process roll up what there is, and one pull more."""
        for _ in range(2):
            await self.processes.other.pulls.roll_up(WINDOW, today)
            await self.pull()
        await self.processes.other.pulls.roll_up(WINDOW, today)

    async def check(self) -> None:
        """Every pull is counted once."""
        for _ in range(3):
            await self.processes.other.pulls.roll_up(WINDOW, TOMORROW)
        counted = await self.processes.other.pulls.daily(GREET.package)
        assert counted == {"1.0.0": {TODAY: self.pulls}}


@pytest.fixture
async def counting(processes: TwoProcesses) -> Counting:
    await processes.one.metadata.claim(head())
    return Counting(processes)


# The first batch of a roll-up is that of the waiting pulls, the second that of the sums.
@pytest.mark.parametrize("number", [1, 2])
async def test_pulls_are_counted_once_while_two_roll_them_up(
    counting: Counting, number: int
) -> None:
    one = counting.processes.one.pulls
    await counting.pull()
    await one.roll_up(WINDOW, TODAY)
    await counting.pull()
    await counting.processes.act(
        lambda: one.roll_up(WINDOW, TOMORROW),
        "stats.batch",
        lambda: counting.pull_and_roll_up(TOMORROW),
        number,
    )
    await counting.check()


async def test_pulls_that_wait_are_kept_while_another_takes_some_out(counting: Counting) -> None:
    one = counting.processes.one.pulls
    for _ in range(12):
        await counting.pull()
    await one.roll_up(WINDOW, TODAY)
    await counting.pull()  # Too few to be due.
    await one.roll_up(WINDOW, TODAY)
    await counting.processes.act(
        lambda: one.roll_up(WINDOW, TOMORROW),
        "stats.batch",
        lambda: counting.pull_and_roll_up(TODAY),
    )
    await counting.check()


async def test_one_of_two_that_take_a_removed_place_has_it(processes: TwoProcesses) -> None:
    one = processes.one.directory
    other = processes.other.directory
    owing = account().model_copy(update={"outbox": (event("e1"),)})
    await one.remove(await one.add(owing))
    mine = account("a1", "Mine")
    theirs = account("a1", "Theirs")
    added = list[Account]()

    async def add_theirs() -> None:
        with suppress(AlreadyThere):
            added.append(await other.add(theirs))

    async def add_mine() -> None:
        added.append(await one.add(mine))

    await processes.act(add_mine, "accounts.batch", add_theirs, 2)
    [won] = added
    found = await other.get(Account, Place("a1"))
    assert found is not None
    assert found.name == won.name


async def test_an_entity_that_is_added_again_outlives_the_removal(processes: TwoProcesses) -> None:
    one = processes.one.directory
    other = processes.other.directory
    stored = await one.add(account())
    again = account("a1", "Again")
    await processes.act(lambda: one.remove(stored), "accounts.delete", lambda: other.add(again))
    found = await other.get(Account, Place("a1"))
    assert found is not None
    assert found.name == "Again"
