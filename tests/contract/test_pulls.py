"""What PullLedger promises."""

import asyncio

from shared.ports import Pull, PullHistory
from tests.contract.sample_records import GREET, coordinate, head, package
from tests.contract.stores import STORES, OpenStores, Stores

TODAY = "2026-11-20"


def pull(text: str = "acme/greet:1.0.0", caller: str = "c1", window: int = 1) -> Pull:
    """Return a pull of today."""
    return Pull(coordinate(text), caller, window, TODAY)


async def counted(stores: Stores, text: str = "acme/greet") -> int:
    """Return what the head of a package counts."""
    stored = await stores.metadata.head(package(text))
    assert stored is not None
    return stored.pulls


async def test_pulls_are_counted_by_version_and_day(stores: Stores) -> None:
    yesterday = Pull(coordinate("acme/greet:1.0.0"), "c1", 0, "2026-11-19")
    other = pull("acme/other:1.0.0")
    await stores.pulls.record([pull(), pull("acme/greet:2.0.0"), pull(caller="c2"), yesterday])
    await stores.pulls.record([other])
    assert await stores.pulls.daily(GREET) == {
        "1.0.0": {"2026-11-19": 1, TODAY: 2},
        "2.0.0": {TODAY: 1},
    }


async def test_a_package_that_nobody_pulled_has_no_days(stores: Stores) -> None:
    assert await stores.pulls.daily(GREET) == {}


async def test_a_pull_is_counted_once(stores: Stores, others: Stores) -> None:
    same = [pull(), pull("ACME/Greet:1.0.0"), pull()]
    flushes = [process.pulls.record(same) for _ in range(5) for process in (stores, others)]
    await asyncio.gather(*flushes)
    assert await stores.pulls.daily(package("Acme/Greet")) == {"1.0.0": {TODAY: 1}}


async def test_another_caller_window_or_version_is_another_pull(stores: Stores) -> None:
    different = [pull(), pull(caller="c2"), pull(window=2), pull("acme/greet:1.0.1")]
    await stores.pulls.record(different)
    assert await stores.pulls.daily(GREET) == {"1.0.0": {TODAY: 3}, "1.0.1": {TODAY: 1}}


async def test_nothing_is_recorded_of_no_pulls(stores: Stores) -> None:
    await stores.pulls.record([])
    assert await stores.pulls.roll_up(before_window=9) == []


async def test_a_roll_up_adds_each_pull_to_the_head_once(stores: Stores, others: Stores) -> None:
    await stores.metadata.claim(head())
    await stores.pulls.record([pull(), pull(caller="c2"), pull("acme/greet:2.0.0")])
    await asyncio.gather(*(w.pulls.roll_up(1) for _ in range(5) for w in (stores, others)))
    assert await counted(others) == 3
    await stores.pulls.record([pull(), pull(caller="c3")])
    await stores.pulls.roll_up(before_window=1)
    assert await counted(others) == 4


async def test_a_roll_up_returns_the_packages_that_changed(stores: Stores) -> None:
    for text in ("acme/greet", "acme/other", "acme/quiet"):
        await stores.metadata.claim(head(text))
    await stores.pulls.record([pull(), pull("acme/other:1.0.0")])
    changed = await stores.pulls.roll_up(before_window=1)
    assert set(changed) == {GREET, package("acme/other")}
    assert await stores.pulls.roll_up(before_window=1) == []


async def test_a_roll_up_leaves_the_revision_of_the_head(stores: Stores) -> None:
    before = await stores.metadata.claim(head())
    await stores.pulls.record([pull()])
    await stores.pulls.roll_up(before_window=1)
    changed = await stores.metadata.replace_head(before)
    assert changed == before.model_copy(update={"revision": 2, "pulls": 1})


async def test_callers_are_forgotten_with_their_window(stores: Stores) -> None:
    await stores.pulls.record([pull(window=1), pull(window=2)])
    await stores.pulls.roll_up(before_window=2)
    await stores.pulls.record([pull(window=1), pull(window=2)])
    assert await stores.pulls.daily(GREET) == {"1.0.0": {TODAY: 3}}


async def test_any_number_of_callers_is_forgotten(stores: Stores, open_stores: OpenStores) -> None:
    # More than two batches; those of one machine are larger.
    number = 2_400 if open_stores is STORES["cloud"] else 12_000
    crowd = [pull(caller=f"c{each}") for each in range(number)]
    await stores.pulls.record(crowd)
    await stores.pulls.roll_up(before_window=2)
    await stores.pulls.record(crowd[:: number // 3])
    assert await stores.pulls.daily(GREET) == {"1.0.0": {TODAY: number + 3}}


async def test_a_history_has_what_was_rolled_up_by_version_month_and_day(stores: Stores) -> None:
    await stores.metadata.claim(head())
    long_ago = Pull(coordinate("acme/greet:1.0.0"), "c1", 0, "2026-08-01")
    month_end = Pull(coordinate("acme/greet:1.0.0"), "c9", 1, "2026-10-31")
    newest = pull("acme/greet:2.0.0")
    await stores.pulls.record([long_ago, month_end, pull(), pull(caller="c2"), newest])
    await stores.pulls.roll_up(before_window=1)
    await stores.pulls.record([pull(caller="c3")])
    assert await stores.pulls.history(GREET, since="2026-10-31") == PullHistory(
        versions={"1.0.0": 4, "2.0.0": 1},
        months={"2026-08": 1, "2026-10": 1, "2026-11": 3},
        days={"2026-10-31": {"1.0.0": 1}, TODAY: {"1.0.0": 2, "2.0.0": 1}},
    )
    await stores.pulls.roll_up(before_window=1)
    assert (await stores.pulls.history(GREET, since=TODAY)).days == {
        TODAY: {"1.0.0": 3, "2.0.0": 1}
    }


async def test_pulls_that_are_not_rolled_up_are_in_no_history(stores: Stores) -> None:
    await stores.pulls.record([pull()])
    assert await stores.pulls.history(GREET, since=TODAY) == PullHistory({}, {}, {})
