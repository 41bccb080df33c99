"""While a large archive is read, the event loop goes on with what everybody else asks for."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from random import Random
from typing import cast

import httpx
import pytest
from msgspec.structs import replace

from functions.faces import build_app
from shared.composition import Registry
from shared.domain.archives.bala import Bala, read_bala
from shared.domain.archives.unpacking import DEFAULT_LIMITS
from shared.hosting.host import Host
from shared.services.packages.archive_reader import ArchiveReader
from tests.protocol.bal.okhttp import FORM, multipart
from tests.support.archives import bala
from tests.support.world import BASE, OpenWorld, World

FILES, FILE_BYTES = 10, 2_000_000  # 20 MB packed and 40 MB unpacked.
BEAT_SECONDS = 0.001
ATTEMPTS = 4  # Another program can only make a stall longer, so the shortest is the loop's own.
MOST = 0.4  # Of the stall of a registry that reads on its loop. Measured: 0.1.


@dataclass(frozen=True)
class ReadingOnTheLoop:
    """What nobody should do."""

    async def read(self, content: bytes | memoryview) -> Bala:
        """Read, and keep everybody waiting."""
        return read_bala(content, DEFAULT_LIMITS)

    def in_hand(self, size_bytes: int) -> AbstractContextManager[None]:
        """Take any number of archives."""
        return nullcontext()


def reading_on_the_loop(registry: Registry) -> Registry:
    """Return the registry as it would be without threads."""
    reader = cast("ArchiveReader", ReadingOnTheLoop())
    releases = replace(registry.publishing.releases, archive_reader=reader)
    return replace(registry, publishing=replace(registry.publishing, releases=releases))


@pytest.fixture(scope="module")
def large() -> bytes:
    """Return the body of a push of 20 MB that take their time to unpack."""
    digits = {
        f"resources/{number}.txt": Random(number).randbytes(FILE_BYTES).hex()  # noqa: S311
        for number in range(FILES)
    }
    archive = bala("acme/large:1.0.0", entries=digits)
    assert len(archive) > 20_000_000
    return multipart("any.bala", archive)


async def test_the_loop_hardly_stalls_while_a_large_archive_is_pushed(
    worlds: OpenWorld, large: bytes
) -> None:
    ours, blocked = list[float](), list[float]()
    for _ in range(ATTEMPTS):
        world = await worlds()
        ours.append(await stall_of_a_push(world, world.registry, large))
        world = await worlds()
        blocked.append(await stall_of_a_push(world, reading_on_the_loop(world.registry), large))
    assert min(ours) < MOST * min(blocked), (ours, blocked)


async def stall_of_a_push(world: World, registry: Registry, body: bytes) -> float:
    """Push, and return the longest time in which the loop did nothing else, in seconds."""
    transport = httpx.ASGITransport(Host(build_app(registry)))
    headers = {**FORM, "Authorization": f"Bearer {world.people.ann.token}"}
    async with httpx.AsyncClient(transport=transport) as http, beating() as heart:
        answer = await http.post(f"{BASE}/packages", headers=headers, content=body)
    assert answer.status_code == 204
    return heart.longest_seconds


@dataclass
class Heart:
    """Beats once a millisecond, if the loop lets it."""

    longest_seconds: float = 0.0

    async def beat(self) -> None:
        """Beat until cancelled."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now = loop.time()
            self.longest_seconds = max(self.longest_seconds, now - last)
            last = now


@asynccontextmanager
async def beating() -> AsyncGenerator[Heart]:
    """Provide a heart that beats as long as the block lasts."""
    heart = Heart()
    task = asyncio.create_task(heart.beat())
    await asyncio.sleep(0)  # The first beat is before the block.
    try:
        yield heart
        await asyncio.sleep(2 * BEAT_SECONDS)  # A stall at the end is noticed by the next beat.
    finally:
        task.cancel()
