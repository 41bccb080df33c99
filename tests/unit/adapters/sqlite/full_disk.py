"""Fill the stores until the system has no room, and print what becomes of each write.

A limit of the process on the size of its files stands for the disk, so this runs by itself.
"""

import asyncio
import resource
import sys
from pathlib import Path

from shared.adapters.embedded import Embedded, open_embedded
from shared.adapters.system import SystemClock
from shared.domain.digest import Digest
from shared.domain.errors import StorageFull
from shared.domain.package import Graph, Texts

LIMIT_BYTES = 2_000_000


async def main(data: Path) -> None:
    """Store something small, then too much, then read."""
    stores = open_embedded(data, SystemClock())
    stores.migrate()
    small = Digest.of(b"small")
    await stores.documents.put(small, Texts(readme="small"), Graph())
    await stores.archives.put(small, b"small")
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))
    await fill(stores)
    texts, archive = await stores.documents.texts(small), await stores.archives.read(small)
    left = [*(data / "archives" / "tmp").iterdir()]
    if texts.readme == "small" and archive == b"small" and not left:
        sys.stdout.write("readable\n")
    stores.close()


async def fill(stores: Embedded) -> None:
    """Store a document and an archive that are too large."""
    large = Digest.of(b"large")
    try:
        await stores.documents.put(large, Texts(readme="x" * 2 * LIMIT_BYTES), Graph())
    except StorageFull:
        sys.stdout.write("StorageFull\n")
    try:
        await stores.archives.put(large, bytes(2 * LIMIT_BYTES))
    except StorageFull:
        sys.stdout.write("StorageFull\n")


asyncio.run(main(Path(sys.argv[1])))
