"""What PullLedger promises."""

import asyncio

import pytest

from shared.ports.pull_ledger import Pull, PullBatch, PullHistory
from tests.contract.sample_records import GREET, coordinate, head, package
from tests.contract.stores import STORES, OpenStores, Stores
from tests.support.pulls import Process

pytestmark = pytest.mark.measured

YESTERDAY = "2026-11-19"
TODAY = "2026-11-20"
TOMORROW = "2026-11-21"


def pull(text: str = "acme/greet:1.0.0", caller: str = "c1", window: int = 1) -> Pull:
    """Return a pull of today."""
    return Pull(coordinate(text), TODAY, caller, window)


@pytest.fixture
def process() -> Process:
    """Return a process that counts pulls."""
    return Process("one")


async def counted(stores: Stores, text: str = "acme/greet") -> int:
    """Return what the head of a package counts."""
    stored = await stores.metadata.head(package(text))
    assert stored is not None
    return stored.pulls


async def rolled_up(stores: Stores) -> dict[str, dict[str, int]]:
    """Roll all days up, and return the pulls of a package by version and day."""
    await stores.pulls.roll_up(before_window=1, today=TOMORROW)
    daily = await stores.pulls.daily(GREET)
    return {version: dict(days) for version, days in daily.items()}


async def test_pulls_are_counted_by_version_and_day(stores: Stores, process: Process) -> None:
    yesterday = Pull(coordinate("acme/greet:1.0.0"), YESTERDAY, "c1", 0)
    first = [pull(), pull("acme/greet:2.0.0"), pull(caller="c2"), pull(window=2), yesterday]
    assert await stores.pulls.daily(GREET) == {}
    assert await stores.pulls.roll_up(before_window=9, today=TODAY) == ([], False, None)
    await stores.pulls.record(process.batch(*first))
    await stores.pulls.record(process.batch(pull("acme/other:1.0.0")))
    assert await rolled_up(stores) == {"1.0.0": {YESTERDAY: 1, TODAY: 3}, "2.0.0": {TODAY: 1}}


async def test_a_batch_is_counted_once_however_often_it_is_recorded(
    stores: Stores, others: Stores, process: Process
) -> None:
    batch = process.batch(pull(), pull("ACME/Greet:1.0.0", caller="c2"))
    await asyncio.gather(*(each.pulls.record(batch) for _ in range(5) for each in (stores, others)))
    assert await rolled_up(stores) == {"1.0.0": {TODAY: 2}}
    await stores.pulls.record(batch)  # By a process that read no answer before the roll-up.
    assert await rolled_up(stores) == {"1.0.0": {TODAY: 2}}
    await stores.pulls.record(process.batch(pull(caller="c3")))
    assert await rolled_up(stores) == {"1.0.0": {TODAY: 3}}


async def test_the_batches_of_several_processes_are_all_counted(
    stores: Stores, others: Stores
) -> None:
    for opened, name in ((stores, "one"), (others, "two"), (stores, "three")):
        process = Process(name)
        for window in range(3):
            await opened.pulls.record(process.batch(pull(caller=name, window=window)))
    assert await rolled_up(stores) == {"1.0.0": {TODAY: 9}}


async def test_a_roll_up_adds_each_pull_to_the_head_once(
    stores: Stores, others: Stores, process: Process
) -> None:
    await stores.metadata.claim(head())
    batch = process.batch(pull(), pull(caller="c2"), pull("acme/greet:2.0.0"))
    await stores.pulls.record(batch)
    runs = [each.pulls.roll_up(1, TODAY) for _ in range(5) for each in (stores, others)]
    await asyncio.gather(*runs)
    assert await counted(others) == 3
    await stores.pulls.record(process.batch(pull(caller="c3")))
    await stores.pulls.roll_up(before_window=1, today=TODAY)
    assert await counted(others) == 4


async def test_of_today_at_most_a_tenth_of_the_pulls_wait(stores: Stores, process: Process) -> None:
    await stores.metadata.claim(head())
    for number in range(60):
        await stores.pulls.record(process.batch(pull(caller=f"c{number}")))
        await stores.pulls.roll_up(before_window=1, today=TODAY)
        assert number + 1 - await counted(stores) <= (number + 1) / 10
    await stores.pulls.roll_up(before_window=1, today=TOMORROW)
    assert await counted(stores) == 60


async def test_a_roll_up_returns_the_packages_whose_place_in_the_search_may_change(
    stores: Stores, process: Process
) -> None:
    for text in ("acme/greet", "acme/other", "acme/quiet"):
        await stores.metadata.claim(head(text))
    await stores.pulls.record(process.batch(pull(), pull("acme/other:1.0.0")))
    rolled_up = await stores.pulls.roll_up(before_window=1, today=TODAY)
    assert set(rolled_up.changed) == {GREET, package("acme/other")}
    assert await stores.pulls.roll_up(before_window=1, today=TODAY) == ([], False, None)


