"""The transparency log: entries a second through its writer, and whether its length matters.

It writes to files of a temporary folder, with fsync, as a registry on one machine does. An append
and a proof are measured at two sizes: what they take may grow with the number of levels of tiles
alone. `python -m bench.transparency_log 100000` takes another size than a million entries.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

from shared.adapters.embedded import EmbeddedStores, open_embedded
from shared.adapters.system import SystemClock, SystemRandomness
from shared.domain.transparency.log_states import PLACE_OF_STATE, LogState
from shared.services.leases import Leases
from shared.services.transparency.log_reader import LogReader
from shared.services.transparency.log_writer import LogWriter
from shared.services.transparency.published_checkpoints import PublishedCheckpoints
from shared.services.transparency.tile_reader import TileReader
from tests.fakes.transparency import FakeLeaves, FakeSeeds, NoCosigners, NoProofs

FEW = 1_000
MANY = 1_000_000
AIM_A_SECOND = 1_000
AIM_PROOF_MS = 10
ROUNDS = 200
LEAF_BYTES = 400  # The size of the leaf of a release by a CI job.


def leaf(number: int) -> bytes:
    return b'{"index":%d,"by":"' % number + b"x" * (LEAF_BYTES - 30) + b'"}'


class MeasuredLog:
    """A log in a folder, of leaves that are in memory."""

    def __init__(self, stores: EmbeddedStores) -> None:
        self.stores = stores
        self.leaves = FakeLeaves()
        leases = Leases(work=stores.work, clock=stores.clock, randomness=SystemRandomness())
        self.writer = LogWriter(
            origin="bench.example.org/log",
            files=stores.log_files,
            leaves=self.leaves,
            directory=stores.directory,
            seeds=FakeSeeds([bytes(32)]),
            cosigners=NoCosigners(),
            kept=PublishedCheckpoints(directory=stores.directory),
            proofs=NoProofs(),
            leases=leases,
            clock=stores.clock,
        )

    async def grow(self, size: int) -> float:
        """Write entries until there are so many; return the seconds."""
        start = len(self.leaves.entries)
        self.leaves.entries += [leaf(number) for number in range(start, size)]
        began = time.perf_counter()
        while await self.writer.write():
            state = await self.stores.directory.get(LogState, PLACE_OF_STATE)
            if state is not None and state.head.size >= size:
                break
        return time.perf_counter() - began

    async def appends(self) -> list[float]:
        """Return the milliseconds of runs that append one entry each."""
        return [await self.grow(len(self.leaves.entries) + 1) * 1_000 for _ in range(ROUNDS)]

    async def proofs(self) -> list[float]:
        """Return the milliseconds of proofs of entries anywhere, with nothing in memory."""
        numbers = random.Random(1)  # noqa: S311 - no secret.
        taken = list[float]()
        for _ in range(ROUNDS):
            tiles = TileReader(self.stores.log_files)
            reader = LogReader(self.stores.log_files, tiles, self.stores.directory)
            index = numbers.randrange(len(self.leaves.entries))
            began = time.perf_counter()
            state = await reader.state()
            assert state is not None
            proof = await reader.proof(state, index, self.leaves.entries[index])
            taken.append((time.perf_counter() - began) * 1_000)
            assert proof is not None
        return taken


async def measure(size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stores = open_embedded(Path(folder), SystemClock())
        stores.migrate()
        measured = MeasuredLog(stores)
        print(f"{'entries':>10} {'append, ms':>12} {'p99':>8} {'proof, ms':>12} {'p99':>8}")
        for each in (FEW, size):
            before = len(measured.leaves.entries)
            seconds = await measured.grow(each)
            rate = (each - before) / seconds
            appends = await measured.appends()
            proofs = await measured.proofs()
            print(f"{each:>10,} {_row(appends)} {_row(proofs)}")
        reached = "reached" if rate >= AIM_A_SECOND else "missed"
        print(f"{rate:,.0f} entries a second through the writer (aim {AIM_A_SECOND:,}: {reached})")
        typical = statistics.median(proofs)
        reached = "reached" if typical < AIM_PROOF_MS else "missed"
        print(f"a proof in {typical:.1f} ms (aim {AIM_PROOF_MS} ms: {reached})")
        stores.close()


def _row(milliseconds: list[float]) -> str:
    p99 = statistics.quantiles(milliseconds, n=100, method="inclusive")[98]
    return f"{statistics.median(milliseconds):>12.2f} {p99:>8.2f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", nargs="?", type=int, default=MANY)
    asyncio.run(measure(parser.parse_args().size))
