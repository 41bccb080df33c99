"""Audits: one batch of 1,000 packages at /v1/querybatch, over as many advisories as Maven has.

The registry is one of a test, served in this process: what is measured is the Function and all
below it, and not the server. `python -m bench.audit 12000` takes another number of advisories.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from shared.domain.principals import OPERATOR
from tests.support.advisory_files import dump
from tests.support.world import URL, World, make_template

ADVISORIES = 6_000  # Advisories of Maven in the public database.
PACKAGES = 1_000  # Packages in one batch.
VERSIONS = 40  # Versions that each advisory lists.
ROUNDS = 50
LIMIT_MS = 100


def advisory(number: int) -> dict[str, Any]:
    """Return a record as GitHub's of Maven are: a range, and the versions in it."""
    versions = [f"{number % 7}.{minor}.Final" for minor in range(VERSIONS)]
    events = [{"introduced": "0"}, {"fixed": f"{number % 7}.{VERSIONS}.Final"}]
    package = {"ecosystem": "Maven", "name": f"org.example:library-{number % 2_500}"}
    return {
        "id": f"GHSA-{number:06}",
        "modified": "2026-05-01T10:00:00Z",
        "summary": f"Number {number}",
        "details": "What it does, and to whom. " * 60,
        "affected": [
            {
                "package": package,
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
                "versions": versions,
            }
        ],
    }


def batch() -> bytes:
    numbers = random.Random(1)  # noqa: S311 - no secret.
    queries = [
        {
            "package": {
                "ecosystem": "Maven",
                "name": f"org.example:library-{numbers.randrange(10_000)}",
            },
            "version": f"{numbers.randrange(9)}.{numbers.randrange(60)}.{numbers.randrange(9)}",
        }
        for _ in range(PACKAGES)
    ]
    return json.dumps({"queries": queries}).encode()


async def measure(world: World, count: int) -> None:
    began = time.perf_counter()
    content = dump(advisory(number) for number in range(count))
    importing = world.registry.advisories.importing
    began = time.perf_counter()
    await importing.import_file("maven.zip", content, OPERATOR)
    print(
        f"{count:,} advisories ({len(content) / 2**20:.1f} MiB) imported in {_since(began):,.0f} ms"
    )
    body = batch()
    began = time.perf_counter()
    found = await _ask(world, body)
    print(f"the first batch, which reads the index, in {_since(began):,.0f} ms")
    taken = list[float]()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = await _ask(world, body)
        taken.append(_since(began))
    matched = sum(1 for each in found if each)
    typical = statistics.median(taken)
    p99 = statistics.quantiles(taken, n=100, method="inclusive")[98]
    reached = "reached" if p99 < LIMIT_MS else "missed"
    print(f"{PACKAGES:,} packages, {matched:,} with findings: {typical:.1f} ms, p99 {p99:.1f} ms")
    print(f"limit {LIMIT_MS} ms: {reached}")


async def _ask(world: World, body: bytes) -> list[Any]:
    answer = await world.send("POST", f"{URL}/v1/querybatch", content=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1_000


async def run(folder: Path, count: int) -> None:
    template = await asyncio.to_thread(make_template, folder / "template")
    async with template.world(folder / "copy", limit_advisories="") as world:
        await measure(world, count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("advisories", nargs="?", type=int, default=ADVISORIES)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder), parser.parse_args().advisories))
