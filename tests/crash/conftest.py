"""What the crash tests share."""

from collections.abc import Awaitable, Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.conftest import memory_folder
from tests.crash.fork_server import ForkServer, running_fork_server
from tests.crash.kills import Killing
from tests.crash.reference_runs import References
from tests.support.world import Template

OpenKilling = Callable[[str], Awaitable[Killing]]


@pytest.fixture(scope="session", name="fork_server")
def one_fork_server() -> Generator[ForkServer]:
    """Return the process whose children are killed."""
    with running_fork_server() as running:
        yield running


@pytest.fixture(scope="session")
def references(template: Template, fork_server: ForkServer) -> Iterator[References]:
    """Return what each use-case does when nothing disturbs it."""
    with memory_folder() as folder:
        yield References(template, fork_server, folder)


@pytest.fixture
def killing(references: References, fork_server: ForkServer, scratch: Path) -> OpenKilling:
    """Return how to let processes die of a use-case, by its name."""

    async def open_killing(name: str) -> Killing:
        return Killing(await references.of(name), fork_server, scratch)

    return open_killing
