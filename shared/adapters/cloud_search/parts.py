"""The search index in Blob Storage: a base is written once under a new name, and then the pointer
is changed to name it.

A crash in between leaves a base that the pointer does not name; it is deleted later.
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
from pydantic import TypeAdapter, ValidationError

from shared.adapters.blob.client import (
    SEARCH_PARTS,
    SEARCH_POINTER,
    BlobContainers,
    base_blob,
    search_part_made_ms,
    translate_blob_errors,
)
from shared.ports import Clock, Randomness

SEARCH_CONTAINER = "derived"
PIECE_BYTES = 1024 * 1024
LARGEST_BASE_BYTES = 1024 * 1024 * 1024  # Unpacked: more than the disk of an instance holds.
SLACK_BYTES = 64 * 1024  # Compression may enlarge a small index.

# Runs once an hour at most: takes half a minute for 100,000 packages, and the result is a twelfth
# smaller than with the fastest level.
BASE_COMPRESSION = 6

_NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class IndexPart:
    """A blob that never changes: its name, size and SHA-256."""

    name: str
    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class IndexPointer:
    """The current search index: a base, and where its changes begin.

    It has all changes up to the position `after` of the change feed; at `fed_ms` all later ones
    could be read.
    """

    schema: int  # Of the base; only instances that know this schema can search it.
    base: IndexPart
    made_ms: int
    packages: int
    fed_ms: int
    after: str


@dataclass(frozen=True, slots=True)
class StoredPointer:
    """The pointer, and its version for conditional writes."""

    pointer: IndexPointer
    etag: str


class PointerUnchanged(Exception):
    """The pointer still has the known version."""


class SearchBlobs:
    """The parts of the search index and the pointer to them."""

    def __init__(self, blobs: BlobContainers, clock: Clock, randomness: Randomness) -> None:
        self._blobs = blobs
        self._clock = clock
        self._randomness = randomness

    async def pointer(self, known: str = "") -> StoredPointer | None:
        """Return the pointer, or None if there is no index yet; raise `PointerUnchanged` if it has
        the known version, or `Unreadable`."""
        condition: dict[str, Any] = (
            {"etag": known, "match_condition": MatchConditions.IfModified} if known else {}
        )
        blob: Any = self._blob(SEARCH_POINTER)  # Its types have an overload for each encoding.
        with translate_blob_errors():
            try:
                found = await blob.download_blob(**condition)
                return StoredPointer(read_pointer(await found.readall()), found.properties.etag)
            except ResourceNotFoundError:
                return None
            except HttpResponseError as refused:
                if refused.status_code == _NOT_MODIFIED:
                    raise PointerUnchanged from None
                raise

    async def etag(self) -> str:
        """Return the version of the pointer, even of an unreadable one; empty if there is none."""
        with translate_blob_errors():
            try:
                found: Any = await self._blob(SEARCH_POINTER).get_blob_properties()
            except ResourceNotFoundError:
                return ""
        return found.etag

    async def replace_pointer(self, pointer: IndexPointer, etag: str) -> bool:
        """Store the pointer if the stored one still has that version; return whether it had."""
        condition: dict[str, Any] = (
            {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
        )
        with translate_blob_errors():
            try:
                await self._blob(SEARCH_POINTER).upload_blob(
                    BytesIO(write_pointer(pointer)), overwrite=bool(etag), **condition
                )
            except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
                return False
        return True

    async def put_base(self, file: Path) -> IndexPart:
        """Store an index under a new name, compressed piece by piece."""
        compressed = _CompressedFile(file)
        name = base_blob(self._clock.now_ms(), self._random_suffix())
        with translate_blob_errors():
            await self._blob(name).upload_blob(compressed.pieces(), overwrite=True)
        return IndexPart(name, compressed.size_bytes, compressed.hash.hexdigest())

    async def fetch_base(self, part: IndexPart, file: Path) -> None:
        """Write an index to a file, decompressed piece by piece; raise `Unreadable`."""
        unpacker, size = zlib.decompressobj(), 0
        with file.open("wb") as out:
            async for piece in self._pieces(part):
                size += await asyncio.to_thread(_unpack, unpacker, piece, out)
                if size > LARGEST_BASE_BYTES:
                    message = f"the base is larger than {LARGEST_BASE_BYTES} bytes"
                    raise Unreadable(message)
            out.write(unpacker.flush())
        if not unpacker.eof:
            message = "the base ends in the middle"
            raise Unreadable(message)

    async def delete_unused(self, pointer: IndexPointer, before_ms: int) -> int:
        """Delete parts that were created before that time and that the pointer does not name."""
        deleted = 0
        with translate_blob_errors():
            listed = self._blobs.container(SEARCH_CONTAINER).list_blob_names(
                name_starts_with=SEARCH_PARTS
            )
            async for name in listed:
                if name not in (SEARCH_POINTER, pointer.base.name):
                    deleted += await self._delete_if_older(name, before_ms)
        return deleted

    async def _delete_if_older(self, name: str, before_ms: int) -> bool:
        if search_part_made_ms(name) >= before_ms:
            return False
        try:
            await self._blob(name).delete_blob()
        except ResourceNotFoundError:
            return False
        return True

    async def _pieces(self, part: IndexPart) -> AsyncIterator[bytes]:
        """Yield the bytes of a part; raise `Unreadable` at the end if size or digest differ."""
        digest, size = hashlib.sha256(), 0
        try:
            with translate_blob_errors():
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

    def _random_suffix(self) -> str:
        return self._randomness.token_bytes(6).hex()

    def _blob(self, name: str) -> BlobClient:
        return self._blobs.container(SEARCH_CONTAINER).get_blob_client(name)


class _CompressedFile:
    """A file that is compressed while it is read."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.hash = hashlib.sha256()
        self.size_bytes = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the compressed bytes; `hash` and `size_bytes` are complete at the end."""
        packer = zlib.compressobj(BASE_COMPRESSION)
        with self._file.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                yield self._count(await asyncio.to_thread(packer.compress, piece))
        yield self._count(packer.flush())

    def _count(self, piece: bytes) -> bytes:
        self.hash.update(piece)
        self.size_bytes += len(piece)
        return piece


def _unpack(unpacker: Any, piece: bytes, out: BinaryIO) -> int:
    """Write the decompressed piece in small steps, because its size is unknown."""
    size = 0
    try:
        while piece:
            size += out.write(unpacker.decompress(piece, PIECE_BYTES))
            piece = unpacker.unconsumed_tail
    except zlib.error as wrong:
        message = "the base is not packed as it has to be"
        raise Unreadable(message) from wrong
    return size


class Unreadable(Exception):
    """A part of the index is invalid; the text is the reason, for the log."""


class IndexNotBuilt(Unreadable):
    """The registry has no search index yet."""


_POINTER = TypeAdapter(IndexPointer)


def write_pointer(pointer: IndexPointer) -> bytes:
    return _POINTER.dump_json(pointer)


def read_pointer(content: bytes) -> IndexPointer:
    """Return the pointer of a blob; raise `Unreadable`."""
    try:
        return _POINTER.validate_json(content)
    except ValidationError as wrong:
        message = f"the pointer has {wrong.error_count()} mistakes"
        raise Unreadable(message) from wrong
