"""What PullRecordStore promises."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace

from shared.adapters.cloud import CloudStores
from shared.domain.errors.base import InvalidRequest
from shared.domain.names import parse_org
from shared.domain.pull_records import (
    KEPT_FOR,
    FoundPulls,
    PullQuery,
    PullRecordBatch,
    RecordedPull,
)
from shared.domain.times import MS
from tests.contract.stores import Stores
from tests.fakes.system import START_MS, FakeClock

pytestmark = pytest.mark.measured

ACME = parse_org("acme")
MINUTE_MS = timedelta(minutes=1) // MS
DAY_MS = timedelta(days=1) // MS


@dataclass
class Recorder:
    """A process that records pulls."""

    process: str = "0a"
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def batch(self, *pulls: RecordedPull) -> PullRecordBatch:
        return PullRecordBatch(self.process, next(self.numbers), pulls)


@pytest.fixture
def recorder() -> Recorder:
    """Return a process that records pulls."""
    return Recorder()


def pulled(version: str = "1.0.0", at_ms: int = START_MS, **changes: Any) -> RecordedPull:
    """Return a pull of acme/greet by Ann."""
    ann = RecordedPull("acme", "greet", version, at_ms, "ann", "token-1", "", "192.0.2.1")
    return replace(ann, **changes)


async def found(stores: Stores, **filters: Any) -> list[RecordedPull]:
    """Return all pulls of acme that a query finds, page after page."""
    query = PullQuery(ACME, **filters)
    pulls = list[RecordedPull]()
    while True:
        page = await stores.pull_records.find(query)
        pulls += page.pulls
        if not page.next:
            return pulls
        query = replace(query, before=page.next)


async def test_pulls_are_found_newest_first(stores: Stores, recorder: Recorder) -> None:
    first = pulled()
    second = pulled("2.0.0", START_MS + 5)
    third = pulled("1.0.0", START_MS + 20 * MINUTE_MS)
    assert await found(stores) == []
    await stores.pull_records.record(recorder.batch(first, second))
    await stores.pull_records.record(recorder.batch(third))
    assert await found(stores) == [third, second, first]


async def test_a_pull_is_recorded_once_however_often_its_batch_is(
    stores: Stores, others: Stores, recorder: Recorder
) -> None:
    batch = recorder.batch(pulled(), pulled("2.0.0"), pulled(at_ms=START_MS + 15 * MINUTE_MS))
    both = (stores, others)
    await asyncio.gather(*(each.pull_records.record(batch) for _ in range(4) for each in both))
    assert len(await found(stores)) == 3


async def test_pulls_are_narrowed_by_package_version_principal_and_time(
    stores: Stores, recorder: Recorder
) -> None:
    later = START_MS + 30 * MINUTE_MS
    job = "github acme/app release.yml"
    pulls = [
        pulled(),
        pulled("2.0.0", principal="", credential="", network="198.51.100.7"),
        pulled("2.0.0", at_ms=later, principal="org", credential="token-2", job=job),
        pulled("1.0.0", at_ms=later, name="other"),
        pulled(org="elsewhere"),
    ]
    for each in pulls:
        await stores.pull_records.record(recorder.batch(each))
    assert await found(stores, package="Greet") == [pulls[2], pulls[1], pulls[0]]
    assert await found(stores, package="greet", version="2.0.0") == [pulls[2], pulls[1]]
    assert await found(stores, package="greet", version="2.0") == []
    assert await found(stores, principal="ann") == [pulls[3], pulls[0]]
    assert await found(stores, principal="token-2") == [pulls[2]]
    assert await found(stores, principal=job) == [pulls[2]]
    assert await found(stores, principal="ann", package="greet") == [pulls[0]]
    assert await found(stores, until_ms=later) == [pulls[1], pulls[0]]
    assert await found(stores, since_ms=later, package="greet") == [pulls[2]]
    assert await found(stores, since_ms=later + 1) == []


async def test_organizations_and_packages_are_compared_without_case(
    stores: Stores, recorder: Recorder
) -> None:
    pull = pulled(org="Acme", name="Greet")
    await stores.pull_records.record(recorder.batch(pull))
    assert await found(stores, package="gReet", version="1.0.0") == [pull]


async def test_pages_continue_where_the_last_one_ended(stores: Stores, recorder: Recorder) -> None:
    pulls = [pulled(f"1.0.{number}", START_MS + number * MINUTE_MS) for number in range(45)]
    for start in range(0, len(pulls), 7):
        await stores.pull_records.record(recorder.batch(*pulls[start : start + 7]))
    assert await found(stores, count=4) == pulls[::-1]
    assert await found(stores, count=45) == pulls[::-1]
    assert await found(stores, count=1, package="greet", version="1.0.3") == [pulls[3]]


async def test_a_search_reads_a_bounded_part_and_says_where_to_go_on(
    stores: Stores, recorder: Recorder
) -> None:
    pulls = [pulled(at_ms=START_MS + number * 10 * MINUTE_MS) for number in range(250)]
    for each in pulls:
        await stores.pull_records.record(recorder.batch(each))
    assert await found(stores, since_ms=START_MS, until_ms=pulls[5].at_ms) == pulls[4::-1]
    other = pulled("9.0.0", START_MS - MINUTE_MS, principal="bob")
    await stores.pull_records.record(recorder.batch(other, replace(other, principal="ann")))
    assert await found(stores, package="greet", version="9.0.0", principal="bob") == [other]
    bobs = PullQuery(ACME, package="greet", principal="bob")
    page = await stores.pull_records.find(bobs)
    if isinstance(stores, CloudStores):  # A store of one machine has indexes.
        assert page.pulls == ()
        assert page.next
        page = await stores.pull_records.find(replace(bobs, before=page.next))
    assert page == FoundPulls((other,))


async def test_pulls_of_several_months_are_found(
    stores: Stores, recorder: Recorder, clock: FakeClock
) -> None:
    pulls = [pulled(at_ms=START_MS + number * 20 * DAY_MS) for number in range(4)]
    clock.at_ms = pulls[-1].at_ms
    for each in pulls:
        await stores.pull_records.record(recorder.batch(each))
    assert await found(stores, count=3) == pulls[::-1]


async def test_cursors_of_other_stores_are_refused(stores: Stores) -> None:
    huge = "9" * 20
    for cursor in ("12", "a.b", "12:34", f"{huge}.1", f"1.{huge}", f"{huge}.{huge}", "².1"):
        with pytest.raises(InvalidRequest, match="not that of a page of pulls"):
            await stores.pull_records.find(PullQuery(ACME, before=cursor))


async def test_the_pulls_of_a_principal_are_deleted_and_no_others(
    stores: Stores, recorder: Recorder
) -> None:
    bobs = pulled(principal="bob", credential="token-9")
    elsewhere = pulled(org="elsewhere")
    await stores.pull_records.record(recorder.batch(pulled(), pulled("2.0.0"), bobs, elsewhere))
    await stores.pull_records.record(recorder.batch(pulled("3.0.0")))
    assert len(await stores.pull_records.of_principal("ann", 100)) == 4
    assert len(await stores.pull_records.of_principal("ann", 2)) == 2
    assert await stores.pull_records.forget_principal("ann") == 4
    assert await stores.pull_records.forget_principal("ann") == 0
    assert await stores.pull_records.of_principal("ann", 100) == []
    assert await found(stores) == [bobs]


async def test_pulls_end_after_ninety_days(
    stores: Stores, recorder: Recorder, clock: FakeClock
) -> None:
    young = pulled("2.0.0", START_MS + 2 * DAY_MS)
    await stores.pull_records.record(recorder.batch(pulled()))
    clock.at_ms = young.at_ms
    await stores.pull_records.record(recorder.batch(young))
    clock.at_ms = START_MS + KEPT_FOR // MS + DAY_MS
    await stores.pull_records.remove_before(clock.at_ms - KEPT_FOR // MS, 100)
    assert await found(stores) == [young]
    assert await stores.pull_records.of_principal("ann", 9) == [young]


async def test_pulls_end_behind_those_that_were_recorded_while_the_clock_was_ahead(
    stores: Stores, recorder: Recorder, clock: FakeClock
) -> None:
    ahead_ms = START_MS + 400 * DAY_MS
    clock.at_ms = ahead_ms
    ahead = [pulled(f"1.0.{number}", ahead_ms) for number in range(5)]
    await stores.pull_records.record(recorder.batch(*ahead))
    clock.at_ms = START_MS
    olds = [
        pulled(f"2.0.{number}", START_MS, org=org, principal="bob")
        for org in ("acme", "Beta", "gamma")
        for number in range(3)
    ]
    await stores.pull_records.record(recorder.batch(*olds))
    clock.at_ms = START_MS + KEPT_FOR // MS + DAY_MS
    calls = 1
    while await stores.pull_records.remove_before(clock.at_ms - KEPT_FOR // MS, 2):
        calls += 1
    assert calls < 10
    assert await stores.pull_records.of_principal("bob", 99) == []
    assert len(await stores.pull_records.of_principal("ann", 99)) == 5


async def test_what_is_left_of_an_erasure_ends_when_it_would_have(
    stores: Stores, recorder: Recorder, clock: FakeClock
) -> None:
    bobs = pulled(principal="bob")
    await stores.pull_records.record(recorder.batch(pulled(), bobs))
    clock.at_ms += 80 * DAY_MS
    assert await stores.pull_records.forget_principal("ann") == 1
    assert await found(stores) == [bobs]
    clock.at_ms = START_MS + KEPT_FOR // MS + DAY_MS
    await stores.pull_records.remove_before(clock.at_ms - KEPT_FOR // MS, 100)
    assert await stores.pull_records.of_principal("bob", 9) == []
