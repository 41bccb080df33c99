"""Another Ballroom as upstream, over the same stores as the registry that mirrors it."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.auth.secrets import Secret
from shared.domain.visibility import Readers
from shared.ports.http_client import HttpResponse
from tests.support.archives import bala
from tests.support.mirrors import PULL, connecting, resolve, resolved
from tests.support.world import MAVEN, URL, OpenWorld, World, token_of

pytestmark = pytest.mark.measured

URL_OF_UPSTREAM = "https://upstream.test"
SECRET = bala("tools/secret:1.0.0", visibility="private", tools=["whisper"])
CHANGED_BY_MIRRORING = {"balaURL", "sbomURL", "upstream", "pullCount"}


@dataclass
class ToWorld:
    """A `HttpClient` whose requests go to a registry in this process."""

    world: World
    asked: Counter[str] = field(default_factory=Counter[str])

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
    documents = ToWorld(upstream)
    archives = ToWorld(upstream)
    mirror = await mirror_of(worlds, documents, archives)
    return Pair(upstream, mirror, documents, archives)


async def mirror_of(
    worlds: OpenWorld, documents: ToWorld, archives: ToWorld, **options: Any
) -> World:
    """Return a registry that mirrors the one that both lead to."""
    wrap = connecting(URL_OF_UPSTREAM, documents, archives, **options)
    return await worlds(upstream=URL_OF_UPSTREAM, wrap=wrap)


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
    answers = [
        (
            (await world.get("/packages/tools/hammer")).json(),
            (await resolve(world, "tools/nail")).json(),
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
    # The size of an archive is known when it is stored, and the mirror signs what it stores.
    expected = re.sub(r'"size":\d+,|"signatures":\[[^]]*\],', "", theirs.text)
    assert (ours.status_code, ours.text) == (200, expected)
    versions = len(theirs.text.splitlines()) if path.endswith("json") else 4
    assert pair.documents.asked["GET"] <= 1 + versions  # The list, and each version.


async def test_a_token_serves_its_private_packages_to_accounts_alone(
    pair: Pair, worlds: OpenWorld
) -> None:
    account = pair.upstream.people.admin.account
    token = Secret(await token_of(pair.upstream.registry, account, "read", org="tools"))
    mirror = await mirror_of(worlds, pair.documents, pair.archives, token=token)
    bob = mirror.people.bob
    paths = ("/packages/tools/secret", "/packages/tools/secret/1.0.0", "/tools/whisper/1.0.0")
    for path in paths:
        assert (await pair.mirror.get(path)).status_code == 404
    for _ in range(2):  # Before and after it is stored.
        for path in paths:
            assert (await mirror.get(path)).status_code == 404
        assert (await mirror.java(bob).pull("tools/secret:1.0.0")).content == SECRET
    assert (await mirror.get(paths[0], by=bob)).json() == ["1.0.0"]
    index = await mirror.get(f"{URL}/index/tools/secret/index.json", by=bob)
    assert json.loads(index.text)["version"] == "1.0.0"


# --- an upstream that nobody reads without a token -----------------------------------------------


async def mirror_of_closed(worlds: OpenWorld, *, has_token: bool) -> World:
    """Return a mirror of a registry with a package that is public for whoever signed in."""
    upstream = await worlds(url=URL_OF_UPSTREAM, readers=Readers.SIGNED_IN)
    await upstream.create_organization("tools")
    admin = upstream.people.admin
    for coordinate in ("tools/hammer:1.0.0", "tools/hammer:1.1.0"):
        await upstream.push(bala(coordinate, modules=["sub"], tools=["hit"]), by=admin)
    token = Secret(await token_of(upstream.registry, admin.account, "read"))
    to_upstream = ToWorld(upstream)
    given = {"token": token} if has_token else {}
    return await mirror_of(worlds, to_upstream, to_upstream, **given)


async def test_what_a_closed_upstream_gives_for_a_token_is_internal(worlds: OpenWorld) -> None:
    mirror = await mirror_of_closed(worlds, has_token=True)
    bob = mirror.people.bob
    assert await resolved(mirror, "tools/hammer:1.0.0 soft", by=bob) == ["tools/hammer:1.1.0"]
    hammer = bala("tools/hammer:1.1.0", modules=["sub"], tools=["hit"])
    for client in (mirror.java(bob), mirror.go(bob), mirror.maven(bob)):
        assert "1.1.0" in await client.versions("tools/hammer")
        pulled = await client.pull("tools/hammer:1.1.0")
        assert getattr(pulled, "content", pulled) == hammer
    for path in ("/packages/tools/hammer", "/packages/tools/hammer/1.0.0", "/tools/hit"):
        assert (await mirror.get(path, by=bob)).status_code == 200, path
        assert (await mirror.get(path)).status_code == 404, path


async def test_a_mirror_says_that_its_upstream_asks_for_a_token(worlds: OpenWorld) -> None:
    mirror = await mirror_of_closed(worlds, has_token=False)
    answer = await mirror.get("/packages/tools/hammer", by=mirror.people.bob)
    assert answer.status_code == 503
    assert "is read with an access token alone" in answer.text
    source, _ = (await mirror.registry.require_mirroring().states())[0]
    assert "set BALLROOM_UPSTREAM_TOKEN" in str(await source.failure())


LONG = [f"missing_{number:04}_with_a_name_of_forty_characters" for number in range(1_500)]


async def test_a_list_that_an_upstream_takes_in_parts_alone_is_sent_in_parts(pair: Pair) -> None:
    # Of `bal`, whose bodies are shorter: it leaves out what has no value.
    packages = [{"org": "tools", "name": name} for name in (*LONG, "hammer")]
    content = json.dumps({"packages": packages}).encode()
    answer = await pair.mirror.send("POST", "/packages/resolve-dependencies", content=content)
    assert answer.status_code == 200
    assert [each["name"] for each in answer.json()["resolved"]] == ["hammer"]
    assert len(answer.json()["unresolved"]) == len(LONG)
    assert pair.documents.asked["POST"] == 2


async def test_a_list_of_modules_is_sent_in_parts(pair: Pair) -> None:
    modules = [{"organization": "tools", "moduleName": name} for name in (*LONG, "hammer.sub")]
    content = json.dumps({"modules": modules}, separators=(",", ":")).encode()
    answer = await pair.mirror.send("POST", "/packages/resolve-modules", content=content)
    assert answer.status_code == 200
    [found] = answer.json()["resolvedModules"]
    assert (found["moduleName"], found["packageName"]) == ("hammer.sub", "hammer")
    assert len(answer.json()["unresolvedModules"]) == len(LONG)
    assert pair.documents.asked["POST"] == 2
