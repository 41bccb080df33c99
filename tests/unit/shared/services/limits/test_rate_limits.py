"""Who makes too many requests waits as long as told, and nobody else does."""

from collections import Counter as Tallies
from datetime import timedelta

import pytest

from shared.domain.coordinates import Package
from shared.domain.errors.requests import TooMany, TooManyRequests
from shared.domain.principals import Principal
from shared.domain.rate_limits import RateLimit, RateLimitClass, RateLimitKeys
from shared.ports.work import WorkStore
from shared.services.limits.burst_detection import BurstDetection
from shared.services.limits.rate_limits import RateLimiter
from tests.fakes.services import changes_allowed
from tests.fakes.stores import FakeWork
from tests.fakes.system import FakeClock
from tests.support.port_doubles import counting

ANN = Principal("ann0000000", "token-1", address="203.0.113.7")
GREET = Package.parse("acme", "greet")
DEFAULT = "token=3 account=5 address=8"


class Instance:
    """One process of a registry: a service of its own over work that all share."""

    def __init__(self, work: FakeWork, clock: FakeClock, **limits: str) -> None:
        self.calls = Tallies[str]()
        store: WorkStore = counting(work, self.calls)
        rules = {
            each: RateLimit.parse(each, limits.get(each.name.lower(), DEFAULT))
            for each in RateLimitClass
        }
        burst_detection = BurstDetection(store, clock, 20, 100)
        self.rate_limiter = RateLimiter(store, clock, rules, burst_detection, changes_allowed())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def work() -> FakeWork:
    return FakeWork()


async def check(instance: Instance, keys: RateLimitKeys, times: int = 1) -> list[bool]:
    """Make requests, and return which were let through."""
    let = list[bool]()
    for _ in range(times):
        try:
            await instance.rate_limiter.check(RateLimitClass.SIGN_IN, keys)
        except TooManyRequests:
            let.append(False)
        else:
            let.append(True)
    return let


# --- over all instances ------------------------------------------------------------------------


async def test_a_token_may_do_so_much_over_all_instances(work: FakeWork, clock: FakeClock) -> None:
    one = Instance(work, clock)
    other = Instance(work, clock)
    keys = RateLimitKeys(token="t")
    assert await check(one, keys, 2) == [True, True]
    assert await check(other, keys, 2) == [True, False]
    assert await check(one, keys, 1) == [False]
    assert await check(one, RateLimitKeys(token="u"), 3) == [True] * 3


# --- credentials that are not valid ------------------------------------------------------------


async def fail(instance: Instance, address: str, credential: str) -> bool:
    """Send credentials that are not valid; say whether their sender need not wait."""
    try:
        await instance.rate_limiter.count_failure(address, credential)
    except TooMany:
        return False
    return True


async def test_the_same_wrong_credential_counts_once_a_window_over_all_instances(
    work: FakeWork, clock: FakeClock
) -> None:
    instances = [Instance(work, clock, failure="address=2") for _ in range(3)]
    for instance in instances * 10:
        assert await fail(instance, ANN.address, "stale")
    assert all(each.calls["count"] <= 2 for each in instances)
    assert await fail(instances[0], ANN.address, "another")
    assert not await fail(instances[1], ANN.address, "a third")


async def test_a_refused_guess_is_no_known_one_when_the_wait_is_over(
    work: FakeWork, clock: FakeClock
) -> None:
    one, other = (Instance(work, clock, failure="address=2") for _ in range(2))
    for number in range(2):
        await fail(one, ANN.address, f"guess {number}")
    assert not await fail(other, ANN.address, "a third")
    assert not await fail(other, ANN.address, "a third")
    clock.advance(timedelta(minutes=10))
    assert await fail(other, ANN.address, "a third")


async def test_an_address_with_too_many_wrong_credentials_is_refused_before_they_are_checked(
    work: FakeWork, clock: FakeClock
) -> None:
    instance = Instance(work, clock, read="address=2")
    for _ in range(2):
        instance.rate_limiter.require_below_limit(ANN.address)
        instance.rate_limiter.count_unverified(ANN.address)
    with pytest.raises(TooManyRequests):
        instance.rate_limiter.require_below_limit(ANN.address)
    clock.advance(timedelta(seconds=99))  # One of the two is more than a minute ago.
    instance.rate_limiter.require_below_limit(ANN.address)
    clock.advance(timedelta(minutes=2))
    instance.rate_limiter.require_below_limit(ANN.address)


def test_reads_without_credentials_leave_room_for_those_with_some(
    work: FakeWork, clock: FakeClock
) -> None:
    instance = Instance(work, clock, read="address=1")
    instance.rate_limiter.count_read(Principal(address=ANN.address))
    instance.rate_limiter.require_below_limit(ANN.address)


# --- reads -------------------------------------------------------------------------------------


def reads(instance: Instance, by: Principal, times: int) -> int:
    """Make reads, and return how many were let through."""
    let = 0
    for _ in range(times):
        try:
            instance.rate_limiter.count_read(by)
        except TooManyRequests:
            continue
        let += 1
    return let


def test_reads_come_back_as_the_window_slides(work: FakeWork, clock: FakeClock) -> None:
    instance = Instance(work, clock, read="address=60")
    clock.at_ms -= clock.at_ms % 60_000 + 1_000  # The last second of a minute.
    by = Principal(address="203.0.113.7")
    assert reads(instance, by, 100) == 60
    clock.advance(timedelta(seconds=1))
    assert reads(instance, by, 100) == 0
    clock.advance(timedelta(seconds=30))
    assert reads(instance, by, 100) == 30
    clock.advance(timedelta(minutes=5))
    assert reads(instance, by, 100) == 60


async def test_a_push_that_is_known_to_be_one_too_many_asks_no_store(
    work: FakeWork, clock: FakeClock
) -> None:
    instance = Instance(work, clock)
    allowances = [await instance.rate_limiter.count_push(ANN, GREET) for _ in range(4)]
    asked = instance.calls["count"]
    allowances.append(await instance.rate_limiter.count_push(ANN, GREET))
    allowed = [
        allowance.tightest is None or not allowance.tightest.is_exceeded for allowance in allowances
    ]
    assert allowed == [True, True, True, False, False]
    assert instance.calls["count"] == asked


async def test_a_push_that_is_one_too_many_over_all_instances_is_refused(
    work: FakeWork, clock: FakeClock
) -> None:
    one = Instance(work, clock)
    other = Instance(work, clock)
    for _ in range(3):
        await one.rate_limiter.count_push(ANN, GREET)
    allowance = (await other.rate_limiter.count_push(ANN, GREET)).tightest
    assert allowance is not None
    assert allowance.is_exceeded


def test_bursts_are_counted_by_person_with_the_tokens_that_they_created_for_others(
    work: FakeWork, clock: FakeClock
) -> None:
    detection = BurstDetection(work, clock, 20, 100)
    bob = Principal("bob0000000")
    ci = Principal("acme", token_creator=ANN.id)
    of_ann, of_bob, of_ci = (
        {each.key for each in detection.counters(by, GREET).counters} for by in (ANN, bob, ci)
    )
    assert not of_ann & of_bob
    assert of_ann == of_ci
