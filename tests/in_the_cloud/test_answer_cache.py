"""The answer cache of our own host over the stores of the cloud: what it repeats, and how long."""

from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from functions.http.answer_caching import recognizer
from shared.adapters.blob.client import LINK_LIFETIME
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import LINK_CACHE_DIVISOR
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.hosting.answer_cache import AnswerCache
from shared.hosting.requests import Receive, Scope, Send
from shared.runtime.editions import CHANGES_KNOWN_WITHIN
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.cloud_registry import CloudRegistry, clouded
from tests.support.world import BASE, MAVEN, URL, asking

PULL = dict(ACCEPT_ARCHIVE)
CACHED_FOR = LINK_LIFETIME[ArchiveContainer.PUBLIC] / LINK_CACHE_DIVISOR
GREET = f"{BASE}/packages/acme/greet/1.0.0"
GREET_BALA = f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0.bala"

pytestmark = pytest.mark.usefixtures("patience")


class CachingHost:
    """Repeats answers; counts the requests that the cache does not answer."""

    def __init__(self, cloud: CloudRegistry) -> None:
        self.asked = 0
        self._host = asking(cloud.registry)
        registry = cloud.registry
        self._cache = AnswerCache(self._ask, registry.adapters.edition, recognizer(registry))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._cache(scope, receive, send)

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await self._host(scope, receive, send)


async def test_a_redirect_is_repeated_while_its_link_is_and_the_release_stands(
    tmp_path: Path,
) -> None:
    async with clouded(tmp_path) as cloud:
        await cloud.ann.send_archive("any/any:0.0.0", bala("acme/greet:1.0.0"))
        cloud.clock.advance(timedelta(minutes=1))  # Its archive has its place by now.
        host = CachingHost(cloud)
        edition = cloud.registry.adapters.edition
        async with httpx.AsyncClient(transport=httpx.ASGITransport(host)) as http:

            async def pull() -> httpx.Response:
                assert await edition.poll()
                return await http.get(GREET, headers=PULL)

            first = await pull()
            assert (await pull()).headers["location"] == first.headers["location"]
            assert host.asked == 1
            cloud.clock.advance(CACHED_FOR)
            later = await pull()
            assert later.headers["location"] != first.headers["location"]
            assert host.asked == 2
            await cloud.registry.publishing.moderation.quarantine(
                Coordinate.parse("acme", "greet", "1.0.0"), "Harmful.", by=OPERATOR
            )
            cloud.clock.advance(CHANGES_KNOWN_WITHIN)
            assert (await pull()).status_code == 404


async def test_a_client_that_repeats_its_credentials_gets_no_link_of_one_that_drops_them(
    tmp_path: Path,
) -> None:
    async with clouded(tmp_path) as cloud:
        await cloud.ann.send_archive("any/any:0.0.0", bala("acme/greet:1.0.0"))
        cloud.clock.advance(timedelta(minutes=1))
        edition = cloud.registry.adapters.edition
        transport = httpx.ASGITransport(CachingHost(cloud))
        basic = f"Basic {b64encode(f'ann:{cloud.token}'.encode()).decode()}"
        async with httpx.AsyncClient(transport=transport) as http:

            async def place(authorization: str) -> str:
                assert await edition.poll()
                headers = {"User-Agent": "Aether", "Authorization": authorization}
                return (await http.get(GREET_BALA, headers=headers)).headers["location"]

            linked = [await place(basic) for _ in range(2)]
            assert linked[0] == linked[1]
            assert (await place(f"Bearer {cloud.token}")).startswith(f"{URL}/archives/")
            assert not linked[0].startswith(URL)
