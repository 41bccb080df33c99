"""Hidden packages: how long a refusal takes for a private package, and for one that does not exist.

Both are asked for in turns within one process, by somebody without credentials and by a token of
another organization. Times are those of a whole answer, in microseconds: the quartiles of each, and
how often a single answer of a private package is slower than one of a missing package (50 % tells
nothing).
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import httpx

from bench.support.servers import UNLIMITED, Server, ballroom, create_organization, push
from shared import localhost
from shared.hosting.host import Host
from shared.settings import Settings
from tests.paths import ROOT
from tests.support.archives import bala
from tests.unit.shared.hosting.asgi import ask, scope

PRIVATE = "gamma/hidden"
MISSING = "gamma/absent"
VERSIONS = 60
DEPENDENCIES = 40
ROUNDS = 1_500
WARM = 100

PATHS = {
    "pull of a version": "/2.0/registry/packages/{}/1.7.0",
    "pull of the latest version": "/2.0/registry/packages/{}/*",
    "versions": "/2.0/registry/packages/{}",
    "index line": "/index/{}/index.json",
    "Maven metadata": "/2.0/maven/{}/maven-metadata.xml",
    "package page": "/packages/{}",
    "page of a version": "/packages/{}/1.7.0",
    "page of changes": "/packages/{}/1.7.0/changes",
    "API documentation": "/2.0/docs/{}/1.7.0",
}


def main() -> None:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        with ballroom(folder) as server, httpx.Client(timeout=60) as client:
            create_organization(server, client, "gamma", defaultVisibility="private")
            for minor in range(VERSIONS):
                push(server, client, _archive(minor))
            stranger = _token_of_another_organization(server, client)
        os.environ["BALLROOM_DATA"] = str(folder / "data")
        os.environ |= UNLIMITED | {"BALLROOM_LOG_LEVEL": "error"}
        host = localhost.build_host(Settings.load())
        asyncio.run(measure(host, {"without": "", "with a token": f"Bearer {stranger}"}))


def _archive(minor: int) -> bytes:
    needed = [f"ballerina/package{number}:1.0.0" for number in range(DEPENDENCIES)]
    return bala(f"{PRIVATE}:1.{minor}.0", dependencies=needed)


def _token_of_another_organization(server: Server, client: httpx.Client) -> str:
    create_organization(server, client, "beta")
    command = [sys.executable, "-m", "shared.cli", "token", "issue", "@beta", "--name", "reader"]
    env = {**os.environ, "BALLROOM_DATA": str(server.folder / "data")}
    return subprocess.check_output(command, env=env, cwd=ROOT, text=True).strip()


async def measure(host: Host, callers: dict[str, str]) -> None:
    print(f"{'':<42}{'private package':>24}{'missing package':>24}   slower")
    async with host.running():
        for name, path in PATHS.items():
            for caller, credential in callers.items():
                headers = {"Authorization": credential} if credential else {}
                private, missing = await _compared(host, path, headers)
                slower = _share_slower(private, missing)
                row = f"{name}, {caller}"
                print(
                    f"{row:<42}{_quartiles(private)}{_quartiles(missing)}   {slower:.0%}",
                    flush=True,
                )


async def _compared(
    host: Host, path: str, headers: dict[str, str]
) -> tuple[list[float], list[float]]:
    """Return the times of both, asked for in turns, the one that is first changing."""
    times = {PRIVATE: list[float](), MISSING: list[float]()}
    turns = chain.from_iterable(((PRIVATE, MISSING), (MISSING, PRIVATE)) for _ in range(ROUNDS))
    for number, turn in enumerate(turns):
        for package in turn:
            sent = scope("GET", path.format(package), headers)
            begin = time.perf_counter_ns()
            answer = await ask(host, sent)
            spent_us = (time.perf_counter_ns() - begin) / 1_000
            assert answer.status in (401, 404), (path, package, answer.status, answer.body[:300])
            if number >= WARM:
                times[package].append(spent_us)
    return times[PRIVATE], times[MISSING]


def _quartiles(times: Sequence[float]) -> str:
    return "".join(f"{each:>8.0f}" for each in statistics.quantiles(times, n=4))


def _share_slower(times: Sequence[float], others: Sequence[float]) -> float:
    """Return how often one of the times is above one of the others."""
    ordered = sorted(others)
    return sum(bisect_left(ordered, each) for each in times) / (len(times) * len(others))


if __name__ == "__main__":
    main()
