"""Pulls that a thousand instances count are merged as fast as they are written."""

from collections import Counter
from pathlib import Path

import pytest

from bench.pull_merging import BATCHES_A_MINUTE, ROLL_UP_EVERY, Load, simulation
from shared.adapters.cosmos.waiting_pulls import batch_item
from shared.domain.names import Package
from shared.ports import PullBatch

INSTANCES = 1_000
MINUTES = ROLL_UP_EVERY + 3  # Longer than the pause between two runs of the task.

# What instances write in two minutes, as nothing is merged in one of fifteen.
MOST_WAITING = 2 * BATCHES_A_MINUTE * INSTANCES


@pytest.mark.timeout(600)
@pytest.mark.nightly
async def test_the_roll_up_keeps_up_with_a_thousand_instances(tmp_path: Path) -> None:
    async with simulation(tmp_path, Load(INSTANCES, packages=20, pulls=60)) as simulated:
        await simulated.run(MINUTES)
        assert max(each.waiting for each in simulated.minutes) <= MOST_WAITING
        assert all(each.seconds < 60 for each in simulated.minutes)
        pulled = Package.parse("acme", "package0")
        assert await simulated.finish(pulled) == simulated.written[pulled.key]
        assert simulated.waiting() == 0


def test_processes_write_to_sixteen_partitions_in_equal_parts() -> None:
    used = Counter(
        batch_item(PullBatch(f"process {number}", 1, {}))["pk"] for number in range(16_000)
    )
    assert len(used) == 16
    assert all(abs(times - 1_000) < 150 for times in used.values())
