"""One of several processes that fill a search index: `python -m tests.contract.search_process
PLACE ME`.
"""

import asyncio
import sys
from pathlib import Path

from shared.adapters.search.index import SqliteSearchIndex
from shared.domain.listings import Listing
from shared.domain.packages import Texts
from tests.contract.sample_records import head, release

EACH = 15  # Packages of its own, and versions of the one that all of them push.


async def main(place: Path, me: str) -> None:
    """Offer versions of one package, and packages that no other process has."""
    index = SqliteSearchIndex(place / "search.db")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for number in range(EACH):
        for text in (f"acme/greet:1.{number}.{me}", f"acme/own.p{me}x{number}:1.0.0"):
            made = release(text, summary="Says hello")
            await index.offer(Listing(head(text.split(":", 1)[0]), made, Texts()))
    index.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
