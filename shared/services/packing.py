"""Packing: lines into compressed files and back, piece by piece, so that memory stays bounded."""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from shared.domain.snapshots import Part, SnapshotUnusable

PIECE = 256 * 1024  # Bytes that are handed over at once.
LINES_AT_ONCE = 100  # Then others have their turn: a line takes some forty microseconds.

_GZIP = 31  # What zlib calls the format of gzip files.


class Packing:
    """Packs or unpacks one file, and notes what it is."""

    def __init__(self, name: str) -> None:
        """Begin the file."""
        self._name = name
        self._lines = 0
        self._bytes = 0
        self._hash = hashlib.sha256()

    async def pack(self, lines: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        """Yield the file of these lines, in pieces."""
        packer, waiting = zlib.compressobj(wbits=_GZIP), bytearray()
        async for line in lines:
            await self._count()
            waiting += packer.compress(line)
            if len(waiting) >= PIECE:
                yield self._noted(bytes(waiting))
                waiting.clear()
        yield self._noted(bytes(waiting) + packer.flush())

    async def unpack(self, pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        """Yield the lines of a file; raise `SnapshotUnusable` for what was not packed here."""
        unpack, rest = zlib.decompressobj(wbits=_GZIP).decompress, b""
        async for piece in pieces:
            *lines, rest = (rest + self._unpacked(unpack, piece)).split(b"\n")
            for line in lines:
                await self._count()
                yield line

    def part(self) -> Part:
        """Return what the file is, when all of it has passed."""
        digest = self._hash.hexdigest()
        return Part(name=self._name, lines=self._lines, bytes=self._bytes, sha256=digest)

    async def _count(self) -> None:
        self._lines += 1
        if self._lines % LINES_AT_ONCE == 0:
            await asyncio.sleep(0)

    def _noted(self, piece: bytes) -> bytes:
        self._bytes += len(piece)
        self._hash.update(piece)
        return piece

    def _unpacked(self, unpack: Callable[[bytes], bytes], piece: bytes) -> bytes:
        try:
            return unpack(self._noted(piece))
        except zlib.error:
            message = f"{self._name} of the snapshot is damaged. Take another snapshot."
            raise SnapshotUnusable(message) from None
