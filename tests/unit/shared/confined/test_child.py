"""A child is stopped whatever it does."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from shared.confined.budget import Budget
from shared.confined.child import Child
from shared.confined.jobs import Order
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its lines are a pipe of POSIX")

BUDGET = Budget(processor_seconds=20, memory_bytes=1 << 27, output_bytes=1 << 20)


async def test_a_child_whose_lines_nobody_reads_is_stopped(tmp_path: Path) -> None:
    child = await Child.start("tests.support.confined_tasks", tmp_path)
    await child.send(Order("parts", str(tmp_path), ["bare-flood"], frozenset(), BUDGET, 20))
    lines = child._process.stdout
    assert lines is not None
    while not getattr(lines, "_paused"):  # noqa: B009 - its stub does not have it.
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await child.stop()
    assert child.has_ended


async def test_a_child_starts_while_something_is_added_beside_the_program(tmp_path: Path) -> None:
    beside = ROOT / f".coverage.beside-{os.getpid()}"  # A name that git ignores.
    for _ in range(5):
        start = Child.start("tests.support.confined_tasks", tmp_path)
        starting = asyncio.create_task(start)
        while not starting.done():
            beside.write_text("")
            beside.unlink()
            await asyncio.sleep(0)
        await (await starting).stop()
