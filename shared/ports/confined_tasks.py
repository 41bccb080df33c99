"""The process with limits that reads what strangers wrote."""

from pathlib import Path
from typing import Protocol

from shared.confined.jobs import Json, PartResult


class ConfinedTasks(Protocol):
    """Runs what reads a stranger's text, in a process with limits."""

    async def run(self, task: str, folder: Path, request: Json) -> list[PartResult]:
        """Run a task over a folder, which has what it reads and gets what it writes; return its
        parts in the order in which they ended.

        Raises `ConfinedUnavailable` if nothing is known about the input: repeat it later.
        """
        ...

    async def close(self) -> None: ...
