"""Clients that push one version after the other until they are told to stop."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx

from shared.adapters.embedded import open_embedded
from shared.adapters.system import SystemClock
from tests.protocol.bal.okhttp import FORM, multipart
from tests.support.archives import bala
from tests.support.event_feed import checked_feed
from tests.support.registry_process import RegistryProcess
from tests.support.waiting import BOUND_SECONDS

CLIENTS = 6
PAUSE_SECONDS = 0.05


@dataclass
class Traffic:
    """What was pushed, and how it was answered."""

    host: RegistryProcess
    http: httpx.AsyncClient
    acknowledged: dict[str, bytes] = field(default_factory=dict[str, bytes])
    refused: Counter[int] = field(default_factory=Counter[int])
    lost: dict[str, bytes] = field(default_factory=dict[str, bytes])  # Nobody knows what became.
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _is_over: bool = False

    async def until(self, acknowledged: int) -> None:
        """Wait until so many pushes more were acknowledged."""
        wanted = len(self.acknowledged) + acknowledged
        async with asyncio.timeout(BOUND_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.acknowledged) >= wanted)

    async def push_on(self, number: int) -> None:
        """Push versions of one package."""
        for version in count():
            if self._is_over:
                return
            coordinate = f"traffic/package{number}:1.{version}.0"
            await self._push(coordinate, bala(coordinate))

    def end(self) -> None:
        """Let every client finish its push, and begin no other."""
        self._is_over = True

    async def _push(self, coordinate: str, archive: bytes) -> None:
        try:
            status = (await push(self.host, self.http, archive)).status_code
        except httpx.ConnectError:
            await asyncio.sleep(PAUSE_SECONDS)  # Nothing was sent, and nobody is there.
            return
        except httpx.TransportError:
            self.lost[coordinate] = archive
            return
        if status != 204:
            self.refused[status] += 1
            return
        self.acknowledged[coordinate] = archive
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def traffic(host: RegistryProcess) -> AsyncGenerator[Traffic]:
    """Let clients push as long as the block lasts."""
    async with client_of(host) as http, asyncio.TaskGroup() as group:
        running = Traffic(host, http)
        for number in range(CLIENTS):
            group.create_task(running.push_on(number))
        try:
            yield running
        finally:
            running.end()


async def repeat(host: RegistryProcess, archives: dict[str, bytes]) -> None:
    """Push these again, as clients do with what got no answer."""
    async with client_of(host) as http:
        for coordinate, archive in archives.items():
            answer = await push(host, http, archive)
            assert answer.status_code == 204, (coordinate, answer.text)


def client_of(host: RegistryProcess) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {host.token}"}
    return httpx.AsyncClient(headers=headers, timeout=BOUND_SECONDS, trust_env=False)


async def check_whole(host: RegistryProcess, archives: dict[str, bytes]) -> None:
    """Every one of these releases is listed, found and pulled byte for byte."""
    async with client_of(host) as http:
        bal = host.java(http)
        for package in {each.partition(":")[0] for each in archives}:
            wanted = {version for name, version in map(_split, archives) if name == package}
            assert wanted <= set(await bal.versions(package))
            found = await bal.search(f"org:traffic {package.partition('/')[2]}")
            assert package in {
                f"{each['organization']}/{each['name']}" for each in found["packages"]
            }
        for coordinate, archive in archives.items():
            assert (await bal.pull(coordinate)).content == archive, coordinate


async def check_absent_or_whole(host: RegistryProcess, archives: dict[str, bytes]) -> None:
    """Every one of these releases is there whole, or not at all."""
    async with client_of(host) as http:
        bal = host.java(http)
        for coordinate, archive in archives.items():
            package, version = _split(coordinate)
            if version in await bal.versions(package):
                assert (await bal.pull(coordinate)).content == archive, coordinate


async def check_feed(data: Path, coordinates: Iterable[str]) -> None:
    """Every one of these releases is in the feed of a registry that stands, once."""
    stores = open_embedded(data, SystemClock())
    events = await checked_feed(stores.events)
    stores.close()
    published = Counter(event.subject for event in events if event.kind == "release.published")
    assert {each: published[each] for each in coordinates} == dict.fromkeys(coordinates, 1)


async def push(host: RegistryProcess, http: httpx.AsyncClient, archive: bytes) -> httpx.Response:
    content = multipart("any.bala", archive)
    return await http.post(f"{host.base}/packages", headers=FORM, content=content)


def _split(coordinate: str) -> tuple[str, str]:
    package, _, version = coordinate.partition(":")
    return package, version
