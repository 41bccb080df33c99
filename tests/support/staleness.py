"""How long four processes of a registry in the cloud go on serving what was hidden, under load.

One change at a time is made, while the change feed answers, is slow or fails from then on. A pull
that began after the change was answered, and got the archive, was stale.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import httpx

from shared.bootstrap.build import build_registry
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from shared.registry import Registry
from tests.azure_local import stores
from tests.fakes.cosmos.protocol import Answer, Request
from tests.fakes.cosmos.transport import Trouble, refusal
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.registry_process import RegistryProcess, running_registry
from tests.support.storage import Folders
from tests.support.waiting import BOUND_SECONDS
from tests.support.world import settings_of

PROCESSES = 4
PROMISED_SECONDS = 5.0
READERS = 2  # Of each process, one request after the other.
PAUSE_SECONDS = 0.005  # Of a reader. The double answers in the process that sends the load.
WARM_SECONDS = 2.0  # So that every process has read the feed twice, and answers from memory.
AFTERWARDS_SECONDS = 1.5  # Nothing may be served again when the feed has answered again.
SLOW_SECONDS = 2.0
UNTOUCHED = Coordinate.parse("acme", "untouched", "1.0.0")


class FeedState(Enum):
    """What becomes of a read of the change feed."""

    ANSWERS = "answers"
    SLOW = "takes two seconds"
    FAILS = "fails with 503"


@dataclass
class ChangeFeedDouble:
    """The change feed of the double: it answers, is slow or fails."""

    state: FeedState = FeedState.ANSWERS

    async def __call__(self, request: Request) -> Answer | None:
        if "a-im" not in request.headers or self.state is FeedState.ANSWERS:
            return None
        if self.state is FeedState.FAILS:
            return refusal(Trouble.UNAVAILABLE)
        await asyncio.sleep(SLOW_SECONDS)
        return None


@dataclass(frozen=True)
class Processes:
    """The processes, their feed, and the environment that they were started with."""

    processes: list[RegistryProcess]
    feed: ChangeFeedDouble
    settings: Mapping[str, str]


Round = tuple[FeedState, str]  # With the name of a change.
Change = Callable[[Registry, Coordinate], Awaitable[object]]


async def _quarantine(operator: Registry, coordinate: Coordinate) -> None:
    await operator.publishing.moderation.quarantine(coordinate, "Harmful.", by=OPERATOR)


async def _remove(operator: Registry, coordinate: Coordinate) -> None:
    await operator.publishing.moderation.remove(coordinate, "Harmful.", by=OPERATOR)


async def _make_private(operator: Registry, coordinate: Coordinate) -> None:
    package = coordinate.package
    visibility = operator.packages.visibility
    await visibility.change(package, Visibility.PRIVATE, by=OPERATOR, reason="It was decided.")


CHANGES: Mapping[str, Change] = {
    "quarantine": _quarantine,
    "removal": _remove,
    "change to private": _make_private,
}


@dataclass(frozen=True)
class Staleness:
    """How long each process served what was hidden."""

    state: FeedState
    change: str
    seconds: list[float]  # Of each process.


@contextmanager
def four_processes(folder: Path) -> Generator[Processes]:
    """Start the processes over one double."""
    feed = ChangeFeedDouble()
    data = folder / "data"
    unlimited = {"BALLROOM_LIMIT_READ": "", "BALLROOM_LIMIT_WRITE": ""}
    with stores(data, feed) as settings, ExitStack() as stack:
        options: dict[str, Any] = {**unlimited, **settings}
        started = (running_registry(data, workers=1, **options) for _ in range(PROCESSES))
        yield Processes([stack.enter_context(each) for each in started], feed, settings)


@asynccontextmanager
async def _operated(processes: Processes) -> AsyncGenerator[Registry]:
    """Open the registry as a command of its operator does."""
    named = {
        name.removeprefix("BALLROOM_").lower(): value for name, value in processes.settings.items()
    }
    operator = build_registry(settings_of(Path(named.pop("data")), Folders(), **named))
    try:
        yield operator
    finally:
        await operator.close()


async def _push(to: Processes, coordinate: Coordinate) -> None:
    async with httpx.AsyncClient(timeout=BOUND_SECONDS, trust_env=False) as http:
        name = f"{coordinate.package.key}:{coordinate.version}"
        await to.processes[0].java(http).push(name, bala(name))


@dataclass
class Load:
    """Pulls of releases from every process, and when the last began that got its archive."""

    releases: list[Coordinate]
    served: dict[tuple[Coordinate, int], float] = field(
        default_factory=dict[tuple[Coordinate, int], float]
    )
    gone: set[tuple[Coordinate, int]] = field(default_factory=set[tuple[Coordinate, int]])

    async def pull(self, base: str, process: int) -> None:
        """Pull one release after the other, until the task is cancelled."""
        async with httpx.AsyncClient(timeout=BOUND_SECONDS, trust_env=False) as http:
            for release in itertools.cycle(self.releases):
                url = f"{base}/packages/{release.package.key}/{release.version}"
                began = time.monotonic()
                answer = await http.get(url, headers=dict(ACCEPT_ARCHIVE))
                self._note((release, process), answer.status_code, began)
                await asyncio.sleep(PAUSE_SECONDS)

    def _note(self, place: tuple[Coordinate, int], status: int, began: float) -> None:
        if status == 302:
            self.served[place] = max(began, self.served.get(place, 0.0))
            self.gone.discard(place)
        elif status in (401, 404):
            self.gone.add(place)
        else:
            message = f"a pull was answered with {status}"
            raise AssertionError(message)


@asynccontextmanager
async def _loaded(
    processes: Iterable[RegistryProcess], releases: list[Coordinate]
) -> AsyncGenerator[Load]:
    load = Load(releases)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(load.pull(each.base, number))
            for number, each in enumerate(processes)
            for _ in range(READERS)
        ]
        yield load
        for task in tasks:
            task.cancel()


async def measure(on: Processes, rounds: Iterable[Round]) -> AsyncGenerator[Staleness]:
    """Hide a release in each round, and yield how long the processes served it."""
    await _push(on, UNTOUCHED)
    async with _operated(on) as operator:
        for number, (state, change) in enumerate(rounds):
            release = Coordinate.parse("acme", f"hidden{number}", "1.0.0")
            await _push(on, release)
            yield await _measure(on, release, operator, (state, change))


async def _measure(
    on: Processes, release: Coordinate, operator: Registry, round_: Round
) -> Staleness:
    """Wait until it is hidden everywhere, for as long as is promised."""
    state, change = round_
    async with _loaded(on.processes, [release, UNTOUCHED]) as load:
        await asyncio.sleep(WARM_SECONDS)
        on.feed.state = state
        await CHANGES[change](operator, release)
        answered = time.monotonic()
        while len(load.gone) < PROCESSES and time.monotonic() - answered < PROMISED_SECONDS:
            await asyncio.sleep(PAUSE_SECONDS)
        on.feed.state = FeedState.ANSWERS
        await asyncio.sleep(AFTERWARDS_SECONDS)
    served = [load.served[release, process] for process in range(PROCESSES)]
    stale = [max(0.0, each - answered) for each in served]
    return Staleness(state, change, stale)
