"""The pack: what a new instance takes to load it, and what share of the pulls it answers then.

The packages are those of the real index, the ones that most others depend on first, because nobody
publishes pulls: each with all its versions, and its last `VERSIONS_PACKED` releases with summaries,
keywords and addresses of usual length. As many as the task packs. The blob is in Azurite and the
change feed that of the double of Cosmos DB, on the same machine: the network adds a request each.
Seconds are those of the clock, from the first read of an instance to the last record in its cache;
"stalled" is the longest time for which the instance answered nothing meanwhile.

The share of the pulls is that of Zipf's law over the packages of bench/scale.py.
"""

import asyncio
import hashlib
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, takewhile
from pathlib import Path
from statistics import median
from typing import Any

from bench.sample_packages import real_releases
from bench.scale import LOADED, PACKAGES
from shared.adapters.blob.package_pack import encode_pack
from shared.domain.packages import Dependency, Head, Origin, Release, ReleaseEntry, Survey
from shared.domain.versions import Version
from shared.ports import PackagePack, PackedPackage
from shared.services.package_pack import PACK_BYTES, VERSIONS_PACKED, memory_of_packed
from tests.fakes.azurite import missing
from tests.support.cloud_registry import MeteredRegistry, metered, other_instance

LIMIT_SECONDS = 2.0
REPEATS = 5
STALL_LOOK = 0.001
CREATED_MS = 1_700_000_000_000
SUMMARY = "Connects to a service on the Internet and offers its operations to programs. " * 2
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading took."""

    seconds: float
    stalled: float


async def main() -> None:
    """Load the pack several times, and print the slowest beside the limit."""
    if reason := missing():
        print(f"Nothing is measured: {reason}.")
        return
    packages = packed(PACK_BYTES)
    with tempfile.TemporaryDirectory(prefix="ballroom-bench-") as folder:
        async with metered(Path(folder)) as cloud:
            await write(cloud, packages)
            loads = [await loaded(cloud) for _ in range(REPEATS)]
            memory = await memory_taken(cloud)
    report(packages, loads, memory)


def report(packages: tuple[PackedPackage, ...], loads: list[Loaded], memory: int) -> None:
    """Print what is packed, and what it takes."""
    releases = sum(len(each.releases) for each in packages)
    stored = len(encode_pack(PackagePack({}, packages)))
    counted = sum(map(memory_of_packed, packages))
    seconds, stalled = max(loads, key=_seconds).seconds, median(each.stalled for each in loads)
    print(f"packed    {len(packages):,} packages, {releases:,} releases")
    print(f"blob      {stored / _MB:.1f} MB")
    print(f"memory    {memory / _MB:.0f} MB, counted as {counted / _MB:.0f} MB")
    print(f"load      {seconds:.2f} s, the slowest of {REPEATS}; limit {LIMIT_SECONDS:.0f} s")
    print(f"stalled   {stalled * 1_000:.0f} ms, the median")
    print(f"share     {share(len(packages)):.0%} of the pulls of {PACKAGES:,} packages")
    if len(packages) < LOADED:
        sys.exit(f"bench/scale.py counts on {LOADED:,} packages.")


def _seconds(load: Loaded) -> float:
    return load.seconds


def share(packages: int) -> float:
    """Return the share of pulls of so many packages, of which the k-th has a k-th of the first."""
    weights = list(accumulate(1 / rank for rank in range(1, PACKAGES + 1)))
    return weights[packages - 1] / weights[-1]


def packed(capacity_bytes: int) -> tuple[PackedPackage, ...]:
    """Return the packages of a pack."""
    found = list(by_dependents())
    totals = accumulate(map(memory_of_packed, found))
    fit = sum(1 for _ in takewhile(lambda total: total <= capacity_bytes, totals))
    return tuple(found[:fit])


def by_dependents() -> Iterator[PackedPackage]:
    """Yield the real packages, those with the most dependents first."""
    packages = real_releases()
    dependents = Counter[str]()
    for releases in packages.values():
        dependents.update({name_of(each) for release in releases for each in needs(release)})
    for key in sorted(packages, key=lambda key: (-dependents[key], key)):
        yield package_of(packages[key])


def needs(release: Mapping[str, Any]) -> list[Mapping[str, str]]:
    return release["dependencies"]


def name_of(package: Mapping[str, Any]) -> str:
    return f"{package['org']}/{package['name']}"


def package_of(lines: list[dict[str, Any]]) -> PackedPackage:
    newest = sorted(map(release_of, lines), key=_precedence, reverse=True)
    org, name = newest[0].org, newest[0].name
    head = Head(org=org, name=name, created_ms=CREATED_MS, pulls=1_000)
    survey = Survey(head, tuple(map(ReleaseEntry.of, newest)))
    return PackedPackage(survey, tuple(newest[:VERSIONS_PACKED]))


def _precedence(release: Release) -> Any:
    return Version.parse(release.version).precedence


def release_of(line: Mapping[str, Any]) -> Release:
    org, name, version = line["org"], line["name"], line["version"]
    # A digest and an author of its own, which do not compress.
    own = hashlib.sha256(f"{org}/{name}:{version}".encode()).hexdigest()
    return Release(
        org=org,
        name=name,
        version=version,
        digest=own,
        size_bytes=100_000,
        platform=line["platform"],
        ballerina_version=line["ballerina_version"],
        summary=SUMMARY,
        licenses=("Apache-2.0",),
        authors=(own[:20],),
        keywords=("service", "client", name),
        source_repository=f"https://github.com/{org}/{name}",
        modules=tuple(each["name"] for each in line["modules"]),
        internal_modules=(),
        dependencies=tuple(map(Dependency.model_validate, needs(line))),
        created_ms=CREATED_MS,
        origin=Origin(principal=f"account:{own[:16]}", credential=own[:16]),
    )


async def write(cloud: MeteredRegistry, packages: tuple[PackedPackage, ...]) -> None:
    adapters = cloud.registry.adapters
    assert adapters.package_pack
    assert adapters.package_changes
    positions = await adapters.package_changes.positions()
    await adapters.package_pack.write(PackagePack(positions, packages))


async def loaded(cloud: MeteredRegistry) -> Loaded:
    """Load in a new instance, and look all the time whether it still answers."""
    async with other_instance(cloud) as instance:
        await instance.registry.probe()  # Opens the client of Cosmos DB.
        looking, stalls = True, [0.0]

        async def look() -> None:
            while looking:
                before = time.perf_counter()
                await asyncio.sleep(STALL_LOOK)
                stalls.append(time.perf_counter() - before - STALL_LOOK)

        looker, began = asyncio.create_task(look()), time.perf_counter()
        await instance.registry.package_cache.load()
        seconds, looking = time.perf_counter() - began, False
        await looker
        return Loaded(seconds, max(stalls))


async def memory_taken(cloud: MeteredRegistry) -> int:
    """Return the bytes that an instance has more after loading."""
    async with other_instance(cloud) as instance:
        await instance.registry.adapters.edition.confirm()
        tracemalloc.start()
        await instance.registry.package_cache.load()
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return taken


if __name__ == "__main__":
    asyncio.run(main())
