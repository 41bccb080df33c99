"""What several processes do at the same moment: `together` lets each do a task of `Worker`.

They are forked from one process that has imported everything, because importing takes each of them
longer than its task.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier
from typing import Any

from shared.adapters.search.index import SqliteSearchIndex
from shared.adapters.system import SystemClock
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.digests import Digest
from shared.domain.dependency_graphs import Graph
from shared.domain.listings import Listing
from shared.domain.packages import ReleaseEntry, Texts
from shared.ports.conflicts import AlreadyThere
from tests.contract.sample_records import GREET, entry, event, head, release
from tests.contract.stores import Stores, embedded

PROCESSES = 4
EACH = 40
DEADLINE = 60  # Seconds.
FORKING = get_context("forkserver")
FORKING.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Worker:
    """One of the processes, with the stores of one machine open."""

    stores: Stores
    search: SqliteSearchIndex
    me: str

    async def add(self) -> AsyncIterator[object]:
        """Add the same versions as everybody; tell which of them were added here."""
        for number in range(EACH):
            try:
                added = release(f"acme/greet:{number}.0.0", summary=self.me)
                await self.stores.metadata.add_release(added)
            except AlreadyThere:
                continue
            yield f"{number}.0.0"

    async def entries(self) -> AsyncIterator[object]:
        """Put entries that everybody puts, at revisions of this process's own."""
        for number in range(EACH):
            revision = 1 + (number * 7 + int(self.me)) % 100
            shared = entry("1.0.0", revision=revision, deprecation=f"revision {revision}")
            own = entry(f"2.{self.me}.{number}")
            await self.stores.metadata.put_entries(GREET, [shared, own])
            yield revision

    async def events(self) -> AsyncIterator[object]:
        """Append events: one that everybody appends, and ones of this process's own."""
        for number in range(EACH):
            await self.stores.events.append([event("shared"), event(f"{self.me}.{number}")])
            yield number

    async def lease(self) -> AsyncIterator[object]:
        """Ask for leases; tell which were given."""
        for number in range(EACH):
            if await self.stores.work.lease(f"lease {number}", self.me, now_ms=1, until_ms=10):
                yield number

    async def take(self) -> AsyncIterator[object]:
        """Take values; tell which were got here."""
        for number in range(EACH):
            if await self.stores.work.take("code", str(number), now_ms=1) is not None:
                yield number

    async def offer(self) -> AsyncIterator[object]:
        """Offer versions of one package, and packages that no other process has."""
        for number in range(EACH):
            for text in (f"acme/greet:1.{number}.{self.me}", f"acme/own.p{self.me}x{number}:1.0.0"):
                made = release(text, summary="Says hello")
                await self.search.offer(Listing(head(text.split(":", 1)[0]), made, Texts()))
            yield number


async def publish(stores: Stores, version: str, content: bytes) -> None:
    """Store a release, in the order in which a push does: bytes, record, what is derived."""
    digest = Digest.of(content)
    happened = event(f"pushed {version}")
    added = release(f"acme/greet:{version}", digest=digest.hex, outbox=(happened,))
    await stores.archives.put(added.archive, content, ArchiveContainer.PUBLIC)
    await stores.documents.put(digest, Texts(readme=version), Graph())
    await stores.metadata.claim(head())
    await stores.metadata.add_release(added)
    await stores.metadata.put_entries(GREET, [ReleaseEntry.of(added)])
    await stores.events.append_outbox(added)


def together(task: str, folder: Path) -> list[list[Any]]:
    """Let processes do a task of `Worker` at the same time; return what each tells."""
    start = FORKING.Barrier(PROCESSES)
    with FORKING.Pool(PROCESSES, _meet, (start,)) as pool:
        doing = [pool.apply_async(_run, (task, folder, str(me))) for me in range(PROCESSES)]
        return [each.get(DEADLINE) for each in doing]


_START: list[Barrier] = []  # Of a worker: where it waits for the others.


def _meet(start: Barrier) -> None:
    _START.append(start)


def _run(task: str, folder: Path, me: str) -> list[Any]:
    return asyncio.run(_done(task, folder, me))


async def _done(task: str, folder: Path, me: str) -> list[Any]:
    search = SqliteSearchIndex(folder / "search.db")
    async with embedded(folder, SystemClock()) as stores:
        await asyncio.to_thread(_START[0].wait, DEADLINE)
        told = [each async for each in getattr(Worker(stores, search, me), task)()]
    search.close()
    return told
