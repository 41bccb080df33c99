"""Pulls in the cloud are counted once, whatever fails: requests, answers, or whole processes."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.cloud import CloudStores, open_cloud
from shared.adapters.system import SystemRandomness
from shared.domain.coordinates import Package
from shared.domain.errors.requests import Busy
from shared.ports.pull_ledger import Pull, PullBatch
from tests.contract.sample_records import coordinate, head, package
from tests.fakes.cosmos.protocol import CosmosDouble
from tests.fakes.cosmos.transport import DoubleTransport, Trouble, read_request
from tests.fakes.system import FakeClock
from tests.outages.fault_injection import READS, Died, kind_of_record
from tests.sampling import covering
from tests.support.cloud_stores import CloudDouble, copy_double, forget
from tests.support.pulls import Process

pytestmark = pytest.mark.slow

PACKAGES = ("acme/greet", "acme/other", "ballerina/http")
TODAY = "2026-11-20"
TOMORROW = "2026-11-21"
WINDOW = 6  # Of an hour that begins: every run merges.


class Death(Enum):
    """When a process dies."""

    BEFORE = "process death before the request"
    AFTER = "process death after the request"


RequestFault = Trouble | Death


@dataclass
class FailingTransport(DoubleTransport):
    """Counts requests; `strike` says what becomes of each."""

    strike: Callable[[int], RequestFault | None] = lambda _: None
    sent: list[str] = field(default_factory=list[str])  # The kind of each request.
    is_dead: bool = False

    async def send(self, request: Any, **options: Any) -> Any:
        """Send a request, unless its fault or the death of the process is in the way."""
        if self.is_dead:
            raise Died
        fault = self.strike(len(self.sent))
        self.sent.append(kind_of_record(read_request(request)))
        if isinstance(fault, Death):
            self.is_dead = True
            if fault is Death.AFTER:
                await super().send(request, **options)
            raise Died
        self.troubles = lambda _: fault
        return await super().send(request, **options)


@dataclass
class PullAccounts:
    """The stores of a registry, and what is known of the pulls in it."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    counted: Counter[str] = field(default_factory=Counter[str])
    uncertain: Counter[str] = field(default_factory=Counter[str])  # Of processes that died.

    @asynccontextmanager
    async def opened(
        self, strike: Callable[[int], RequestFault | None] = lambda _: None
    ) -> AsyncGenerator[tuple[CloudStores, FailingTransport]]:
        """Open the stores as a process does."""
        transports = list[FailingTransport]()

        def transport(double: CosmosDouble) -> FailingTransport:
            transports.append(FailingTransport(double, strike=strike))
            return transports[-1]

        connections = CloudDouble(self.folder, self.clock, transport=transport)
        stores = open_cloud(connections, self.clock, SystemRandomness())
        stores.cosmos.proxy("stats")  # Which creates the client.
        with suppress(Died):
            yield stores, transports[0]
        with suppress(Died):
            await stores.close()

    async def prepare(self) -> None:
        """Claim the packages."""
        async with self.opened() as (stores, _):
            for name in PACKAGES:
                await stores.metadata.claim(head(name))

    async def check(self) -> None:
        """Roll everything up, and compare what is shown with what was counted."""
        async with self.opened() as (stores, _):
            for _ in range(3):
                await stores.pulls.roll_up(WINDOW, TOMORROW)
            for name in PACKAGES:
                await self._check_package(stores, package(name))

    async def _check_package(self, stores: CloudStores, pulled: Package) -> None:
        daily, history = await asyncio.gather(
            stores.pulls.daily(pulled), stores.pulls.history(pulled, TODAY)
        )
        shown = await stores.metadata.head(pulled)
        assert shown is not None
        expected = self.counted[pulled.key]
        # A batch whose process died is counted as a whole or not at all.
        assert shown.pulls in (expected, expected + self.uncertain[pulled.key])
        assert sum(sum(days.values()) for days in daily.values()) == shown.pulls
        assert sum(history.versions.values()) == shown.pulls
        assert sum(history.months.values()) == shown.pulls
        assert _sum(history.days) == shown.pulls


def _sum(days: Mapping[str, Mapping[str, int]]) -> int:
    return sum(sum(versions.values()) for versions in days.values())


