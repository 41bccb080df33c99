"""The memory of a child, which the parent watches where the system does not enforce a limit."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from typing import TypeAlias

Measure: TypeAlias = Callable[[int], Awaitable[int]]


async def resident_bytes(pid: int) -> int:
    """Return the memory of a process by the command ps; 0 if there is no such process."""
    process = await asyncio.create_subprocess_exec(
        *("/bin/ps", "-o", "rss=", "-p", str(pid)), stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
    )
    text, _ = await process.communicate()
    return int(text or 0) * 1024


# Linux enforces the limit of the child. Windows has no such command: there only time is limited.
MEASURE: Measure | None = resident_bytes if sys.platform == "darwin" else None
