"""What the stores of a place hold, and how a place is copied with all of it."""

import asyncio
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.storage.blob.aio import BlobServiceClient

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


async def copy(source: Path, target: Path) -> None:
    """Make a place that stores the same."""
    target.mkdir()
    copy_double(source, target)
    connections = CloudDouble(target, FakeClock())
    await make_containers(connections)
    names = await _blobs_of(source)
    if names:
        async with connections.blobs() as client:
            await asyncio.gather(*(_copy_blob(client, source, target, name) for name in names))


async def _copy_blob(client: BlobServiceClient, source: Path, target: Path, name: str) -> None:
    container, _, blob = name.partition("/")
    prefixes = [CloudDouble(place, FakeClock()).prefix for place in (source, target)]
    here, there = (client.get_blob_client(f"{each}{container}", blob) for each in prefixes)
    found = await here.download_blob()
    await there.upload_blob(await found.readall(), metadata=found.properties.metadata)


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