def batch_of(process: Process, first: int, pulls: int = 3) -> PullBatch:
    """Return pulls of all packages."""
    return process.batch(
        *(
            Pull(coordinate(f"{name}:1.{each % 2}.0"), TODAY, f"c{first + each}", 1)
            for name in PACKAGES
            for each in range(pulls)
        )
    )


def pulls_of(batch: PullBatch) -> Counter[str]:
    """Return how often each package was pulled."""
    found = Counter[str]()
    for pull, times in batch.counts.items():
        found[pull.coordinate.package.key] += times
    return found


async def until_answered(call: Callable[[], Awaitable[object]]) -> None:
    """Repeat a call as its caller does."""
    while True:
        with suppress(Busy):
            await call()
            return


async def a_life(
    ledger: PullAccounts, name: str, strike: Callable[[int], RequestFault | None] = lambda _: None
) -> list[str]:
    """Count and roll up in one process, and return the kinds of the requests that it sent."""
    process = Process(name)
    sent = list[str]()
    async with ledger.opened(strike) as (stores, transport):
        for first, today in ((0, TODAY), (10, TODAY), (20, TOMORROW)):
            batch = batch_of(process, first)
            ledger.uncertain = pulls_of(batch)
            await until_answered(lambda batch=batch: stores.pulls.record(batch))
            ledger.counted += ledger.uncertain
            ledger.uncertain = Counter()
            await until_answered(lambda today=today: stores.pulls.roll_up(WINDOW, today))
            sent = transport.sent
    return sent


FAULTS: tuple[RequestFault, ...] = (*Trouble, *Death)
HALF_DONE = (Trouble.LOST_AFTER, *Death)  # Nobody repeats the request, or who does knows nothing.


@dataclass(frozen=True)
class Row:
    """What becomes of one request."""

    number: int
    kind: str
    fault: RequestFault

    @property
    def is_write(self) -> bool:
        return not self.kind.endswith(READS)


def sample_of(kinds: list[str]) -> list[Row]:
    """Return the rows of a life: every request fails, requests of a kind fail in every way, and
    each write is lost in every way that leaves it half done.

    Other faults have no effect on what is stored, and the client repeats all requests of a kind
    by the same code.
    """
    rows = [Row(at, kind, fault) for at, kind in enumerate(kinds) for fault in FAULTS]
    return covering(
        rows,
        lambda row: row.number,
        lambda row: (row.kind, row.fault),
        lambda row: (row.number, row.fault) if row.is_write and row.fault in HALF_DONE else None,
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.name.lower())
async def test_each_request_may_fail(tmp_path: Path, fault: RequestFault) -> None:
    prepared = PullAccounts(tmp_path / "prepared")
    reference = PullAccounts(tmp_path / "reference")
    await prepared.prepare()
    copy_double(prepared.folder, reference.folder)
    kinds = await a_life(reference, "one")
    await reference.check()
    assert len(kinds) > 30
    for row in sample_of(kinds):
        if row.fault is fault:
            ledger = PullAccounts(tmp_path / str(row.number))
            copy_double(prepared.folder, ledger.folder)
            await a_life(ledger, "one", lambda sent, at=row.number: fault if sent == at else None)
            await ledger.check()
            forget(ledger.folder)


async def test_a_fifth_of_all_requests_may_fail(tmp_path: Path) -> None:
    ledger = PullAccounts(tmp_path)
    await ledger.prepare()
    chance = random.Random(20)  # noqa: S311 - no secret.

    def strike(_: int) -> RequestFault | None:
        return chance.choice(list(Trouble)) if chance.random() < 0.2 else None

    async def counts(number: int) -> None:
        process = Process(f"process {number}")
        async with ledger.opened(strike) as (stores, _):
            for first in range(20):
                batch = batch_of(process, 10 * first)
                await until_answered(lambda batch=batch: stores.pulls.record(batch))
                ledger.counted += pulls_of(batch)

    async def rolls_up() -> None:
        async with ledger.opened(strike) as (stores, _):
            for _ in range(10):
                await until_answered(lambda: stores.pulls.roll_up(WINDOW, TODAY))

    await asyncio.gather(*(counts(number) for number in range(3)), rolls_up(), rolls_up())
    await ledger.check()
    assert ledger.counted.total() == 3 * 20 * 9
