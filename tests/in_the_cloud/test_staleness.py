"""What is hidden is gone from all of four processes within the five seconds that we promise."""

import asyncio
from pathlib import Path

import pytest

from tests.fakes.azurite import missing
from tests.sampling import covering
from tests.support.staleness import (
    CHANGES,
    PROMISED_SECONDS,
    FeedState,
    Processes,
    four_processes,
    measure,
)

pytestmark = pytest.mark.slow

ROUNDS = covering(
    [(state, change) for state in FeedState for change in CHANGES],
    lambda each: each[0],
    lambda each: each[1],
)


@pytest.mark.timeout(300)
def test_four_processes_under_load_hide_a_release_in_time(tmp_path: Path) -> None:
    if reason := missing():
        pytest.skip(reason)
    with four_processes(tmp_path) as processes:
        late = asyncio.run(late_changes(processes))
    assert not late


async def late_changes(processes: Processes) -> list[str]:
    """Return what took longer than is promised."""
    measured = measure(processes, ROUNDS)
    return [str(each) async for each in measured if max(each.seconds) >= PROMISED_SECONDS]
