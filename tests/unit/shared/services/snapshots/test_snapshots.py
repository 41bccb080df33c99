"""Packing and unpacking of snapshots, and the snapshots in a store."""

import asyncio
import gzip
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import dataclass, field
from random import Random

import pytest

from shared.domain.snapshots import (
    MANIFEST_FILE,
    PACKAGES,
    SnapshotManifest,
    SnapshotUnusable,
    to_line,
)
from shared.services.snapshots.snapshots import (
    LINES_AT_ONCE,
    PIECE_BYTES,
    CompressedFile,
    StoredSnapshots,
)
from tests.contract.sample_records import head


async def stream(items: Iterable[bytes]) -> AsyncGenerator[bytes]:
    for item in items:
        yield item


async def gathered(pieces: AsyncIterator[bytes]) -> list[bytes]:
    return [piece async for piece in pieces]


async def test_a_large_stream_is_passed_on_in_pieces() -> None:
    random = Random("packing")  # noqa: S311 - it does not pack, that is all.
    lines = [random.randbytes(20_000).hex().encode() + b"\n" for _ in range(50)]
    compressed = CompressedFile("a")
    pieces = await gathered(compressed.pack(stream(lines)))
    assert len(pieces) > 3
    assert all(len(piece) < 2 * PIECE_BYTES for piece in pieces)
    assert gzip.decompress(b"".join(pieces)) == b"".join(lines)
    again = CompressedFile("a")
    assert await gathered(again.unpack(stream(pieces))) == [line[:-1] for line in lines]
    assert again.part() == compressed.part()
    assert (compressed.part().lines, compressed.part().bytes) == (50, len(b"".join(pieces)))


async def test_others_have_their_turn_every_hundred_lines() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(others())
    await gathered(CompressedFile("a").pack(stream([b"a\n"] * 5 * LINES_AT_ONCE)))
    running.cancel()
    assert turns == 5


@dataclass
class Files:
    """A store of snapshots in memory, which may stop after some deletions."""

    content: dict[str, bytes] = field(default_factory=dict[str, bytes])
    deleted: list[str] = field(default_factory=list[str])

    async def write(self, name: str, pieces: AsyncIterator[bytes]) -> None:
        self.content[name] = b"".join([piece async for piece in pieces])

    async def read(self, name: str) -> AsyncGenerator[bytes]:
        yield self.content.get(name, b"")

    async def list(self) -> list[str]:
        return list(self.content)

    async def delete(self, name: str) -> None:
        self.deleted.append(name)
        del self.content[name]


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def shelf(files: Files) -> StoredSnapshots:
    return StoredSnapshots(files)


async def taken(files: Files, name: str, line: bytes = to_line(head())) -> None:
    """Store a snapshot of one package."""
    compressed = CompressedFile(PACKAGES)
    await files.write(f"{name}/{PACKAGES}", compressed.pack(stream([line])))
    manifest = SnapshotManifest(name=name, begun_ms=1, ended_ms=2, parts=(compressed.part(),))
    await files.write(f"{name}/{MANIFEST_FILE}", stream([manifest.model_dump_json().encode()]))


async def test_a_file_with_its_checksum_but_no_record_in_it_is_refused(
    files: Files, shelf: StoredSnapshots
) -> None:
    await taken(files, "20260101", b"no record\n")
    with pytest.raises(SnapshotUnusable, match="no record of this version"):
        await shelf.verify("20260101")


async def test_manifests_are_removed_first_so_that_no_snapshot_is_half_there(
    files: Files, shelf: StoredSnapshots
) -> None:
    for name in ("20260101", "20260102", "20260103"):
        await taken(files, name)
    await shelf.remove({"20260101", "20260103"})
    assert [name.partition("/")[2] for name in files.deleted[:2]] == [MANIFEST_FILE, MANIFEST_FILE]
    assert [manifest.name for manifest in await shelf.manifests()] == ["20260102"]
    assert sorted(files.content) == [f"20260102/{MANIFEST_FILE}", f"20260102/{PACKAGES}"]
