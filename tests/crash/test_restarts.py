"""Processes that end in the middle of traffic: no push that was acknowledged is lost."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.crash.push_load import check_absent_or_whole, check_feed, check_whole, repeat, traffic
from tests.crash.worker_processes import is_running, only, workers_of
from tests.support.registry_process import running_registry
from tests.support.waiting import BOUND_SECONDS, eventually_in_tasks

WORKERS = 2
PUSHES = 30


@pytest.mark.parametrize(("end", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
async def test_workers_end_with_their_parent_and_lose_no_acknowledged_push(
    tmp_path: Path, end: signal.Signals, code: int
) -> None:
    data = tmp_path / "data"
    with running_registry(data, workers=WORKERS) as host:
        workers = workers_of(host)
        async with traffic(host) as pushed:
            await pushed.until(acknowledged=PUSHES)
            host.process.send_signal(end)
            assert await asyncio.to_thread(host.process.wait, BOUND_SECONDS) == code
            await eventually_in_tasks(lambda: not any(map(is_running, workers)))
            pushed.end()
    assert not pushed.refused
    await check_again(data, pushed.acknowledged, pushed.lost)


@pytest.mark.slow
async def test_a_worker_that_is_killed_is_replaced_and_loses_no_acknowledged_push(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    with running_registry(data, workers=WORKERS) as host:
        killed, other = workers_of(host)
        async with traffic(host) as pushed:
            await pushed.until(acknowledged=PUSHES)
            os.kill(killed, signal.SIGKILL)
            await eventually_in_tasks(lambda: len(set(workers_of(host)) - {killed}) == WORKERS)
            await pushed.until(acknowledged=PUSHES)
        assert not pushed.refused
        await repeat(host, pushed.lost)
        [new] = set(workers_of(host)) - {killed, other}
        with only(new, [new, other]):
            await check_whole(host, pushed.acknowledged | pushed.lost)
    await check_again(data, pushed.acknowledged | pushed.lost, {})


async def check_again(data: Path, acknowledged: dict[str, bytes], lost: dict[str, bytes]) -> None:
    """Start once more: what was acknowledged is there, and what got no answer is whole or not."""
    with running_registry(data, workers=1) as host:
        await check_whole(host, acknowledged)
        await check_absent_or_whole(host, lost)
    await check_feed(data, acknowledged)
