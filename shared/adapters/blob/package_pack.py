"""The pack of the packages that are pulled most: one blob, a line of JSON for each package.

The first line has the version of the format and the positions in the change feed. The lines are
compressed, and the checksum of the compression tells a damaged blob.
"""

import asyncio
import zlib
from collections.abc import Iterator, Mapping

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobClient
from pydantic import BaseModel, ValidationError

from shared.adapters.blob.client import BlobContainers, translate_blob_errors
from shared.adapters.paths import PACKAGE_PACK
from shared.domain.packages import Head, Release, ReleaseEntry, Survey
from shared.ports import PackagePack, PackedPackage, PackUnusable
from shared.runtime.caching import share_field_names

PACK_CONTAINER = "derived"  # Private: releases say who published them.
PACK_FORMAT = 1
LARGEST_UNPACKED_BYTES = 128 * 1024 * 1024  # Several times what the task packs.
COMPRESSION = 6


class BlobPackagePack:
    """The PackStore of a registry in the cloud."""

    def __init__(self, blobs: BlobContainers) -> None:
        self._blobs = blobs

    async def write(self, pack: PackagePack) -> None:
        content = await asyncio.to_thread(encode_pack, pack)
        with translate_blob_errors():
            await self._blob.upload_blob(content, overwrite=True)

    async def read(self) -> PackagePack | None:
        with translate_blob_errors():
            try:
                found = await self._blob.download_blob()
                content = await found.readall()
            except ResourceNotFoundError:
                return None
        # A line at a time in another thread, so that requests are answered in between.
        return await asyncio.to_thread(decode_pack, content)

    @property
    def _blob(self) -> BlobClient:
        return self._blobs.container(PACK_CONTAINER).get_blob_client(PACKAGE_PACK)


class _Header(BaseModel):
    format: int
    positions: Mapping[str, str]


class _Line(BaseModel):
    head: Head
    entries: tuple[ReleaseEntry, ...]
    releases: tuple[Release, ...]


_NO_OUTBOX = {"head": {"outbox"}, "releases": {"__all__": {"outbox"}}}


def encode_pack(pack: PackagePack) -> bytes:
    header = _Header(format=PACK_FORMAT, positions=pack.positions)
    lines = [header.model_dump_json(), *map(_encoded, pack.packages)]
    return zlib.compress("\n".join(lines).encode(), COMPRESSION)


def decode_pack(content: bytes) -> PackagePack:
    """Return the pack of a blob; raise `PackUnusable`."""
    lines = _lines(content)
    try:
        header = _Header.model_validate_json(next(lines))
        if header.format != PACK_FORMAT:
            message = f"it has format {header.format}, and this Ballroom reads {PACK_FORMAT}"
            raise PackUnusable(message)
        return PackagePack(header.positions, tuple(map(_decoded, lines)))
    except ValidationError as wrong:
        message = f"a line has {wrong.error_count()} mistakes"
        raise PackUnusable(message) from wrong


def _lines(content: bytes) -> Iterator[bytes]:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(content, LARGEST_UNPACKED_BYTES)
    except zlib.error as wrong:
        raise PackUnusable(str(wrong)) from wrong
    if not unpacker.eof:
        message = "it is cut off, or too large"
        raise PackUnusable(message)
    return iter(text.split(b"\n"))


def _encoded(package: PackedPackage) -> str:
    survey = package.survey
    line = _Line(head=survey.head, entries=survey.entries, releases=package.releases)
    return line.model_dump_json(exclude=_NO_OUTBOX)


def _decoded(text: bytes) -> PackedPackage:
    line = _Line.model_validate_json(text)
    for record in (line.head, *line.entries, *line.releases):
        share_field_names(record)
    return PackedPackage(Survey(line.head, line.entries), line.releases)