async def test_a_roll_up_leaves_the_revision_of_the_head(stores: Stores, process: Process) -> None:
    before = await stores.metadata.claim(head())
    await stores.pulls.record(process.batch(pull()))
    await stores.pulls.roll_up(before_window=1, today=TODAY)
    changed = await stores.metadata.replace_head(before)
    assert changed == before.model_copy(update={"revision": 2, "pulls": 1})


async def test_a_history_has_what_was_rolled_up_by_version_month_and_day(
    stores: Stores, process: Process
) -> None:
    await stores.metadata.claim(head())
    long_ago = Pull(coordinate("acme/greet:1.0.0"), "2026-08-01", "c1", 0)
    month_end = Pull(coordinate("acme/greet:1.0.0"), "2026-10-31", "c9", 1)
    newest = pull("acme/greet:2.0.0")
    await stores.pulls.record(process.batch(long_ago, month_end, pull(), pull(caller="c2"), newest))
    await stores.pulls.roll_up(before_window=1, today=TODAY)
    assert await stores.pulls.history(GREET, since="2026-10-31") == PullHistory(
        versions={"1.0.0": 4, "2.0.0": 1},
        months={"2026-08": 1, "2026-10": 1, "2026-11": 3},
        days={"2026-10-31": {"1.0.0": 1}, TODAY: {"1.0.0": 2, "2.0.0": 1}},
    )
    await stores.pulls.record(process.batch(pull(caller="c3")))
    await stores.pulls.roll_up(before_window=1, today=TODAY)
    assert (await stores.pulls.history(GREET, since=TODAY)).days == {
        TODAY: {"1.0.0": 3, "2.0.0": 1}
    }


async def test_a_history_is_whole_however_many_days_it_has(stores: Stores) -> None:
    await stores.metadata.claim(head())
    days = [f"2026-{month:02}-{day:02}" for month in (8, 9) for day in range(1, 29)]
    versions = ("1.0.0", "2.0.0")
    await stores.pulls.restore(GREET, {each: dict.fromkeys(days, 1) for each in versions})
    history = await stores.pulls.history(GREET, since="2026-09-01")
    assert history.versions == dict.fromkeys(versions, len(days))
    assert history.months == {"2026-08": len(days), "2026-09": len(days)}
    recent = [day for day in days if day >= "2026-09-01"]
    assert history.days == dict.fromkeys(recent, dict.fromkeys(versions, 1))


# --- ledgers that know callers -----------------------------------------------------------------


@pytest.fixture
def knowing(open_stores: OpenStores, stores: Stores) -> Stores:
    """Return stores whose ledger knows callers."""
    if open_stores is STORES["cloud"]:
        pytest.skip("A ledger in the cloud knows no callers: a process leaves their repeats out.")
    return stores


async def test_a_caller_counts_once_in_all_processes(knowing: Stores, others: Stores) -> None:
    same = [pull(), pull("ACME/Greet:1.0.0")]
    reports = [
        opened.pulls.record(Process(f"process {number}").batch(*same))
        for number in range(5)
        for opened in (knowing, others)
    ]
    await asyncio.gather(*reports)
    assert await rolled_up(knowing) == {"1.0.0": {TODAY: 1}}


async def test_recorded_pulls_are_in_the_head_and_the_history_at_once(
    knowing: Stores, others: Stores, process: Process
) -> None:
    await knowing.metadata.claim(head())
    batch = process.batch(pull(), pull(caller="c2"), pull("acme/greet:2.0.0"))
    for _ in range(2):
        await knowing.pulls.record(batch)
        assert await counted(others) == 3
    history = await others.pulls.history(GREET, since=TODAY)
    assert history.versions == {"1.0.0": 2, "2.0.0": 1}
    rolled = await others.pulls.roll_up(before_window=1, today=TODAY)
    assert (rolled.changed, await counted(knowing)) == ([GREET], 3)


async def test_any_number_of_callers_is_forgotten(knowing: Stores) -> None:
    crowd = [pull(caller=f"c{each}") for each in range(12_000)]  # More than two batches.
    await knowing.pulls.record(PullBatch("one", 1, dict.fromkeys(crowd, 1)))
    await knowing.pulls.roll_up(before_window=2, today=TODAY)
    await knowing.pulls.record(PullBatch("one", 2, dict.fromkeys(crowd[::4_000], 1)))
    assert await knowing.pulls.daily(GREET) == {"1.0.0": {TODAY: 12_003}}
