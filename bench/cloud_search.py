"""Search in the cloud: what a base takes to make, to store and to load, by its packages.

The packages are invented and have long readmes of words that nobody packs well; those of the real
index are printed beside them. Blobs are in Azurite on the same machine. Seconds are those of the
processor: they say what the code costs, whatever else the machine does, and nothing of the network.
Each load is a process of its own, whose memory is told apart.
`python -m bench.cloud_search 10000` measures that many packages alone.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob.aio import BlobServiceClient
from pydantic import TypeAdapter

from bench.search import real
from bench.synthetic_packages import Synthetic
from shared.adapters.blob.client import BLOB_CLIENT_OPTIONS, BlobContainers
from shared.adapters.cloud_search.copies import MOST_CHANGES, IndexCopy
from shared.adapters.cloud_search.index import FIRST_COPY_TIMEOUT
from shared.adapters.cloud_search.parts import (
    SEARCH_CONTAINER,
    IndexPart,
    SearchBlobs,
)
from shared.adapters.cosmos.listings import ListingChange
from shared.adapters.search.stored_listings import excerpt
from shared.adapters.system import SystemClock, SystemRandomness
from shared.domain.listings import Listing
from shared.domain.search import ANYONE, Query, ResultPage
from tests.fakes.azurite import azurite, missing
from tests.paths import ROOT

SIZES = (10_000, 100_000)
SEARCHES = ("client", "kafka", "srevice", "org:acme", "data api", "")
REPEATS = 5

BASE_LIMIT_MB = 200  # As stored, for 100,000 packages.
MEMORY_LIMIT_MB = 200  # Of an instance, in infra/modules/functions.bicep.

_LISTING = TypeAdapter(Listing)


@dataclass
class Figures:
    """The measurements of one size."""

    build_s: float = 0
    pack_s: float = 0
    file_mb: float = 0
    base_mb: float = 0
    load_s: float = 0
    changes_s: float = 0
    memory_mb: float = 0
    p99_ms: float = 0


async def main(sizes: Sequence[int]) -> None:
    """Print a line for each size, and the limits below."""
    if reason := missing():
        print(f"Nothing is measured: {reason}.")
        return
    heads = ("build s", "pack s", "file MB", "base MB", "load s", "changes s", "MB RAM")
    print(f"{'packages':>16}{''.join(f'{head:>9}' for head in (*heads, 'p99 ms'))}")
    with azurite() as address:
        for name, listings in _sources(sizes):
            figures = await _measured(address, listings)
            print(f"{name:>16}{''.join(f'{each:>9,.1f}' for each in asdict(figures).values())}")
    limits = (
        "",
        "",
        "",
        BASE_LIMIT_MB,
        FIRST_COPY_TIMEOUT.seconds,
        "",
        MEMORY_LIMIT_MB,
        "",
    )
    print(f"{'limit':>16}{''.join(f'{each:>9}' for each in limits)}")


def _sources(sizes: Sequence[int]) -> Iterator[tuple[str, Iterator[Listing]]]:
    yield "real", _newest(real())
    for size in sizes:
        yield f"{size:,}", Synthetic().listings(size)


def _newest(listings: Iterator[Listing]) -> Iterator[Listing]:
    yield from {listing.head.package.key: listing for listing in listings}.values()


async def _measured(address: str, listings: Iterator[Listing]) -> Figures:
    figures = Figures()
    async with _parts(address) as parts:
        with tempfile.TemporaryDirectory() as folder:
            base = await _base(parts, Path(folder) / "search.db", listings, figures)
    loaded = subprocess.run(
        [sys.executable, "-m", "bench.cloud_search", "load", address, json.dumps(asdict(base))],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name, value in json.loads(loaded.stdout).items():
        setattr(figures, name, value)
    return figures


async def _base(
    parts: SearchBlobs, file: Path, listings: Iterator[Listing], figures: Figures
) -> IndexPart:
    copy = IndexCopy(file)
    copy.create()
    began = time.process_time()
    batch: list[ListingChange] = []
    for listing in listings:
        batch.append(_change(listing, 1))
        if len(batch) == 1_000:
            await copy.apply(batch)
            batch = []
    await copy.apply(batch)
    await copy.compact()
    figures.build_s, began = time.process_time() - began, time.process_time()
    base = await parts.put_base(file)
    figures.pack_s = time.process_time() - began
    figures.file_mb, figures.base_mb = file.stat().st_size / 1e6, base.size_bytes / 1e6
    return base


def _change(listing: Listing, revision: int) -> ListingChange:
    body = _LISTING.dump_python(excerpt(listing), mode="json")
    return ListingChange(listing.head.package.key, revision, body)


@asynccontextmanager
async def _parts(address: str) -> AsyncGenerator[SearchBlobs]:
    def connect() -> BlobServiceClient:
        return BlobServiceClient.from_connection_string(address, **BLOB_CLIENT_OPTIONS)

    blobs = BlobContainers(connect)
    with suppress(ResourceExistsError):
        await blobs.container(SEARCH_CONTAINER).create_container()
    yield SearchBlobs(blobs, SystemClock(), SystemRandomness())
    await blobs.close()


# --- loading, in a process of its own ----------------------------------------------------------


async def load(address: str, base: IndexPart) -> None:
    """Load a base, apply the most changes, search, and print what that took as JSON."""
    before = _memory_mb()
    changes = [_change(each, 2) for each in Synthetic().listings(MOST_CHANGES)]
    with tempfile.TemporaryDirectory() as folder:
        async with _parts(address) as parts:
            began = time.process_time()
            file = Path(folder) / "search.db"
            await parts.fetch_base(base, file)
            copy = IndexCopy(file)
            await copy.check()
            load_s, began = time.process_time() - began, time.process_time()
            await copy.apply(changes)
            changes_s = time.process_time() - began
        times = [await _timed(copy, text) for text in SEARCHES for _ in range(REPEATS * 4)]
        copy.close()
    told = {"load_s": load_s, "changes_s": changes_s, "memory_mb": _memory_mb() - before}
    print(json.dumps({**told, "p99_ms": statistics.quantiles(times, n=100)[98] * 1000}))


async def _timed(copy: IndexCopy, text: str) -> float:
    began = time.process_time()
    await copy.search(Query.parse(text), ResultPage(), ANYONE)
    return time.process_time() - began


def _memory_mb() -> float:
    """Return the most memory that this process has had; the system's own account of it begins with
    that of the process that started this one."""
    status = Path("/proc/self/status").read_text()
    [line] = [each for each in status.splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["load", address, base]:
            asyncio.run(load(address, IndexPart(**json.loads(base))))
        case sizes:
            asyncio.run(main([int(each) for each in sizes] or SIZES))
