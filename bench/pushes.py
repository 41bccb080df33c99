"""Push: milliseconds until a release is listed, beside verdaccio's publish of the same bytes.

One client, one push after the other. Ours reads the archive, checks every entry and returns when
the release is durable, listed and searchable; verdaccio gets the bytes in base64, as from npm.

Then the same archives are pushed in turn to a registry that has rules and to one that has none. All
rules are set that a push may pass: licenses, secrets, limits, retention and version numbers that
warn. Those that hold or refuse by the version compare APIs, which takes as long as they say.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import httpx

from bench.support.servers import Server, ballroom, push, verdaccio, workspace
from bench.throughput_beside_peers import publish_npm
from tests.support.archives import bala

RULES_HOLD_WITHIN_SECONDS = 5.0  # How soon stored rules hold in every process.
SIZES = {"10 KB": (10_000, 30), "1 MB": (1_000_000, 15), "20 MB": (20_000_000, 5)}


def main() -> None:
    with workspace() as a, workspace() as b, ballroom(a) as ours, verdaccio(b) as npm:
        for minor, (name, (size, count)) in enumerate(SIZES.items()):
            show(name, measure_ours(ours, size, count, minor), measure_npm(npm, size, count, minor))
    with workspace() as a, workspace() as b, ballroom(a) as ruled, ballroom(b) as plain:
        with httpx.Client() as client:  # The first push makes the organization.
            for each in (ruled, plain):
                push(each, client, bala("acme/push:1.0.0-first"))
        set_rules(ruled)
        times = [
            show_rules(name, *measure_rules(ruled, plain, size, count, minor))
            for minor, (name, (size, count)) in enumerate(SIZES.items())
        ]
    if max(times) > MOST_WITH_RULES:
        sys.exit("A push with rules takes longer than the limit.")


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


# The search for secrets reads each text that has what a secret begins with, in the confined
# process; the rest is arithmetic on what a push has in memory.
MOST_WITH_RULES = 1.25  # The limit for the median, as a multiple of a push without rules.


def set_rules(server: Server) -> None:
    """Set every rule that the archives of this benchmark pass."""
    command = [sys.executable, "-m", "shared.cli"]
    env = {**os.environ, "BALLROOM_DATA": str(server.folder / "data")}
    for arguments in (
        (
            "rules",
            "--license",
            "Apache-2.0",
            "--license",
            "NONE",
            "--refused-license",
            "GPL-3.0-only",
        ),
        ("rules", "--version-rule", "warn", "--secrets"),
        ("org", "rules", "acme", "--license", "Apache-2.0", "--license", "NONE"),
        ("org", "rules", "acme", "--retention", "last 5", "--secrets-allowed", "push:*.pem"),
        ("org", "quota", "acme", "--max-releases", "1000000", "--max-bytes", "1000000000000"),
    ):
        subprocess.run([*command, *arguments], check=True, env=env, stdout=subprocess.DEVNULL)
    time.sleep(RULES_HOLD_WITHIN_SECONDS)


def measure_rules(
    ruled: Server, plain: Server, size: int, count: int, minor: int
) -> tuple[list[float], list[float]]:
    """Push each archive to both, in turn, so that other work of the machine slows both alike."""
    archives = [bala(f"acme/push:1.{minor}.{n}", padding=size) for n in range(count)]
    with_rules = list[float]()
    without = list[float]()
    with httpx.Client(timeout=120) as client:
        for content in archives:
            with_rules.append(_timed(lambda content=content: push(ruled, client, content)))
            without.append(_timed(lambda content=content: push(plain, client, content)))
    return with_rules, without


def show_rules(name: str, with_rules: list[float], without: list[float]) -> float:
    """Print both, and return how many times as long a push with rules takes."""
    ruled = statistics.median(with_rules) * 1000
    plain = statistics.median(without) * 1000
    print(f"\n{name} with rules, median of {len(without)}")
    print(f"  rules     {ruled:8.1f} ms")
    print(f"  no rules  {plain:8.1f} ms")
    print(f"  {ruled / plain:.2f} times as long (limit {MOST_WITH_RULES:.2f})")
    return ruled / plain


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
