"""Stores and what they answered, as files: written once by one commit, read by all later ones.

The files hold what the stores hold and what clients said and read; no name of a module or a class.
"""

import base64
import io
import json
import lzma
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from azure.storage.blob import ContentSettings

from shared.adapters.blob.client import BLOB_CONTAINERS
from shared.adapters.cosmos.client import DATABASE
from tests.fakes.cosmos.containers import Partition
from tests.fakes.system import FakeClock
from tests.support.cloud_stores import CloudInMemory, double_of

HERE = Path(__file__).parent
FOLDER = HERE / "folder.tar.xz"
CLOUD = HERE / "cloud.json.xz"
ANSWERS = {"folder": HERE / "folder.answers.json.xz", "cloud": HERE / "cloud.answers.json.xz"}

_SETTINGS = ("content_type", "content_encoding", "content_disposition", "cache_control")


def write_json(file: Path, content: object) -> None:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, indent=0)
    file.write_bytes(lzma.compress(text.encode(), preset=9))


def read_json(file: Path) -> Any:
    return json.loads(lzma.decompress(file.read_bytes()))


# --- a data folder -----------------------------------------------------------------------------


def pack_folder(folder: Path, file: Path) -> None:
    """Write a data folder of a registry that does not run."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for each in sorted(folder.rglob("*")):
            archive.add(each, str(each.relative_to(folder)), recursive=False, filter=_plain)
    file.write_bytes(lzma.compress(buffer.getvalue(), preset=9))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def unpack_folder(file: Path, folder: Path) -> None:
    """Make a data folder of what was packed."""
    with tarfile.open(file, "r:xz") as archive:
        # Early releases of 3.11 know no filters, and others could change who may open the keys.
        archive.extraction_filter = lambda member, _: member
        archive.extractall(folder)  # noqa: S202


# --- stores of the cloud -----------------------------------------------------------------------


async def pack_cloud(folder: Path, file: Path) -> None:
    """Write all items and blobs of a place."""
    double = double_of(folder, FakeClock())
    items = {
        container.name: {
            "last": container.last,
            "partitions": {
                key: list(partition.items.values())
                for key, partition in container.partitions.items()
                if partition.items
            },
        }
        for container in double.containers.values()
    }
    write_json(file, {"items": items, "blobs": await _blobs(folder)})


async def _blobs(folder: Path) -> Mapping[str, Any]:
    connections = CloudInMemory(folder, FakeClock())
    found: dict[str, Any] = {}
    async with connections.blobs() as client:
        for name in BLOB_CONTAINERS:
            container = client.get_container_client(f"{connections.prefix}{name}")
            async for listed in container.list_blobs():
                blob = await container.get_blob_client(listed.name).download_blob()
                properties = blob.properties
                found[f"{name}/{listed.name}"] = {
                    "content": base64.b64encode(await blob.readall()).decode(),
                    "metadata": dict(properties.metadata or {}),
                    **{each: properties.content_settings.get(each) for each in _SETTINGS},
                }
    return found


async def unpack_cloud(file: Path, folder: Path, clock: FakeClock) -> None:
    """Make a place that stores what was packed."""
    packed = read_json(file)
    folder.mkdir()
    double = double_of(folder, clock)
    for name, stored in packed["items"].items():
        container = double.containers.get((DATABASE, name))
        if container is None:
            continue  # It stays in a deployment, and nothing reads it any more.
        container.last = stored["last"]
        for key, items in stored["partitions"].items():
            container.partitions[key] = Partition({item["id"]: item for item in items})
    connections = CloudInMemory(folder, clock)
    async with connections.blobs() as client:
        for path, stored in packed["blobs"].items():
            name, _, blob = path.partition("/")
            if name not in BLOB_CONTAINERS:
                continue
            await client.get_blob_client(f"{connections.prefix}{name}", blob).upload_blob(
                base64.b64decode(stored["content"]),
                metadata=stored["metadata"],
                content_settings=ContentSettings(**{each: stored[each] for each in _SETTINGS}),
            )
