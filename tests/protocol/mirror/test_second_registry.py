"""Another Ballroom as upstream, over the same stores as the registry that mirrors it."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from shared.adapters.upstream import CentralUpstream
from shared.ports import HttpResponse
from shared.services.common import Adapters
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.world import BASE, OpenWorld, World

pytestmark = pytest.mark.measured

PULL = dict(ACCEPT_ARCHIVE)
URL_OF_UPSTREAM = "https://upstream.test"
CHANGED_BY_MIRRORING = {"balaURL", "upstream", "pullCount"}


@dataclass
class ToWorld:
    """A `HttpClient` whose requests go to a registry in this process."""

    world: World
    asked: Counter[str] = field(default_factory=Counter[str])

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        return await self._send("GET", url, headers, b"")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        return await self._send("POST", url, headers, body)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        self.asked[method] += 1
        answer = await self.world.send(method, url, headers=headers, content=body)
        names = {name.lower(): value for name, value in answer.headers.items()}
        return HttpResponse(answer.status_code, names, answer.content)


@dataclass
class Pair:
    """A registry and the one that mirrors it."""

    upstream: World
    mirror: World
    documents: ToWorld
    archives: ToWorld


@pytest.fixture
async def pair(worlds: OpenWorld) -> Pair:
    """Return both, with three packages in the first."""
    upstream = await worlds(url=URL_OF_UPSTREAM)
    await upstream.create_organization("tools")
    admin = upstream.people.admin
    for version in ("1.0.0", "1.1.0", "2.0.0-rc.1"):
        archive = bala(f"tools/hammer:{version}", modules=["sub"], keywords=["one"])
        await upstream.push(archive, by=admin)
    await upstream.push(bala("tools/nail:1.0.0", dependencies=["tools/hammer:1.0.0"]), by=admin)
    await upstream.push(bala("tools/secret:1.0.0", visibility="private"), by=admin)
    documents, archives = ToWorld(upstream), ToWorld(upstream)

    def mirroring(stores: Adapters) -> Adapters:
        asked = CentralUpstream(
            "upstream.test",
            BASE,
            documents=documents,
            archives=archives,
            pseudonym="registry.test",
            clock=stores.clock,
        )
        return replace(stores, connect_upstream=lambda _: asked)

    mirror = await worlds(upstream=URL_OF_UPSTREAM, wrap=mirroring)
    return Pair(upstream, mirror, documents, archives)


@pytest.mark.parametrize("client", ["java", "go"])
async def test_clients_get_the_same_from_both(pair: Pair, client: str) -> None:
    for wanted in ("tools/hammer:1.0.0", "tools/hammer:*", "tools/nail:1.*"):
        first, second = [
            await getattr(world, client)().pull(wanted) for world in (pair.upstream, pair.mirror)
        ]
        assert first == second


@pytest.mark.parametrize("is_pulled", [False, True])
async def test_descriptions_are_the_same(pair: Pair, is_pulled: bool) -> None:
    path = "/packages/tools/hammer/1.0.0"
    if is_pulled:
        await pair.mirror.get(path, headers=PULL)
    theirs, ours = [(await world.get(path)).json() for world in (pair.upstream, pair.mirror)]
    differing = {key for key in ours if ours[key] != theirs.get(key)}
    assert differing <= CHANGED_BY_MIRRORING


async def test_versions_and_resolutions_are_the_same(pair: Pair) -> None:
    body = b'{"packages":[{"org":"tools","name":"nail","version":"","mode":"soft"}]}'
    answers = [
        (
            (await world.get("/packages/tools/hammer")).json(),
            (await world.send("POST", "/packages/resolve-dependencies", content=body)).json(),
        )
        for world in (pair.upstream, pair.mirror)
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == ["1.1.0", "2.0.0-rc.1", "1.0.0"]


async def test_private_packages_of_the_upstream_are_missing_here(pair: Pair) -> None:
    for path in ("/packages/tools/secret", "/packages/tools/secret/1.0.0"):
        assert (await pair.mirror.get(path)).status_code == 404


async def test_fifty_misses_on_all_instances_are_one_pull(pair: Pair) -> None:
    # Each address goes to one instance, and each of these to another one.
    paths = [f"/packages/tools/hammer/1.1.0?{number}" for number in range(50)]
    answers = await asyncio.gather(*(pair.mirror.get(path, headers=PULL) for path in paths))
    assert {each.status_code for each in answers} == {302}
    assert pair.archives.asked == {"GET": 1}
    assert pair.documents.asked == {"GET": 2}  # The description and the redirect.


async def test_the_archive_is_the_same_byte_for_byte(pair: Pair) -> None:
    hop = await pair.mirror.get("/packages/tools/nail/1.0.0", headers=PULL)
    archive = (await pair.mirror.get(hop.headers["location"])).content
    assert hop.headers["digest"] == f"sha-256={hashlib.sha256(archive).hexdigest()}"


async def test_a_registry_that_mirrors_itself_finds_nothing_and_stops(worlds: OpenWorld) -> None:
    def mirroring(stores: Adapters) -> Adapters:
        asked = CentralUpstream(
            "registry.test",
            BASE,
            documents=looped,
            archives=looped,
            pseudonym="registry.test",
            clock=stores.clock,
        )
        return replace(stores, connect_upstream=lambda _: asked)

    looped = ToWorld(await worlds())
    looped.world = await worlds(upstream="https://registry.test", wrap=mirroring)
    assert (await looped.world.get("/packages/tools/hammer/1.0.0")).status_code == 404
    assert looped.asked == {"GET": 1}
