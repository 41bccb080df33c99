"""The parts of a search index in Blob Storage: written once under new names, then pointed at.

Whoever crashes in between leaves a part that nobody points at, which a sweep removes.
"""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob.aio import BlobClient

from shared.adapters.blob.connecting import Blobs, answered
from shared.adapters.cloud_search.deltas import LIMIT, Delta, packed, unpacked
from shared.adapters.cloud_search.pointer import Part, Pointer, Unreadable, read, written
from shared.adapters.paths import (
    SEARCH_PARTS,
    SEARCH_POINTER,
    base_blob,
    delta_blob,
    search_part_made_ms,
)
from shared.ports import Clock, Randomness

CONTAINER = "derived"
PIECE_BYTES = 1024 * 1024
LARGEST_BASE = 1024 * 1024 * 1024  # Unpacked: more than the disk of an instance holds.
SLACK_BYTES = 64 * 1024  # A small index packs as it likes.

# Once an hour at most: half a minute for 100,000 packages, and a twelfth less than the fastest.
COMPRESSION = 6

_NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class Found:
    """The pointer, and the version by which it is changed."""

    pointer: Pointer
    etag: str


class Unchanged(Exception):
    """The pointer is still at the version that is known."""


class SearchBlobs:
    """The parts of the search index and the pointer to them."""

    def __init__(self, blobs: Blobs, clock: Clock, randomness: Randomness) -> None:
        """Keep them in the container `derived`, which is private."""
        self._blobs = blobs
        self._clock = clock
        self._randomness = randomness

    async def pointer(self, known: str = "") -> Found | None:
        """Return the pointer, or None where nothing was built yet; raise `Unchanged` if it is at
        the known version, and `Unreadable`."""
        condition: dict[str, Any] = (
            {"etag": known, "match_condition": MatchConditions.IfModified} if known else {}
        )
        blob: Any = self._blob(SEARCH_POINTER)  # Its overloads are one for each encoding.
        with answered():
            try:
                found = await blob.download_blob(**condition)
                return Found(read(await found.readall()), found.properties.etag)
            except ResourceNotFoundError:
                return None
            except HttpResponseError as refused:
                if refused.status_code == _NOT_MODIFIED:
                    raise Unchanged from None
                raise

    async def etag(self) -> str:
        """Return the version of the pointer, readable or not; empty where there is none."""
        with answered():
            try:
                found: Any = await self._blob(SEARCH_POINTER).get_blob_properties()
            except ResourceNotFoundError:
                return ""
        return found.etag

    async def flip(self, pointer: Pointer, over: str) -> bool:
        """Point at these parts if the pointer is still at that version; say if it was."""
        condition: dict[str, Any] = (
            {"etag": over, "match_condition": MatchConditions.IfNotModified} if over else {}
        )
        with answered():
            try:
                await self._blob(SEARCH_POINTER).upload_blob(
                    BytesIO(written(pointer)), overwrite=bool(over), **condition
                )
            except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
                return False
        return True

    async def put_delta(self, delta: Delta) -> Part:
        """Store a delta under a new name."""
        content = await asyncio.to_thread(packed, delta)
        name = delta_blob(self._clock.now_ms(), self._mark())
        with answered():
            await self._blob(name).upload_blob(BytesIO(content), overwrite=True)
        return Part(name, len(content), hashlib.sha256(content).hexdigest())

    async def delta(self, part: Part) -> Delta:
        """Return a delta; raise `Unreadable`."""
        if part.size_bytes > LIMIT + SLACK_BYTES:
            message = f"the delta has {part.size_bytes} bytes"
            raise Unreadable(message)
        content = b"".join([piece async for piece in self._pieces(part)])
        return await asyncio.to_thread(unpacked, content)

    async def put_base(self, file: Path) -> Part:
        """Store an index under a new name, packed piece by piece."""
        packing = _Packing(file)
        name = base_blob(self._clock.now_ms(), self._mark())
        with answered():
            await self._blob(name).upload_blob(packing.pieces(), overwrite=True)
        return Part(name, packing.size_bytes, packing.hash.hexdigest())

    async def fetch_base(self, part: Part, file: Path) -> None:
        """Write an index to a file, unpacked piece by piece; raise `Unreadable`."""
        unpacker, size = zlib.decompressobj(), 0
        with file.open("wb") as out:
            async for piece in self._pieces(part):
                size += await asyncio.to_thread(_unpack, unpacker, piece, out)
                if size > LARGEST_BASE:
                    message = f"the base is larger than {LARGEST_BASE} bytes"
                    raise Unreadable(message)
            out.write(unpacker.flush())
        if not unpacker.eof:
            message = "the base ends in the middle"
            raise Unreadable(message)

    async def sweep(self, pointer: Pointer, before_ms: int) -> int:
        """Remove parts that were made before that time and that nobody points at."""
        swept = 0
        with answered():
            listed = self._blobs.container(CONTAINER).list_blob_names(name_starts_with=SEARCH_PARTS)
            async for name in listed:
                if name != SEARCH_POINTER and name not in pointer.names:
                    swept += await self._removed(name, before_ms)
        return swept

    async def _removed(self, name: str, before_ms: int) -> bool:
        if search_part_made_ms(name) >= before_ms:
            return False
        try:
            await self._blob(name).delete_blob()
        except ResourceNotFoundError:
            return False
        return True

    async def _pieces(self, part: Part) -> AsyncIterator[bytes]:
        """Yield the bytes of a part; raise `Unreadable` in the end if they are not those."""
        digest, size = hashlib.sha256(), 0
        try:
            with answered():
                found = await self._blob(part.name).download_blob()
                async for piece in found.chunks():
                    digest.update(piece)
                    size += len(piece)
                    yield piece
        except ResourceNotFoundError:
            message = f"{part.name} is not there"
            raise Unreadable(message) from None
        if (size, digest.hexdigest()) != (part.size_bytes, part.digest):
            message = f"{part.name} is damaged: {size} bytes of {part.size_bytes}"
            raise Unreadable(message)

    def _mark(self) -> str:
        return self._randomness.token_bytes(6).hex()

    def _blob(self, name: str) -> BlobClient:
        return self._blobs.container(CONTAINER).get_blob_client(name)


class _Packing:
    """A file, packed while it is read."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.hash = hashlib.sha256()
        self.size_bytes = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the packed bytes; what they are is known in the end."""
        packer = zlib.compressobj(COMPRESSION)
        with self._file.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                yield self._noted(await asyncio.to_thread(packer.compress, piece))
        yield self._noted(packer.flush())

    def _noted(self, piece: bytes) -> bytes:
        self.hash.update(piece)
        self.size_bytes += len(piece)
        return piece


def _unpack(unpacker: Any, piece: bytes, out: BinaryIO) -> int:
    """Write what the piece holds, little by little: nobody knows how much that is."""
    size = 0
    try:
        while piece:
            size += out.write(unpacker.decompress(piece, PIECE_BYTES))
            piece = unpacker.unconsumed_tail
    except zlib.error as wrong:
        message = "the base is not packed as it has to be"
        raise Unreadable(message) from wrong
    return size
