"""Another Ballroom as upstream, over the same stores as the registry that mirrors it."""

import asyncio
import dataclasses
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir

import pytest
from msgspec.structs import replace

from shared.adapters.upstream import CentralUpstream, FetchBudget
from shared.auth.tokens import Secret
from shared.domain.identity import OPERATOR
from shared.ports import HttpResponse
from shared.services.common import Adapters
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.world import BASE, MAVEN, URL, OpenWorld, World, token_of

pytestmark = pytest.mark.measured

PULL = dict(ACCEPT_ARCHIVE)
URL_OF_UPSTREAM = "https://upstream.test"
SECRET = bala("tools/secret:1.0.0", visibility="private", tools=["whisper"])
CHANGED_BY_MIRRORING = {"balaURL", "upstream", "pullCount"}


@dataclass
class ToWorld:
    """A `HttpClient` whose requests go to a registry in this process."""

    world: World
    asked: Counter[str] = field(default_factory=Counter[str])
    with_token: Counter[str] = field(default_factory=Counter[str])  # Of these.

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        return await self._send("GET", url, headers, b"")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        return await self._send("POST", url, headers, body)

    async def download(
        self, url: str, headers: Mapping[str, str], write: Callable[[bytes], object]
    ) -> HttpResponse:
        answer = await self._send("GET", url, headers, b"")
        write(answer.body)
        return answer

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        self.asked[method] += 1
        self.with_token[method] += "Authorization" in headers
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
    await upstream.push(SECRET, by=admin)
    documents, archives = ToWorld(upstream), ToWorld(upstream)
    mirror = await mirror_of(worlds, documents, archives)
    return Pair(upstream, mirror, documents, archives)


async def mirror_of(worlds: OpenWorld, documents: ToWorld, archives: ToWorld) -> World:
    """Return a registry that mirrors the one that both lead to."""

    def mirroring(stores: Adapters) -> Adapters:
        asked = CentralUpstream(
            "upstream.test",
            BASE,
            documents=documents,
            archives=archives,
            budget=FetchBudget(Path(gettempdir())),
            pseudonym="registry.test",
            clock=stores.clock,
        )
        return replace(stores, connect_upstream=lambda _: asked)

    return await worlds(upstream=URL_OF_UPSTREAM, wrap=mirroring)


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


LISTS = (
    f"{MAVEN}/tools/hammer/maven-metadata.xml",
    f"{MAVEN}/v2201-13-0/tools/hammer/maven-metadata.xml",
    f"{URL}/index/tools/hammer/index.json",
    f"{URL}/index/tools/nail/index.json",
)


@pytest.mark.parametrize("path", LISTS)
async def test_lists_of_versions_are_the_same(pair: Pair, path: str) -> None:
    deprecating = pair.upstream.java(pair.upstream.people.admin)
    await deprecating.deprecate("tools/hammer:1.0.0", "Use 1.1.0.")
    theirs, ours = [await world.get(path) for world in (pair.upstream, pair.mirror)]
    # The size of an archive is known when it is stored.
    expected = re.sub(r'"size":\d+,', "", theirs.text)
    assert (ours.status_code, ours.text) == (200, expected)
    versions = len(theirs.text.splitlines()) if path.endswith("json") else 4
    assert pair.documents.asked["GET"] <= 1 + versions  # The list, and each version.


async def test_a_change_of_the_upstream_arrives(pair: Pair) -> None:
    *_, path, _ = LISTS
    await pair.mirror.get(path)
    admin = pair.upstream.people.admin
    await pair.upstream.java(admin).deprecate("tools/hammer:1.0.0", "Use 1.1.0.")
    await pair.upstream.push(bala("tools/hammer:1.2.0"), by=admin)
    for _ in range(2):  # The first request renews the list behind its answer.
        pair.mirror.clock.advance(timedelta(minutes=6))
        pair.upstream.clock.advance(timedelta(minutes=6))
        for each in pair.mirror.instances:
            await pair.mirror.get(path)
            assert each.mirroring is not None
            await each.mirroring.reader.kept.drain()
    lines = [json.loads(line) for line in (await pair.mirror.get(path)).text.splitlines()]
    assert [line["version"] for line in lines] == ["1.0.0", "1.1.0", "1.2.0", "2.0.0-rc.1"]
    assert lines[0]["deprecation_message"] == "Use 1.1.0."


async def test_private_packages_of_the_upstream_are_missing_here(pair: Pair) -> None:
    for path in ("/packages/tools/secret", "/packages/tools/secret/1.0.0"):
        assert (await pair.mirror.get(path)).status_code == 404


