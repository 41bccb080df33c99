"""What the caches of functions save: for each kind of request, the calls of each function that
`functools.lru_cache` caches, and the part of the request's processor time that it would take more
without its cache.

Within one process, over some packages of the demonstration (`make demo`), as in
`bench/handling.py`.
A request takes as long as it does with the caches. Functions that a request does not call are not
listed. A cache that saves less than 3 % of every kind of request is removed.
"""

import asyncio
import functools
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RELEASES = 300  # Of the demonstration, the newest.
WARM = 800
REQUESTS = 600
ARGUMENTS_KEPT = 3_000
PATIENCE = 3  # Rounds of a function; the fastest counts.
OURS = ("functions", "shared")

_python_lru_cache = functools.lru_cache


@dataclass
class Watched:
    """A cached function, and its calls since the last `forget`."""

    name: str
    plain: Callable[..., object]
    cached: Callable[..., object]
    calls: int = 0
    arguments: deque[tuple[Any, ...]] = field(
        default_factory=lambda: deque[tuple[Any, ...]](maxlen=ARGUMENTS_KEPT)
    )

    def __call__(self, *arguments: Any) -> object:
        self.calls += 1
        self.arguments.append(arguments)
        return self.cached(*arguments)

    def saved_us(self) -> float:
        """Return the microseconds that the cache saves in one call."""
        given = list(self.arguments)
        return _microseconds(self.plain, given) - _microseconds(self.cached, given)


watched: list[Watched] = []


def watching_lru_cache(maxsize: Any = 128, **options: Any) -> Any:
    """Stand in for `functools.lru_cache` while the modules of the product are imported."""

    def decorate(function: Callable[..., object]) -> Any:
        cached: Any = _python_lru_cache(maxsize=maxsize, **options)(function)
        if maxsize is None or function.__module__.partition(".")[0] not in OURS:
            return cached
        each = Watched(f"{function.__module__}.{function.__qualname__}", function, cached)
        watched.append(each)

        @functools.wraps(function)
        def call(*arguments: Any) -> object:  # A function, so that it can be a static method.
            return each(*arguments)

        return call

    if callable(maxsize):
        return _python_lru_cache(maxsize)
    return decorate


def main() -> None:
    functools.lru_cache = watching_lru_cache  # type: ignore[assignment]
    from bench import demo, handling  # noqa: PLC0415 - these import the product, which is watched.
    from bench.servers import UNLIMITED, Server, token_of  # noqa: PLC0415
    from shared import localhost  # noqa: PLC0415
    from shared.settings import Settings  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        demo.fill(data, demo.read_releases()[-RELEASES:])
        os.environ["BALLROOM_DATA"] = str(data)
        os.environ |= UNLIMITED
        token = token_of(Server("demo", "", 0, Path(folder)))
        host = localhost.build_host(Settings.load())
        packages = asyncio.run(handling.packages_of(data))
        several = packages * -(-handling.FEW // len(packages))
        asyncio.run(measure(handling, host, several, token))


async def measure(handling: Any, host: Any, packages: Sequence[str], token: str) -> None:
    async with host.running():
        for name, request in handling.requests(packages, token).items():
            for number in range(WARM):
                await handling.send(host, request(number))
            forget()
            before = time.process_time()
            for number in range(WARM, WARM + REQUESTS):
                await handling.send(host, request(number))
            show(name, 1e6 * (time.process_time() - before) / REQUESTS)
        for name, headers in handling.callers(token).items():
            sent = await handling.repeatable(host, packages[0], headers)
            forget()
            before = time.process_time()
            for _ in range(REQUESTS):
                assert host.at_once(sent) is not None
            show(f"repeated, {name}", 1e6 * (time.process_time() - before) / REQUESTS)


def forget() -> None:
    """Let the next calls be counted from the first."""
    for each in watched:
        each.calls = 0
        each.arguments.clear()


def show(name: str, request_us: float) -> None:
    """Print what each cache saves of a request that takes so many microseconds."""
    print(f"\n{name}: {request_us:,.0f} microseconds")
    for each in watched:
        if each.calls:
            calls = each.calls / REQUESTS
            saved = each.saved_us()
            part = 100 * saved * calls / request_us
            print(f"  {each.name:52} {calls:6.1f} calls {saved:7.2f} µs each {part:5.1f} %")


def _microseconds(function: Callable[..., object], given: Sequence[tuple[Any, ...]]) -> float:
    taken = list[float]()
    for _ in range(PATIENCE):
        before = time.process_time()
        for arguments in given:
            function(*arguments)
        taken.append(time.process_time() - before)
    return 1e6 * min(taken) / len(given)


if __name__ == "__main__":
    main()
