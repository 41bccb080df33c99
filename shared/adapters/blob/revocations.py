"""The list of revocations as blobs, beside the snapshots: a blob for each write until they are
compacted. It outlives the database, which is restored to an account of its own."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from shared.adapters.blob.client import BlobContainers, translate_blob_errors
from shared.domain.revocations import Revocation, from_lines, to_lines

_CONTAINER = "backups"
_PREFIX = "revocations/"
_ALL = f"{_PREFIX}all.jsonl"
_READ_AT_ONCE = 32


class BlobRevocations:
    """The RevocationStore of a registry in the cloud."""

    def __init__(self, blobs: BlobContainers) -> None:
        self._blobs = blobs

    async def add(self, revocations: Sequence[Revocation]) -> None:
        # Others may add fewer or more of the same outbox, so each such list has a name of its own.
        first = revocations[0]
        last = revocations[-1]
        name = f"{_PREFIX}{first.at_ms}-{first.event[:32]}-{last.event[:32]}.jsonl"
        with translate_blob_errors():
            await self._blobs.container(_CONTAINER).upload_blob(
                name, to_lines(revocations), overwrite=True
            )

    async def read(self) -> list[Revocation]:
        return await self._read(await self._names())

    async def compact(self) -> None:
        """Write all entries to one blob, and delete those that it has, unless another process does
        the same."""
        etag = await self._etag()
        names = await self._names()
        unique = {each.event + each.id: each for each in await self._read(names)}
        if not unique:
            return
        condition: dict[str, Any] = (
            {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
        )
        container = self._blobs.container(_CONTAINER)
        lines = to_lines(list(unique.values()))
        with translate_blob_errors():
            try:
                await container.upload_blob(_ALL, lines, overwrite=bool(etag), **condition)
            except (ResourceExistsError, ResourceModifiedError):
                return
            for name in names:
                if name != _ALL:
                    with suppress(ResourceNotFoundError):
                        await container.delete_blob(name)

    async def _etag(self) -> str:
        blob = self._blobs.container(_CONTAINER).get_blob_client(_ALL)
        with translate_blob_errors(), suppress(ResourceNotFoundError):
            found: Any = await blob.get_blob_properties()
            return found.etag
        return ""

    async def _names(self) -> list[str]:
        with translate_blob_errors():
            found = self._blobs.container(_CONTAINER).list_blob_names(name_starts_with=_PREFIX)
            return [name async for name in found]

    async def _read(self, names: Sequence[str]) -> list[Revocation]:
        """Return the entries of the blobs, and then the entries of the compacted blob, which has
        those of blobs that were deleted meanwhile."""
        found = list[Revocation]()
        for start in range(0, len(names), _READ_AT_ONCE):
            together = [each for each in names[start : start + _READ_AT_ONCE] if each != _ALL]
            parts = await asyncio.gather(*map(self._one, together))
            found += [each for part in parts for each in from_lines(part)]
        return [*found, *from_lines(await self._one(_ALL))]

    async def _one(self, name: str) -> bytes:
        with translate_blob_errors(), suppress(ResourceNotFoundError):
            found = await self._blobs.container(_CONTAINER).download_blob(name)
            return await found.readall()
        return b""
