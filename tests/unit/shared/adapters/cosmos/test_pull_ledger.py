"""What becomes of the pulls of a round that cannot be added."""

from pathlib import Path

import pytest

from shared.adapters.cosmos.change_feed import ChangeFeedEdition
from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.cosmos.metadata import CosmosMetadata
from shared.adapters.cosmos.pull_ledger import (
    FIRST_PARTITION,
    CosmosPulls,
    PullTotals,
    batch_item,
)
from shared.adapters.system import SystemRandomness
from shared.domain.errors.requests import Busy
from shared.ports.pull_ledger import Pull
from tests.contract.sample_records import coordinate, head
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudDouble
from tests.support.pulls import Process

PK = "acme/greet"


async def test_a_round_that_never_wins_ends(tmp_path: Path) -> None:
    cosmos = CosmosDatabase(CloudDouble(tmp_path, FakeClock()).cosmos, SystemRandomness())
    stats = cosmos.container("stats")
    # A process of an earlier version left the days without the sums, so the batch conflicts.
    await stats.put({"id": "days:2026-10-31:0", "pk": PK})
    days = {"2026-10-31": {"1.0.0": 1}, "2026-11-01": {"1.0.0": 1}}
    with pytest.raises(Busy):
        await PullTotals(stats).add(PK, days, {"pk": FIRST_PARTITION, "round": 1})
    await cosmos.close()


async def test_pulls_that_cannot_be_added_delay_no_others(tmp_path: Path) -> None:
    clock = FakeClock()
    cosmos = CosmosDatabase(CloudDouble(tmp_path, clock).cosmos, SystemRandomness())
    metadata = CosmosMetadata(cosmos, ChangeFeedEdition(cosmos, clock))
    pulls = CosmosPulls(cosmos, metadata)
    others = [f"acme/p{number:02}" for number in range(40)]  # More than are added at once.
    for name in (PK, *others):
        await metadata.claim(head(name))
    await cosmos.container("stats").put({"id": "days:2026-10-31:0", "pk": PK})
    # Of two processes, whose batches are in two partitions.
    first = Process("one")
    second = Process("two")
    stuck = [Pull(coordinate(f"{PK}:1.0.0"), day, "c1", 1) for day in ("2026-10-31", "2026-11-01")]
    some = [Pull(coordinate(f"{name}:1.0.0"), "2026-11-01", "c1", 1) for name in others]
    assert batch_item(first.batch(*stuck))["pk"] != batch_item(second.batch(*some))["pk"]
    await pulls.record(first.batch(*stuck, *some[:20]))
    await pulls.record(second.batch(*some[20:]))
    rolled_up = await pulls.roll_up(6, "2026-11-02")
    assert isinstance(rolled_up.stopped_by, Busy)
    assert {each.key for each in rolled_up.changed} == set(others)
    heads = {each.package.key: each.pulls for each in await metadata.packages("", 100)}
    assert heads == {PK: 0} | dict.fromkeys(others, 1)
    await cosmos.close()
