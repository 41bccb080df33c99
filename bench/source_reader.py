"""The reader of Ballerina sources: megabytes a second, and seconds for sources made to be slow.

Aims: 4 MB a second of sources like those of connectors, and of the slowest of all that were made to
be slow at most `SLOWEST` seconds a megabyte, in a time that grows no faster than the source.
"""

import statistics
import sys
import time

from bench.ballerina_sources import source
from shared.ballerina.declarations import read_source
from tests.support.hostile_sources import HOSTILE_SOURCES

LEAST_MB_A_SECOND = 4
SLOWEST = 10  # Seconds a megabyte.
LINEAR = 3  # Times as long for twice the characters; 2 and what the machine adds.
SIZES = (10_000, 100_000, 1_000_000)
ROUNDS = 5
SHOWN = 8


def main() -> None:
    """Print all figures, and raise `SystemExit` with 1 where an aim is not met."""
    failed = [*measure_ordinary(), *measure_hostile()]
    if failed:
        sys.exit(f"Aims not met: {', '.join(failed)}")


def measure_ordinary() -> list[str]:
    print(f"\n{'characters':>12}{'declarations':>14}{'MB/s':>8}   (at least {LEAST_MB_A_SECOND})")
    slow: list[str] = []
    for size in SIZES:
        text = source(size)
        read = read_source("main.bal", text)
        assert not read.unread, read.unread[0]
        rate = len(text) / 1e6 / statistics.median(seconds(text) for _ in range(ROUNDS))
        print(f"{len(text):>12,}{len(read.declarations):>14,}{rate:>8.1f}")
        if rate < LEAST_MB_A_SECOND:
            slow.append(f"{len(text):,} characters")
    return slow


def measure_hostile() -> list[str]:
    figures: list[tuple[float, float, str]] = []
    for name, made in HOSTILE_SOURCES.items():
        half, whole = seconds(made(500_000)), seconds(made(1_000_000))
        figures.append((whole, whole / max(half, 0.05), name))
    print(f"\n{'slowest of ' + str(len(figures)):<50}{'s/MB':>8}{'for twice as much':>20}")
    for whole, growth, name in sorted(figures, reverse=True)[:SHOWN]:
        print(f"{name:<50}{whole:>8.2f}{growth:>20.1f}")
    return [name for whole, growth, name in figures if whole > SLOWEST or growth > LINEAR]


def seconds(text: str) -> float:
    """Return the time of the processor, so that other work counts little."""
    started = time.process_time()
    read_source("main.bal", text)
    return time.process_time() - started


if __name__ == "__main__":
    main()
