"""All bytes that a registry of a test stored, in either kind of place."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from tests.support.storage import IN_THE_CLOUD

KEYS = "keys"  # The folder where keys belong.


def bytes_of_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files below a folder with their content, unpacked where they are compressed; keys
    are left out."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if file.is_file() and KEYS not in name.parts:
            content = file.read_bytes()
            yield str(name), gzip.decompress(content) if file.suffix == ".gz" else content


def stored_bytes(data: Path) -> dict[str, bytes]:
    """Return what a registry stored, by the name of a file, container or blob."""
    if not IN_THE_CLOUD:
        return dict(bytes_of_files(data))
    from tests.fakes.system import FakeClock
    from tests.support.cloud_stores import blob_double_at, double_of

    found = dict[str, bytes]()
    for name, container in double_of(data, FakeClock()).containers.items():
        parts = [list(each.items.values()) for each in container.partitions.values()]
        found["/".join(name)] = json.dumps(parts).encode()
    for name, blobs in blob_double_at(data).containers.items():
        for blob, stored in blobs.items():
            content = stored.content
            found[f"{name}/{blob}"] = gzip.decompress(content) if blob.endswith(".gz") else content
    return found
