"""What is raised for an added entity if another writer is faster, and what a deletion leaves that
was cut off."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from shared.adapters.cosmos.client import DATABASE, CosmosDatabase
from shared.adapters.cosmos.directory import CosmosDirectory
from shared.adapters.system import SystemRandomness
from shared.domain.entities import AdditionCount
from shared.domain.events import Event
from shared.domain.memberships import Membership
from shared.domain.scopes import Role
from shared.ports.conflicts import AlreadyThere, Stale
from shared.services.record_batches import entity_batches
from tests.contract.sample_records import event
from tests.fakes.cosmos.protocol import Request
from tests.fakes.cosmos.transport import DoubleTransport, Trouble
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudDouble, double_of


def counted(number: int) -> AdditionCount:
    return AdditionCount(owner="acme", counted="membership", number=number)


def member(account_id: str) -> Membership:
    return Membership(org="acme", account=account_id, role=Role.MEMBER)


class Faults(Protocol):
    """What calls fail, and what happens before they are repeated."""

    def trouble_of(self, request: Request) -> Trouble | None: ...

    async def write(self, request: Request) -> None: ...


class Rival:
    """Writes before the n-th batch of another process."""

    def __init__(self, nth: int, write: Callable[[], Awaitable[object]]) -> None:
        self._batches_before = nth
        self._write = write

    def trouble_of(self, request: Request) -> Trouble | None:
        """Let the batch be sent again after the rival has written."""
        self._batches_before -= request.says("x-ms-cosmos-is-batch-request")
        if self._batches_before:
            return None
        self._batches_before = -1
        return Trouble.RETRY_WITH

    async def write(self, request: Request) -> None:
        await self._write()


class NoDeletion:
    """Lets no call delete."""

    def __init__(self) -> None:
        self.tried = asyncio.Event()

    def trouble_of(self, request: Request) -> Trouble | None:
        if request.method != "DELETE":
            return None
        self.tried.set()
        return Trouble.UNAVAILABLE

    async def write(self, request: Request) -> None:
        """Write nothing."""


@asynccontextmanager
async def opened(place: Path, faults: Faults | None = None) -> AsyncGenerator[CosmosDirectory]:
    clock = FakeClock()
    stores = CloudDouble(place, clock)
    if faults is not None:
        stores = CloudDouble(
            place,
            clock,
            transport=lambda it: DoubleTransport(it, faults.trouble_of, faults.write),
        )
    cosmos = CosmosDatabase(stores.cosmos, SystemRandomness())
    yield CosmosDirectory(cosmos, clock)
    await cosmos.close()


# The second batch takes the place of a removed entity with events.
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize(
    ("account_id", "replacing", "refusal"),
    [
        pytest.param("theirs", counted(2), Stale, id="replaced what it replaces"),
        pytest.param("mine", None, AlreadyThere, id="taken its place"),
    ],
)
async def test_an_add_fails_if_a_rival_was_faster(
    tmp_path: Path,
    nth: int,
    account_id: str,
    replacing: AdditionCount | None,
    refusal: type[Exception],
) -> None:
    async def add() -> None:
        added.append(await other.add(member(account_id), replacing=replacing))

    added = list[Membership]()
    async with opened(tmp_path) as other:
        await other.add(counted(1))
        left = member("mine").model_copy(update={"outbox": (event("e1"),)})
        await other.remove(await other.add(left))
        async with opened(tmp_path, Rival(nth, add)) as mine:
            with pytest.raises(refusal):
                await mine.add(member("mine"), replacing=counted(2))
        assert [each.account for each in added] == [account_id]
        assert await other.list_by_owner(Membership, "acme") == added


async def test_reading_all_entities_reads_each_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as directory:
        charges = list[float]()
        for first, last in ((0, 300), (300, 1_200)):
            for number in range(first, last):
                await directory.put(member(f"a{number}"))
            double = double_of(tmp_path, FakeClock())
            before = double.charged
            batches = [each async for each in entity_batches(directory, Membership, 100)]
            charges.append(double.charged - before)
            assert [len(each) for each in batches] == [100] * (last // 100)
        # Each item of less than a KiB takes a unit, and each page the charge of a query.
        assert charges[1] <= 4 * charges[0]
        assert round(charges[1], 1) <= 1_200 + 2 * 4.6


def stored_ids(place: Path) -> list[str]:
    accounts = double_of(place, FakeClock()).containers[DATABASE, "accounts"]
    return [id_ for each in accounts.partitions.values() for id_ in each.items]


async def removed_and_cleared(entity: Membership, directory: CosmosDirectory) -> None:
    gone = await directory.remove(entity)
    await directory.clear(gone.pending_events)


@pytest.mark.parametrize("outbox", [(), (event("e1"),)])
async def test_an_entity_whose_deletion_was_cut_off_is_deleted_with_the_expired(
    tmp_path: Path, outbox: tuple[Event, ...]
) -> None:
    faults = NoDeletion()
    async with opened(tmp_path) as other, opened(tmp_path, faults) as mine:
        there = await other.add(member("mine"))
        removing = removed_and_cleared(there.model_copy(update={"outbox": outbox}), mine)
        cut_off = asyncio.create_task(removing)
        await faults.tried.wait()
        cut_off.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cut_off
        assert stored_ids(tmp_path) == ["membership:mine"]
        assert await other.remove_expired(FakeClock().now_ms() + 1) == 1
        assert stored_ids(tmp_path) == []
