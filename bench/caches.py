"""What each cache saves: for each kind of request, anonymous and with a token, the part of its
processor time that it would take more if one cache kept nothing.

All within one process. A *first* request is about a package that nobody asked for since everything
was forgotten, a *repeat* is about one that was asked for before, without the memory of answers and
with it. Rounds with all caches and without one take turns; the fastest of `ROUNDS=7` counts. A
cache is named by where it is. One that saves less than 5 % of every kind of request is removed,
unless it is listed in `KEPT_FOR`. `KIND="page|file"` measures the kinds whose names fit.
"""

import asyncio
import functools
import gc
import os
import re
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from bench.support.requested import Requested
from bench.support.servers import UNLIMITED, workspace
from shared.runtime import lru_cache as module_of_caches
from shared.runtime.lru_cache import LruCache
from tests.support.registry_process import administrator_token

ROUNDS = int(os.environ.get("ROUNDS", "7"))
KIND = os.environ.get("KIND", "")
PACKAGES = int(os.environ.get("PACKAGES", "56"))
REPEATS = 20
WARM = 16  # Packages that are asked for before first requests are measured.
LEAST = 5  # Percent that a cache has to save of some request, or it is removed.
OURS = ("functions.", "shared.")

# What is kept for another reason than the time of these requests.
KEPT_FOR: Mapping[str, str] = {
    "authentication._recorded": "a write less for each use of a token",
    "burst_detection._counted": "counts",
    "rate_limits._exceeded": "refuses without a store",
    "rate_limits._failed": "counts failures once",
    "pull_counter._seen": "counts a pull once",
    "pull_records._seen": "records a pull once",
    "release_pullers._known": "records a puller once",
    "publishing_rights._may_publish": "bounds what is read of bodies",
    "publishing_rules._pushed": "counts what was pushed since a count",
    "api_docs_generation._ends": "bounds abuse of the confined process",
    "on_demand._ends": "bounds abuse of the confined process",
    "api_docs_queue._renewed": "makes documentation once",
    "archive_admission._refreshed": "compares with an upstream once",
    "version_checks._known": "bounds use of the confined process",
    "http_fetcher._unresolved": "bounds questions to name servers",
    "upstream_cache._answers": "bounds questions to upstreams",
    "upstream_cache._failed": "bounds questions to upstreams",
    "version_lists._facts": "mirrors: not asked here",
    "approved_packages._rules": "mirrors: not asked here",
    "name_owners._owners": "mirrors: not asked here",
    "documents._cache": "requests to the stores of the cloud",
    "sessions._cache": "requests to the stores of the cloud",
    "metadata._pointers": "requests to the stores of the cloud",
    "pull_redirects._redirects": "requests to the stores of the cloud",
}


class KeepsNothing(LruCache[Any, Any]):
    """The same instance while it is switched off."""

    def put(self, key: Any, value: Any) -> None:
        """Keep nothing."""


class Counting(LruCache[Any, Any]):
    """The same instance while its questions are counted."""

    def get(self, key: Any) -> Any:
        """Count the question, and answer it."""
        asked[places[id(self)]] += 1
        return super().get(key)


class Function:
    """A function that `functools.lru_cache` caches, with a switch."""

    def __init__(self, plain: Callable[..., Any], cached: Any, name: str) -> None:
        functools.update_wrapper(self, plain)
        self.name = name
        self.plain = plain
        self.cached = cached
        self.now = cached
        self.cache_clear = cached.cache_clear

    def __call__(self, *arguments: Any) -> Any:
        return self.now(*arguments)


asked: dict[str, int] = defaultdict(int)  # By the name of a cache.
places: dict[int, str] = {}  # The names of instances, by their identity.
instances: dict[str, list[LruCache[Any, Any]]] = defaultdict(list)
functions: dict[str, Function] = {}
_python_lru_cache = functools.lru_cache
_made = LruCache.__init__
_ATTRIBUTE = re.compile(r"^\s*(?:self\.)?(\w+)(?:: .*)? = ")


def watch() -> None:
    """Name every cache that is made from now on, before the product is imported."""
    functools.lru_cache = _watching  # type: ignore[assignment]
    LruCache.__init__ = _naming  # type: ignore[method-assign]


def _watching(maxsize: Any = 128, **options: Any) -> Any:
    def decorate(function: Callable[..., Any]) -> Any:
        cached: Any = _python_lru_cache(maxsize=maxsize, **options)(function)
        if maxsize is None or not function.__module__.startswith(OURS):
            return cached
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        functions[name] = Function(function, cached, name)
        return functions[name]

    return _python_lru_cache(maxsize) if callable(maxsize) else decorate


def _naming(self: LruCache[Any, Any], *arguments: Any, **options: Any) -> None:
    _made(self, *arguments, **options)
    name = _place(sys._getframe(1))  # The module and the attribute that the cache is made for.
    places[id(self)] = name
    instances[name].append(self)


def _place(frame: FrameType | None) -> str:
    """Return the module and the attribute that a cache is made for."""
    inside = (module_of_caches.__file__, __file__)
    while frame and (frame.f_code.co_filename in inside or "typing" in frame.f_code.co_filename):
        frame = frame.f_back
    assert frame is not None
    file = Path(frame.f_code.co_filename)
    lines = file.read_text("utf-8").splitlines()[: frame.f_lineno]
    is_returned = lines[-1].lstrip().startswith("return ")
    if is_returned:
        return f"{file.stem}.{frame.f_code.co_name}"
    found = next(found for each in reversed(lines) if (found := _ATTRIBUTE.match(each)))
    return f"{file.stem}.{found[1]}"


