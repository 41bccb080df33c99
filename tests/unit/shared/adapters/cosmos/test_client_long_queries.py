"""What has many pages is read page by page: a page that fails is read again, and none before it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.cloud import CloudStores, open_cloud
from shared.adapters.system import SystemRandomness
from shared.domain.pull_records import PullRecordBatch, RecordedPull
from tests.contract.sample_records import event, token
from tests.fakes.cosmos.protocol import CosmosDouble, Request
from tests.fakes.cosmos.transport import DoubleTransport, Trouble
from tests.fakes.system import START_MS, FakeClock
from tests.support.cloud_stores import CloudDouble

ITEMS = 7
A_PAGE = "2"


@dataclass
class BusyTransport(DoubleTransport):
    """Answers queries with small pages, as the service does where items are large, and fails to
    answer each third one."""

    is_busy: bool = False
    queries: "count[int]" = field(default_factory=lambda: count(1))

    def _answered(self, request: Any, asked: Request, trouble: Trouble | None) -> Any:
        if not self.is_busy or not asked.says("x-ms-documentdb-isquery"):
            return super()._answered(request, asked, trouble)
        small = replace(asked, headers={**asked.headers, "x-ms-max-item-count": A_PAGE})
        fails = Trouble.RESET if next(self.queries) % 3 == 0 else None
        return super()._answered(request, small, fails)


@dataclass
class BusyStores:
    """Stores of a service that is busy from some time on."""

    stores: CloudStores
    transports: list[BusyTransport]

    def become_busy(self) -> None:
        """Fail to answer each third query from now on."""
        for each in self.transports:
            each.is_busy = True


@pytest.fixture
async def busy(tmp_path: Path) -> AsyncGenerator[BusyStores]:
    clock = FakeClock()
    transports = list[BusyTransport]()

    def transport(double: CosmosDouble) -> BusyTransport:
        transports.append(BusyTransport(double))
        return transports[-1]

    connections = CloudDouble(tmp_path, clock, transport=transport)
    stores = open_cloud(connections, clock, SystemRandomness())
    yield BusyStores(stores, transports)
    await stores.close()


async def pull(stores: CloudStores) -> None:
    """Record pulls of Ann, each in an item of its own."""
    for number in range(ITEMS):
        ann = RecordedPull("acme", "greet", "1.0.0", START_MS, "ann", "token-1", "", "192.0.2.1")
        await stores.pull_records.record(PullRecordBatch("0a", number, (ann,)))


async def act(stores: CloudStores) -> None:
    """Append what Alice did."""
    done = [event(f"e{number}", at_ms=START_MS) for number in range(ITEMS)]
    await stores.events.append([each.model_copy(update={"address": "192.0.2.1"}) for each in done])


Count = Callable[[CloudStores], Awaitable[int]]


async def exported(stores: CloudStores) -> int:
    return len(await stores.pull_records.of_principal("ann", ITEMS))


async def expire(stores: CloudStores) -> None:
    """Store codes that end, and tokens."""
    for number in range(ITEMS):
        await stores.work.put("code", str(number), "", START_MS + 1)
        await stores.directory.add(token(f"t{number}", f"h{number}", expires_ms=1))


CASES: dict[str, tuple[Callable[[CloudStores], Awaitable[None]], Count]] = {
    "export of pulls": (pull, exported),
    "erasure of pulls": (pull, lambda stores: stores.pull_records.forget_principal("ann")),
    "erasure of events": (act, lambda stores: stores.events.forget_account("alice")),
    "expired codes": (expire, lambda stores: stores.work.remove_expired(START_MS + 2)),
    "expired tokens": (expire, lambda stores: stores.directory.remove_expired(START_MS)),
}


@pytest.mark.parametrize("case", CASES)
async def test_all_records_are_found_while_queries_fail(busy: BusyStores, case: str) -> None:
    store, find = CASES[case]
    await store(busy.stores)
    busy.become_busy()
    assert await find(busy.stores) == ITEMS
