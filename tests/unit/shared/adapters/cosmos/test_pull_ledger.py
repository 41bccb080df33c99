"""What becomes of the pulls of a round that cannot be added."""

from pathlib import Path

import pytest

from shared.adapters.cosmos.client import CosmosDatabase
from shared.adapters.cosmos.pull_ledger import FIRST_PARTITION, PullTotals
from shared.adapters.system import SystemRandomness
from shared.domain.errors.requests import Busy
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudDouble

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
