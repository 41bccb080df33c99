"""Killing a process in the middle of a use-case, and looking at what it leaves."""

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.crash.fork_server import Death, Ended, ForkServer, Job
from tests.crash.recovery import explained
from tests.crash.reference_runs import Reference

Check = Callable[[Reference, Path], Awaitable[None]]


@dataclass(frozen=True)
class Killing:
    """Lets processes die of one use-case, each over a folder of its own."""

    reference: Reference
    fork_server: ForkServer
    root: Path

    async def die(self, death: Death, check: Check, where: str) -> Ended:
        """Let one process die, start again, and check what is there."""
        with explained(where):
            folder = self.reference.copy(self.root / "data")
            ended = self.fork_server.run(self._job(folder, death))
            await check(self.reference, folder)
            shutil.rmtree(folder)
        return ended

    def _job(self, folder: Path, death: Death) -> Job:
        return Job(folder, self.reference.people, self.reference.use_case.name, death)
