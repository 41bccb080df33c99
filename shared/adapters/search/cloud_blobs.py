"""The search index in Blob Storage: a base is written once under a new name, and then the pointer
is changed to name it.

A crash in between leaves a base that the pointer does not name; it is deleted later.
"""

import asyncio
import gzip
import shutil
import zlib
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob.aio import BlobClient
from msgspec import Struct
from pydantic import TypeAdapter, ValidationError

from shared.adapters.blob.client import (
    SEARCH_PARTS,
    SEARCH_POINTER,
    BlobContainers,
    base_blob,
    search_part_made_ms,
    translate_blob_errors,
)
from shared.ports.system import Clock, Randomness

SEARCH_CONTAINER = "derived"
PIECE_BYTES = 1024 * 1024

# Runs once an hour at most: takes half a minute for 100,000 packages, and the result is a twelfth
# smaller than with the fastest level.
BASE_COMPRESSION = 6


@dataclass(frozen=True, slots=True)
class IndexPointer:
    """The current search index: a base, and where its changes begin.

    It has all changes up to the position `after` of the change feed; at `fed_ms` all later ones
    could be read.
    """

    schema: int  # The schema of the base; only instances that know it can search it.
    base: str  # The name of a blob that never changes.
    made_ms: int
    packages: int
    fed_ms: int
    after: str


class StoredPointer(Struct, frozen=True):
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
                if refused.status_code == HTTPStatus.NOT_MODIFIED:
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

    async def put_base(self, file: Path) -> str:
        """Store an index, compressed, and return its new name."""
        name = base_blob(self._clock.now_ms(), self._randomness.token_bytes(6).hex())
        packed = file.with_suffix(".packed")
        await asyncio.to_thread(_pack, file, packed)
        with packed.open("rb") as content, translate_blob_errors():
            await self._blob(name).upload_blob(content, overwrite=True)
        return name

    async def fetch_base(self, name: str, file: Path) -> None:
        """Write an index to a file; raise `Unreadable`."""
        packed = file.with_suffix(".packed")
        try:
            with packed.open("wb") as out, translate_blob_errors():
                found = await self._blob(name).download_blob()
                async for piece in found.chunks():
                    await asyncio.to_thread(out.write, piece)
            await asyncio.to_thread(_unpack, packed, file)
        except ResourceNotFoundError:
            message = f"{name} is not there"
            raise Unreadable(message) from None
        finally:
            packed.unlink(missing_ok=True)

    async def delete_unused(self, pointer: IndexPointer, before_ms: int) -> int:
        """Delete parts that were created before that time and that the pointer does not name."""
        deleted = 0
        with translate_blob_errors():
            listed = self._blobs.container(SEARCH_CONTAINER).list_blob_names(
                name_starts_with=SEARCH_PARTS
            )
            async for name in listed:
                if name not in (SEARCH_POINTER, pointer.base):
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

    def _blob(self, name: str) -> BlobClient:
        return self._blobs.container(SEARCH_CONTAINER).get_blob_client(name)


def _pack(file: Path, packed: Path) -> None:
    with file.open("rb") as content, gzip.open(packed, "wb", BASE_COMPRESSION) as out:
        shutil.copyfileobj(content, out, PIECE_BYTES)


def _unpack(packed: Path, file: Path) -> None:
    """Write the decompressed file; raise `Unreadable` unless it is whole."""
    try:
        with gzip.open(packed) as content, file.open("wb") as out:
            shutil.copyfileobj(content, out, PIECE_BYTES)
    except (OSError, EOFError, zlib.error) as wrong:
        message = "the base is not packed as it has to be"
        raise Unreadable(message) from wrong


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
