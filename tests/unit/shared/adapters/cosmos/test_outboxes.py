"""What it costs to read the records whose events wait, however many there are."""

from pathlib import Path

import pytest

from shared.adapters.cosmos.client import DATABASE, CosmosDatabase
from shared.adapters.cosmos.outboxes import LEAST_RECORDS_READ, waiting_records
from shared.adapters.system import SystemRandomness
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudDouble, double_of

SOME = 100


@pytest.mark.parametrize("physical_partitions", [1, 2])
async def test_a_batch_costs_the_same_however_many_records_wait(
    tmp_path: Path, physical_partitions: int
) -> None:
    clock = FakeClock()
    cosmos = CosmosDatabase(CloudDouble(tmp_path, clock).cosmos, SystemRandomness())
    double = double_of(tmp_path, clock)
    if physical_partitions > 1:
        double.containers[DATABASE, "accounts"].split()
    accounts = cosmos.container("accounts")
    await accounts.ranges()
    charges = list[float]()
    for waiting in (LEAST_RECORDS_READ, 6 * LEAST_RECORDS_READ):
        for number in range(waiting, 0, -1):
            pk = f"a{number}"
            await accounts.put({"id": "account", "pk": pk, "waiting": number, "text": "x" * 1_000})
        before = double.charged
        found = await waiting_records(accounts, SOME)
        charges.append(double.charged - before)
        assert len(found) == SOME
        ages = [each["waiting"] for each in found]
        assert ages == sorted(ages)
        if waiting == LEAST_RECORDS_READ:
            assert ages == list(range(1, SOME + 1))
    few, many = charges
    assert many <= few * physical_partitions + 1
    await cosmos.close()