def names() -> list[str]:
    return sorted({*instances, *functions})


def forget() -> None:
    """Forget everything that caches keep."""
    for several in instances.values():
        for each in several:
            _made(each, each._capacity, each._weigh)
    for function in functions.values():
        function.cache_clear()


@contextmanager
def switched(name: str) -> Generator[None]:
    """Let one cache keep nothing while the block lasts."""
    several = instances.get(name, [])
    for each in several:
        each.__class__ = KeepsNothing
    function = functions.get(name)
    if function:
        function.now = function.plain
    try:
        yield
    finally:
        for each in several:
            each.__class__ = LruCache
        if function:
            function.now = function.cached


@contextmanager
def counting() -> Generator[dict[str, int]]:
    """Count the questions to each cache while the block lasts."""
    everything = [each for several in instances.values() for each in several]
    asked.clear()
    for each in everything:
        each.__class__ = Counting
    yield asked
    for each in everything:
        each.__class__ = LruCache
    for name, function in functions.items():
        info = function.cached.cache_info()
        asked[name] = info.hits + info.misses


@dataclass(frozen=True)
class Saved:
    """What a cache saves of a kind of request."""

    cache: str
    kind: str
    percent: float


watch()

from bench.support.request_kinds import (  # noqa: E402 - these import the product, which is watched.
    KINDS,
    PAGE,
    SETTINGS,
    Credentials,
    credentials,
    fill,
    send,
)
from shared import localhost  # noqa: E402
from shared.hosting.host import Host  # noqa: E402
from shared.settings import Settings  # noqa: E402


class Row:
    """A kind of request in a state of memory, and how it is measured."""

    def __init__(self, host: Host, name: str, state: str, requests: Sequence[Requested]) -> None:
        self.name = f"{name}, {state}"
        self._host = host
        self._status = KINDS[name.partition(", with")[0]].status
        self._warm = requests[:WARM]
        self._timed = requests[WARM:]
        if state != FIRST:
            self._timed = list(requests[:2]) * REPEATS
            self._warm = self._timed[:4]

    async def saved(self) -> Iterator[Saved]:
        """Print and return what each cache saves that is asked."""
        touched = await self._touched()
        taken = defaultdict[str, list[float]](list)
        for number in range(ROUNDS):
            variants = ["", *touched]
            for each in variants if number % 2 else reversed(variants):
                with switched(each):
                    taken[each].append(await self._seconds())
        base = taken.pop("")
        micros = 1e6 * min(base) / len(self._timed)
        print(f"\n{self.name}: {micros:,.0f} microseconds")
        shares = {each: 100 * (min(without) / min(base) - 1) for each, without in taken.items()}
        for each, percent in sorted(shares.items(), key=lambda one: -one[1]):
            print(f"  {each:44}{percent:7.1f} %", flush=True)
        return (Saved(each, self.name, percent) for each, percent in shares.items())

    async def _touched(self) -> list[str]:
        """Return the caches that these requests ask."""
        with counting() as calls:
            await self._seconds()
        return [each for each, count in calls.items() if count >= len(self._timed) / 4]

    async def _seconds(self) -> float:
        forget()
        for each in self._warm:
            await send(self._host, each, self._status)
        gc.collect()
        gc.disable()
        began = time.process_time()
        for each in self._timed:
            await send(self._host, each, self._status)
        taken = time.process_time() - began
        gc.enable()
        return taken


FIRST = "first"
REPEATED = "repeated, without the memory of answers"
FROM_MEMORY = "repeated"


async def measure(settings: Settings, known: Credentials) -> list[Saved]:
    found = list[Saved]()
    without = localhost.build_host(settings.model_copy(update={"answer_memory": False}))
    states = {FIRST: without, REPEATED: without, FROM_MEMORY: localhost.build_host(settings)}
    # The hosts do not run, so that no timer takes time.
    for name, kind in KINDS.items():
        made = [kind.make(f"p{number}") for number in range(PACKAGES)]
        callers = (
            [kind.takes] if kind.takes or PAGE.items() <= made[0].headers.items() else ["", "token"]
        )
        for caller in callers if re.search(KIND, name) else ():
            headers = getattr(known, caller) if caller else {}
            sent = [replace(each, headers={**each.headers, **headers}) for each in made]
            called = name if caller == kind.takes else f"{name}, with a token"
            for state, host in states.items():
                found += await Row(host, called, state, sent).saved()
    return found


def show(found: Sequence[Saved]) -> None:
    """Print the kind of request of which each cache saves most, for each state of memory."""
    print(f"\n{'cache':44}{'saves at most':>14}  of")
    for name in names():
        most = max(
            (each for each in found if each.cache == name),
            key=lambda one: one.percent,
            default=None,
        )
        reason = KEPT_FOR.get(name, "")
        if most is None:
            print(f"{name:44}{'not asked':>14}  {reason}")
        else:
            verdict = "" if most.percent >= LEAST else f"  ({reason or 'TO REMOVE'})"
            print(f"{name:44}{most.percent:12.1f} %  {most.kind}{verdict}")


def main() -> None:
    with workspace() as made:
        given = os.environ.get("FOLDER")
        folder = Path(given) if given else made
        if not given:
            fill(folder, PACKAGES)
        os.environ["BALLROOM_DATA"] = str(folder / "data")
        os.environ |= UNLIMITED
        os.environ |= {f"BALLROOM_{name.upper()}": value for name, value in SETTINGS.items()}
        settings = Settings.load()
        known = asyncio.run(credentials(settings, administrator_token(folder / "data")))
        show(asyncio.run(measure(settings, known)))


if __name__ == "__main__":
    main()
