"""The parent can measure the memory of a child."""

import os
import subprocess
import sys

import pytest

from shared.confined.child import resident_bytes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no ps")


async def test_the_memory_of_a_process_is_measured() -> None:
    assert 8 << 20 < await resident_bytes(os.getpid()) < 8 << 30


async def test_a_process_that_ended_has_no_memory() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.communicate()
    assert await resident_bytes(ended.pid) == 0
