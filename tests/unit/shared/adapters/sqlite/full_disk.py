"""Fill the stores until the system has no room, and print what becomes of each write.

A limit of the process on the size of its files stands for the disk, so this runs by itself.
"""

import asyncio
import resource
import sys
from pathlib import Path

from shared.adapters.embedded import EmbeddedStores, open_embedded
from shared.adapters.system import SystemClock
from shared.domain.errors.requests import StorageFull
from shared.domain.packages import Graph, Texts, Visibility
from tests.contract.sample_records import named

LIMIT_BYTES = 2_000_000


async def main(data: Path) -> None:
    """Store something small, then too much, then read."""
    stores = open_embedded(data, SystemClock())
    stores.migrate()
    name = named(b"small")
    await stores.documents.put(name.digest, Texts(readme="small"), Graph())
    await stores.archives.put(name, b"small", Visibility.PUBLIC)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))
    await fill(stores)
    texts, archive = await stores.documents.texts(name.digest), await stores.archives.read(name)
    left = [*(data / "archives" / "tmp").iterdir()]
    if texts.readme == "small" and archive == b"small" and not left:
        sys.stdout.write("readable\n")
    stores.close()


async def fill(stores: EmbeddedStores) -> None:
    """Store a document and an archive that are too large."""
    name = named(b"large")
    try:
        await stores.documents.put(name.digest, Texts(readme="x" * 2 * LIMIT_BYTES), Graph())
    except StorageFull:
        sys.stdout.write("StorageFull\n")
    try:
        await stores.archives.put(name, bytes(2 * LIMIT_BYTES), Visibility.PUBLIC)
    except StorageFull:
        sys.stdout.write("StorageFull\n")


asyncio.run(main(Path(sys.argv[1])))