@pytest.fixture
async def trusted(pair: Pair, worlds: OpenWorld) -> Pair:
    """Return both, and a mirror with a token that reads the first."""
    upstream, admin = pair.upstream, pair.upstream.people.admin
    token = await token_of(upstream.registry, admin.account, "read", org="tools")

    def mirroring(stores: Adapters) -> Adapters:
        asked = CentralUpstream(
            "upstream.test",
            BASE,
            documents=pair.documents,
            archives=pair.archives,
            budget=FetchBudget(Path(gettempdir())),
            pseudonym="registry.test",
            clock=stores.clock,
            token=Secret(token),
        )
        return replace(stores, connect_upstream=lambda _: asked)

    mirror = await worlds(upstream=URL_OF_UPSTREAM, wrap=mirroring)
    return dataclasses.replace(pair, mirror=mirror)


async def test_a_token_serves_its_private_packages_to_accounts_alone(trusted: Pair) -> None:
    mirror, bob = trusted.mirror, trusted.mirror.people.bob
    paths = ("/packages/tools/secret", "/packages/tools/secret/1.0.0", "/tools/whisper/1.0.0")
    for _ in range(2):  # Before and after it is stored.
        for path in paths:
            assert (await mirror.get(path)).status_code == 404
        assert (await mirror.java(bob).pull("tools/secret:1.0.0")).content == SECRET
    assert (await mirror.get(paths[0], by=bob)).json() == ["1.0.0"]
    index = await mirror.get(f"{URL}/index/tools/secret/index.json", by=bob)
    assert json.loads(index.text)["version"] == "1.0.0"
    assert trusted.documents.with_token["GET"] > 0


async def test_without_credentials_no_request_has_the_token(trusted: Pair) -> None:
    body = b'{"packages":[{"org":"tools","name":"secret","version":"","mode":"soft"}]}'
    for path in ("/packages/tools/secret", "/packages/tools/secret/1.0.0", *LISTS):
        await trusted.mirror.get(path.replace("hammer", "secret"), headers=PULL)
    answer = await trusted.mirror.send("POST", "/packages/resolve-dependencies", content=body)
    assert answer.json()["resolved"] == []
    assert trusted.documents.asked["GET"] > 0
    assert not +trusted.documents.with_token


async def test_archives_are_fetched_without_the_token(trusted: Pair) -> None:
    mirror = trusted.mirror
    await mirror.java(mirror.people.bob).pull("tools/secret:1.0.0")
    assert trusted.archives.asked["GET"] == 1
    assert not +trusted.archives.with_token


async def test_a_token_that_was_revoked_leaves_what_is_public(trusted: Pair) -> None:
    upstream, mirror, bob = trusted.upstream, trusted.mirror, trusted.mirror.people.bob
    tokens, owner = upstream.registry.tokens.access_tokens, upstream.people.admin.account.id
    for each in await tokens.list(owner, by=OPERATOR):
        await tokens.revoke(owner, each.token.id, by=OPERATOR)
    upstream.clock.advance(timedelta(seconds=10))
    assert (await mirror.get("/packages/tools/secret/1.0.0", by=bob)).status_code == 503
    assert (await mirror.get("/packages/tools/secret/1.0.0")).status_code == 404
    for by in (None, bob):
        answer = await mirror.get("/packages/tools/hammer/1.0.0", headers=PULL, by=by)
        assert answer.status_code == 302


async def test_fifty_misses_are_one_pull_of_each_instance(pair: Pair) -> None:
    # Each address goes to one instance, and each of these to another one.
    paths = [f"/packages/tools/hammer/1.1.0?{number}" for number in range(50)]
    answers = await asyncio.gather(*(pair.mirror.get(path, headers=PULL) for path in paths))
    assert {each.status_code for each in answers} == {302}
    instances = len(pair.mirror.instances)
    assert pair.archives.asked["GET"] <= instances
    assert pair.documents.asked["GET"] <= 2 * instances  # The description and the redirect.


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
            budget=FetchBudget(Path(gettempdir())),
            pseudonym="registry.test",
            clock=stores.clock,
        )
        return replace(stores, connect_upstream=lambda _: asked)

    looped = ToWorld(await worlds())
    looped.world = await worlds(upstream="https://registry.test", wrap=mirroring)
    assert (await looped.world.get("/packages/tools/hammer/1.0.0")).status_code == 404
    assert looped.asked == {"GET": 1}
