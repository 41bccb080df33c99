"""Push: milliseconds until a release is listed, beside verdaccio's publish of the same bytes.

One client, one push after the other. Ours reads the archive, checks every entry and returns when
the release is durable, listed and searchable; verdaccio gets the bytes in base64, as from npm.
"""

import statistics
import time
from collections.abc import Callable

import httpx

from bench.servers import Server, ballroom, push, verdaccio, workspace
from bench.throughput_beside_peers import publish_npm
from tests.support.archives import bala

SIZES = {"10 KB": (10_000, 30), "1 MB": (1_000_000, 15), "20 MB": (20_000_000, 5)}


def main() -> None:
    with workspace() as a, workspace() as b, ballroom(a) as ours, verdaccio(b) as npm:
        for minor, (name, (size, count)) in enumerate(SIZES.items()):
            show(name, measure_ours(ours, size, count, minor), measure_npm(npm, size, count, minor))


def measure_ours(ours: Server, size: int, count: int, minor: int) -> list[float]:
    archives = [bala(f"acme/push:1.{minor}.{n}", padding=size) for n in range(count)]
    with httpx.Client(timeout=120) as client:
        return [_timed(lambda content=content: push(ours, client, content)) for content in archives]


def measure_npm(npm: Server, size: int, count: int, minor: int) -> list[float]:
    archives = [bala(f"acme/push:1.{minor}.{n}", padding=size) for n in range(count)]
    with httpx.Client(timeout=120) as client:
        return [
            _timed(lambda n=n, content=content: publish_npm(npm, client, f"1.{minor}.{n}", content))
            for n, content in enumerate(archives)
        ]


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def show(name: str, ours: list[float], theirs: list[float]) -> None:
    mine = statistics.median(ours) * 1000
    peer = statistics.median(theirs) * 1000
    print(f"\n{name}, median of {len(ours)}")
    print(f"  ours      {mine:8.1f} ms")
    print(f"  verdaccio {peer:8.1f} ms")
    print(f"  {peer / mine:.1f}x as fast")


if __name__ == "__main__":
    main()
