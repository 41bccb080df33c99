"""The tasks of one process of a test that needs several."""

import asyncio
from collections.abc import AsyncIterator, Callable
from multiprocessing.connection import Connection
from pathlib import Path

from shared.adapters.system import SystemClock
from shared.domain.archives.names import Digest
from shared.domain.packages import Graph, ReleaseEntry, Texts, Visibility
from shared.ports import AlreadyThere
from tests.contract.sample_records import GREET, entry, event, head, release
from tests.contract.stores import STORES, Stores

Task = Callable[[Stores, str], AsyncIterator[object]]


async def add(stores: Stores, me: str) -> AsyncIterator[object]:
    """Add the same fifty versions as everybody; tell which of them were added here."""
    for number in range(50):
        try:
            await stores.metadata.add_release(release(f"acme/greet:{number}.0.0", summary=me))
        except AlreadyThere:
            continue
        yield f"{number}.0.0"


async def entries(stores: Stores, me: str) -> AsyncIterator[object]:
    """Put entries that everybody puts, at revisions of this process's own."""
    for number in range(40):
        revision = 1 + (number * 7 + len(me) + int(me)) % 100
        shared = entry("1.0.0", revision=revision, deprecation=f"revision {revision}")
        await stores.metadata.put_entries(GREET, [shared, entry(f"2.{me}.{number}")])
        yield revision


async def events(stores: Stores, me: str) -> AsyncIterator[object]:
    """Append events: one that everybody appends, and ones of this process's own."""
    for number in range(40):
        await stores.events.append([event("shared"), event(f"{me}.{number}")])
    yield "done"


async def lease(stores: Stores, me: str) -> AsyncIterator[object]:
    """Ask for forty leases; tell which were given."""
    for number in range(40):
        if await stores.work.lease(f"lease {number}", me, now_ms=1, until_ms=10):
            yield number


async def take(stores: Stores, _me: str) -> AsyncIterator[object]:
    """Take forty values; tell which were got here."""
    for number in range(40):
        value = await stores.work.take("code", str(number), now_ms=1)
        if value is not None:
            yield number


async def push(stores: Stores, me: str) -> AsyncIterator[object]:
    """Publish version after version, until this process is killed; tell each that is committed."""
    number = 0
    while True:
        content = f"archive {me}.{number}".encode() * 500
        await publish(stores, f"{me}.{number}.0", content)
        yield f"{me}.{number}.0"
        number += 1


async def publish(stores: Stores, version: str, content: bytes) -> None:
    """Store a release, in the order in which a push does: bytes, record, what is derived."""
    digest = Digest.of(content)
    happened = event(f"pushed {version}")
    added = release(f"acme/greet:{version}", digest=digest.hex, outbox=(happened,))
    await stores.archives.put(added.archive, content, Visibility.PUBLIC)
    await stores.documents.put(digest, Texts(readme=version), Graph())
    await stores.metadata.claim(head())
    await stores.metadata.add_release(added)
    await stores.metadata.put_entries(GREET, [ReleaseEntry.of(added)])
    await stores.events.publish(added)


TASKS: dict[str, Task] = {each.__name__: each for each in (add, entries, events, lease, take, push)}


def run(
    task: str, kind: str, place: Path, me: str, connection: "Connection[object, object]"
) -> None:
    asyncio.run(_run(task, kind, place, me, connection))


async def _run(
    task: str, kind: str, place: Path, me: str, connection: "Connection[object, object]"
) -> None:
    """Open the stores, wait for the signal, do the task."""
    async with STORES[kind](place, SystemClock()) as stores:
        connection.send("ready")
        await asyncio.to_thread(connection.recv)
        async for step in TASKS[task](stores, me):
            connection.send(step)
