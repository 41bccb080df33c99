"""What the stores of a place hold, and how a place is copied with all of it."""

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.storage.blob.aio import BlobClient, BlobServiceClient

from shared.adapters.blob.client import BLOB_CONTAINERS
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudDouble, copy_double, double_of, make_containers

RECORDS = ("packages", "tools", "accounts", "tokens", "events")  # Not `work`: it ends by itself.

SEARCH = "derived/search/"  # Made of the records, by whoever looks at them.

# What differs between two ways to the same state: versions, marks of writes, and last uses.
_PASSING = frozenset({"_etag", "_ts", "_rid", "_self", "_lsn", "mark", "revision"})


@dataclass(frozen=True)
class Contents:
    """All records that last, and the names of all blobs."""

    records: Mapping[str, Any]
    blobs: Set[str]


async def contents_of(place: Path) -> Contents:
    """Return what is stored at the place."""
    double = double_of(place, FakeClock())
    records = {
        f"{container.name}/{key}/{id_}": {
            name: value for name, value in item.items() if name not in _PASSING
        }
        for container in double.containers.values()
        if container.name in RECORDS
        for key, partition in container.partitions.items()
        for id_, item in partition.items.items()
    }
    return Contents(
        records, {name for name in await _blobs_of(place) if not name.startswith(SEARCH)}
    )


@dataclass(frozen=True)
class StoredBlob:
    """A blob of a place."""

    name: str  # With its container.
    content: bytes
    metadata: Mapping[str, str]


async def read_blobs(place: Path) -> list[StoredBlob]:
    """Read all blobs of the place."""
    connections = CloudDouble(place, FakeClock())
    async with connections.blobs() as client:
        names = await _blobs_of(place)
        return list(
            await asyncio.gather(*(_read(client, connections.prefix, name) for name in names))
        )


async def _read(client: BlobServiceClient, prefix: str, name: str) -> StoredBlob:
    found = await _blob(client, prefix, name).download_blob()
    return StoredBlob(name, await found.readall(), found.properties.metadata)


async def copy(source: Path, target: Path, blobs: Sequence[StoredBlob]) -> None:
    """Make a place that stores the records of another, and blobs."""
    target.mkdir()
    copy_double(source, target)
    connections = CloudDouble(target, FakeClock())
    await make_containers(connections)
    async with connections.blobs() as client:
        await asyncio.gather(
            *(
                _blob(client, connections.prefix, each.name).upload_blob(
                    each.content, metadata=dict(each.metadata)
                )
                for each in blobs
            )
        )


def _blob(client: BlobServiceClient, prefix: str, name: str) -> BlobClient:
    container, _, blob = name.partition("/")
    return client.get_blob_client(f"{prefix}{container}", blob)


async def _blobs_of(place: Path) -> list[str]:
    connections = CloudDouble(place, FakeClock())
    async with connections.blobs() as client:
        return [
            f"{name}/{blob.name}"
            for name in BLOB_CONTAINERS
            async for blob in client.get_container_client(
                f"{connections.prefix}{name}"
            ).list_blobs()
        ]
