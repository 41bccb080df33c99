"""The pack: what a new instance takes to load it, and what share of the pulls it answers then.

The packages are those of bench/real_packages.py, as many as the task packs. The blob is in Azurite
and the change feed that of the double of Cosmos DB, on the same machine: the network adds a request
each.
Seconds are those of the clock, from the first read of an instance to the last record in its cache;
"stalled" is the longest time for which the instance answered nothing meanwhile.
"""

import asyncio
import tempfile
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.real_packages import PACKAGES, by_dependents, packed, zipf
from shared.adapters.blob.package_pack import encode_pack
from shared.ports import PackagePack, PackedPackage
from shared.services.maintenance.write_package_pack import PACK_BYTES
from shared.services.packages.package_pack import memory_of_packed
from tests.fakes.azurite import missing
from tests.support.cloud_registry import MeteredRegistry, metered, other_instance

LIMIT_SECONDS = 2.0
REPEATS = 5
STALL_LOOK = 0.001
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
    packages = packed(list(by_dependents()), PACK_BYTES)
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


def _seconds(load: Loaded) -> float:
    return load.seconds


def share(packages: int) -> float:
    """Return the share of the pulls of so many packages."""
    weights = zipf(PACKAGES)
    return weights[packages - 1] / weights[-1]


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
        await instance.registry.packages.cache.load()
        seconds, looking = time.perf_counter() - began, False
        await looker
        return Loaded(seconds, max(stalls))


async def memory_taken(cloud: MeteredRegistry) -> int:
    """Return the bytes that an instance has more after loading."""
    async with other_instance(cloud) as instance:
        await instance.registry.adapters.edition.confirm()
        tracemalloc.start()
        await instance.registry.packages.cache.load()
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return taken


if __name__ == "__main__":
    asyncio.run(main())
