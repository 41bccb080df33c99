"""What the crash tests share."""

import shutil
from collections.abc import Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import memory_folder
from tests.crash.fork_server import Death, Ended, ForkServer, Job, running_fork_server
from tests.crash.recovery import explained
from tests.crash.reference_runs import FolderReference, FolderReferences
from tests.support.forked_programs import forking_programs
from tests.support.world import Template

Check = Callable[[FolderReference, Path], Awaitable[None]]


@dataclass(frozen=True)
class Killing:
    """Lets processes die of one scenario, each over a folder of its own."""

    reference: FolderReference
    fork_server: ForkServer
    root: Path

    async def die(self, death: Death, check: Check, where: str) -> Ended:
        """Let one process die, start again, and check what is there."""
        with explained(where):
            folder = self.reference.copy(self.root / "data")
            job = Job(folder, self.reference.people, self.reference.scenario.name, death)
            ended = self.fork_server.run(job)
            await check(self.reference, folder)
            shutil.rmtree(folder)
        return ended


OpenKilling = Callable[[str], Awaitable[Killing]]


@pytest.fixture(scope="session", autouse=True)
def forked() -> Iterator[None]:
    """Fork registries and commands, of which these tests start many."""
    with forking_programs():
        yield


@pytest.fixture(scope="session", name="fork_server")
def one_fork_server() -> Generator[ForkServer]:
    """Return the process whose children are killed."""
    with running_fork_server() as running:
        yield running


@pytest.fixture(scope="session")
def references(template: Template, fork_server: ForkServer) -> Iterator[FolderReferences]:
    """Return what each scenario does when nothing disturbs it."""
    with memory_folder() as folder:
        yield FolderReferences(template, fork_server, folder)


@pytest.fixture
def killing(references: FolderReferences, fork_server: ForkServer, scratch: Path) -> OpenKilling:
    """Return how to let processes die of a scenario, by its name."""

    async def open_killing(name: str) -> Killing:
        return Killing(await references.of(name), fork_server, scratch)

    return open_killing
