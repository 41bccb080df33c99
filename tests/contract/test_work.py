"""What WorkStore promises."""

import asyncio

import pytest

from shared.ports.work import Counter
from tests.contract.stores import Stores

pytestmark = pytest.mark.measured

NOW = 1_000


async def test_a_value_is_taken_once_until_it_expires(stores: Stores) -> None:
    assert await stores.work.take("code", "k", NOW) is None
    await stores.work.put("code", "k", "old", expires_ms=NOW)
    assert await stores.work.take("code", "k", NOW) is None
    await stores.work.put("code", "k", "value", expires_ms=NOW + 1)
    assert await stores.work.take("code", "k", NOW) == "value"
    assert await stores.work.take("code", "k", NOW) is None


async def test_exactly_one_of_concurrent_takers_gets_the_value(
    stores: Stores, others: Stores
) -> None:
    await stores.work.put("code", "k", "value", expires_ms=NOW + 1)
    takes = [process.work.take("code", "k", NOW) for _ in range(10) for process in (stores, others)]
    assert [each for each in await asyncio.gather(*takes) if each] == ["value"]


async def test_kinds_and_keys_are_apart(stores: Stores) -> None:
    for kind, key in (("code", "k"), ("state", "k"), ("code", "K")):
        await stores.work.put(kind, key, f"{kind} {key}", expires_ms=NOW + 1)
    assert await stores.work.take("state", "k", NOW) == "state k"
    assert await stores.work.take("code", "K", NOW) == "code K"
    assert await stores.work.take("code", "k", NOW) == "code k"


async def test_a_lease_is_held_by_one_owner(stores: Stores, others: Stores) -> None:
    owners = [f"{process}{number}" for number in range(10) for process in ("a", "b")]
    leases = [
        (stores if owner[0] == "a" else others).work.lease("publisher", owner, NOW, NOW + 10)
        for owner in owners
    ]
    assert (await asyncio.gather(*leases)).count(True) == 1


async def test_only_its_owner_renews_a_lease_and_others_can_take_it_when_it_expired(
    stores: Stores, others: Stores
) -> None:
    assert await stores.work.lease("publisher", "a", NOW, NOW + 10)
    assert await stores.work.lease("publisher", "a", NOW + 5, NOW + 15)
    assert not await others.work.lease("publisher", "b", NOW + 11, NOW + 20)
    assert await others.work.lease("publisher", "b", NOW + 15, NOW + 20)
    assert not await stores.work.lease("publisher", "a", NOW + 15, NOW + 20)
    assert await stores.work.lease("sweeper", "a", NOW + 15, NOW + 20)


async def test_expired_values_are_removed_and_counted(stores: Stores) -> None:
    for key, expires_ms in (("k1", 100), ("k2", 200), ("k3", NOW + 1)):
        await stores.work.put("code", key, key, expires_ms)
    await stores.work.lease("sweeper", "a", 0, 100)
    await stores.work.count([Counter("push", "a1", expires_ms=NOW - 1)], NOW - 5)
    await stores.work.lease("publisher", "a", 0, NOW + 10)
    assert await stores.work.remove_expired(before_ms=NOW) == 4
    assert await stores.work.remove_expired(before_ms=NOW) == 0
    assert await stores.work.take("code", "k3", NOW) == "k3"
    assert not await stores.work.lease("publisher", "b", NOW, NOW + 20)


async def test_a_value_that_is_peeked_at_stays(stores: Stores) -> None:
    await stores.work.put("code", "k", "value", expires_ms=NOW + 1)
    for _ in range(2):
        assert await stores.work.peek("code", "k", NOW) == "value"
    assert await stores.work.peek("code", "k", NOW + 1) is None
    assert await stores.work.peek("code", "other", NOW) is None
    assert await stores.work.take("code", "k", NOW) == "value"


async def test_exactly_one_of_concurrent_claims_succeeds(stores: Stores, others: Stores) -> None:
    claims = [
        process.work.claim("jti", "k", f"{name}{number}", expires_ms=NOW + 10, now_ms=NOW)
        for number in range(10)
        for name, process in (("a", stores), ("b", others))
    ]
    results = await asyncio.gather(*claims)
    assert results.count(True) == 1
    winner = [f"{name}{number}" for number in range(10) for name in "ab"][results.index(True)]
    assert await stores.work.peek("jti", "k", NOW) == winner


async def test_an_expired_claim_can_be_made_again(stores: Stores) -> None:
    assert await stores.work.claim("jti", "k", "first", expires_ms=NOW + 10, now_ms=NOW)
    assert not await stores.work.claim("jti", "k", "x", expires_ms=NOW + 20, now_ms=NOW + 9)
    assert await stores.work.claim("jti", "k", "second", expires_ms=NOW + 20, now_ms=NOW + 10)
    assert await stores.work.peek("jti", "k", NOW + 10) == "second"


async def test_no_addition_is_lost(stores: Stores, others: Stores) -> None:
    one = Counter("push", "a1", expires_ms=NOW + 10)
    counts = [process.work.count([one], NOW) for _ in range(10) for process in (stores, others)]
    totals = [total for [total] in await asyncio.gather(*counts)]
    assert sorted(totals) == list(range(1, 21))


async def test_counts_are_added_and_returned_in_order(stores: Stores) -> None:
    first = Counter("push", "a1", expires_ms=NOW + 10, amount=3)
    second = Counter("push", "a2", expires_ms=NOW + 10)
    assert await stores.work.count([first, second], NOW) == [3, 1]
    assert await stores.work.count([second, first], NOW) == [2, 6]
    assert await stores.work.count([], NOW) == []


async def test_a_count_starts_at_zero_after_its_period(stores: Stores) -> None:
    assert await stores.work.count([Counter("push", "a1", expires_ms=NOW + 10)], NOW) == [1]
    later = Counter("push", "a1", expires_ms=NOW + 30)
    assert await stores.work.count([later], NOW + 9) == [2]
    assert await stores.work.count([later], NOW + 10) == [1]
    assert await stores.work.count([later], NOW + 29) == [2]


async def test_a_lease_from_before_the_clock_was_set_back_can_be_taken(
    stores: Stores, others: Stores
) -> None:
    ahead = NOW + 86_400_000
    assert await stores.work.lease("publisher", "a", ahead, ahead + 10)
    assert await others.work.lease("publisher", "b", NOW, NOW + 10)
    assert not await stores.work.lease("publisher", "a", NOW + 5, NOW + 15)


async def test_only_its_owner_ends_a_lease(stores: Stores, others: Stores) -> None:
    assert await stores.work.lease("publisher", "a", NOW, NOW + 600_000)
    taken_ms = NOW + 600_000
    assert await others.work.lease("publisher", "b", taken_ms, taken_ms + 600_000)
    await stores.work.end_lease("publisher", "a")
    assert not await stores.work.lease("publisher", "c", taken_ms, taken_ms + 600_000)
    await others.work.end_lease("publisher", "b")
    assert await stores.work.lease("publisher", "c", taken_ms, taken_ms + 600_000)


async def test_ending_a_lease_that_is_gone_changes_nothing(stores: Stores) -> None:
    await stores.work.end_lease("publisher", "a")
    assert await stores.work.lease("publisher", "b", NOW, NOW + 10)
