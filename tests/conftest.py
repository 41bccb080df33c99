"""What every suite shares."""

import faulthandler
import gc
import os
import ssl
import sys
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from hypothesis import settings

from tests.sampling import FEW_EXAMPLES, FULL, ROWS, not_in_sample

if TYPE_CHECKING:
    from tests.protocol.bal.go import GoBal
    from tests.protocol.bal.java import JavaBal
    from tests.support.world import OpenWorld, Template, World

# Importing and collecting make objects that stay, and the collector would search them many times.
gc.disable()

# httpx looks for this module of trio at each request to an app. It is not installed, and the search
# through all import paths takes longer than some requests: None ends it at once.
sys.modules["sniffio"] = None  # pyright: ignore[reportArgumentType]

_create_context = ssl.create_default_context


@cache
def _trusting(certificates: str) -> ssl.SSLContext:
    return _create_context(cafile=certificates)


def _shared_context(*given: Any, **named: Any) -> ssl.SSLContext:
    """Share what trusts the same file: to read the certificates of all authorities takes as long
    as some tests, and each client of httpx and each registry that fetches does it."""
    is_shared = not given and named.keys() == {"cafile"}
    return _trusting(named["cafile"]) if is_shared else _create_context(*given, **named)


ssl.create_default_context = _shared_context

# A deadline measures the machine, not the law; and a red run must be red for everybody.
settings.register_profile(
    "ballroom", deadline=None, derandomize=True, print_blob=True, max_examples=100 if FULL else 50
)
settings.register_profile(
    "few-examples", settings.get_profile("ballroom"), max_examples=FEW_EXAMPLES
)
settings.load_profile("ballroom")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out rows of tables after the first few, in an order that is the same every time.

    First of all plugins, so that the same rows are left whatever else leaves tests out.
    """
    if ROWS not in os.environ:
        return
    left = not_in_sample(items, int(os.environ[ROWS]))
    config.hook.pytest_deselected(items=[item for item in items if item in left])
    items[:] = [item for item in items if item not in left]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what several instances of a registry cannot serve, where there are several."""
    mark = item.get_closest_marker("one_instance")
    if mark is not None and os.environ.get("BALLROOM_TEST_STORAGE") == "four-instances":
        pytest.skip(mark.args[0])


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool:
    """End the process of a test that takes too long, and print the stacks of its threads.

    The methods of pytest-timeout are a thread, which takes as long to start as a short test, and a
    signal, whose exception a task swallows.
    """
    stderr = item.config.stash[fault_handler_stderr_fd_key]
    faulthandler.dump_traceback_later(settings.timeout, exit=True, file=stderr)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_cancel_timer() -> bool:
    """Stop the timer of a test that has ended."""
    faulthandler.cancel_dump_traceback_later()
    return True


def pytest_collection_finish() -> None:
    """Exempt the modules and thousands of collected tests from garbage collections, which come
    less often than by default: a world is many objects, and most are gone by their counts."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio alone, which is what the host runs."""
    return "asyncio"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> "Template":
    """Return a data folder with accounts, which each test's world is a copy of."""
    from tests.support.compiled_templates import share_compiled_templates
    from tests.support.world import make_template

    share_compiled_templates()
    made = make_template(tmp_path_factory.mktemp("template") / "data")
    gc.freeze()  # The product, which was imported now.
    return made


@pytest.fixture
def tried_scenarios(request: pytest.FixtureRequest) -> list[str]:
    """Return the names of the scenarios that this run tries by the test of a table of them."""
    table = request.node.nodeid.partition("[")[0]
    return [
        str(item.callspec.params["name"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.nodeid.partition("[")[0] == table
    ]


@contextmanager
def memory_folder() -> Generator[Path]:
    """Make a folder in memory where there is one: a world waits for its disk at every commit."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder inside is made safely.
    root = memory if memory.is_dir() else None
    with TemporaryDirectory(prefix="ballroom-", dir=root, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Free objects by counting references alone while a test runs."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Return a folder in memory where there is one."""
    with memory_folder() as folder:
        yield folder


@pytest.fixture
async def worlds(template: "Template", scratch: Path) -> AsyncGenerator["OpenWorld"]:
    """Return how to open worlds with settings of the test's own; all are closed at its end."""
    async with AsyncExitStack() as stack:
        opened: list[int] = []

        async def open_world(**settings: Any) -> "World":
            opened.append(0)
            folder = scratch / f"data{len(opened)}"
            return await stack.enter_async_context(template.world(folder, **settings))

        yield open_world


@pytest.fixture(scope="module")
async def shared_worlds(template: "Template") -> AsyncGenerator["OpenWorld"]:
    """Return how to open worlds that the tests of a module share, as none of them changes one."""
    async with AsyncExitStack() as stack:
        root = stack.enter_context(memory_folder())
        numbers = count()

        async def open_world(**settings: Any) -> "World":
            folder = root / f"data{next(numbers)}"
            return await stack.enter_async_context(template.world(folder, **settings))

        yield open_world


@pytest.fixture
async def world(template: "Template", scratch: Path) -> AsyncGenerator["World"]:
    """Return a registry of the test's own with the default settings, and its people."""
    async with template.world(scratch / "data") as opened:
        yield opened


@pytest.fixture
def ann(world: "World") -> "JavaBal":
    """Return the Java `bal` of Ann, who owns `acme`."""
    return world.java(world.people.ann)


@pytest.fixture
def anyone(world: "World") -> "JavaBal":
    """Return the Java `bal` of somebody without a token."""
    return world.java()


@pytest.fixture
def gopher(world: "World") -> "GoBal":
    """Return the Go `bal` of somebody without a token."""
    return world.go()
