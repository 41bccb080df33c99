"""While the app does not answer, Front Door reads copies from Blob Storage, and builds go on."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from msgspec.structs import replace

from functions.faces import build_app
from shared.bootstrap import build_registry
from shared.domain.errors.requests import Busy
from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from shared.hosting.host import Host
from shared.ports import MetadataStore
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.maven import Generation, MavenBal
from tests.support.archives import bala
from tests.support.front_door import (
    APP,
    BLOBS,
    EdgeRegistry,
    behind_front_door,
    follow,
    stop_app,
)
from tests.support.world import BASE, MAVEN, URL

pytestmark = pytest.mark.slow

PACKAGES = 50
NAMES = [f"part{number}" for number in range(PACKAGES - 1)] + ["deep.part.inside"]


def archive_of(name: str, **fields: Any) -> bytes:
    """Return an archive of a package."""
    return bala(f"acme/{name}:1.0.0", **fields)


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncGenerator[EdgeRegistry]:
    """Return an empty registry behind Front Door."""
    limits = {"brake_packages": 1_000, "brake_releases": 1_000}
    async with behind_front_door(tmp_path, **limits) as opened:
        yield opened


def maven(edge: EdgeRegistry, distribution: str = "v2201-13-0") -> MavenBal:
    """Return a `bal` that reads everything by the Maven repository, without a token."""
    return MavenBal(edge.http, MAVEN, distribution=distribution)


async def test_a_build_of_fifty_packages_passes_while_the_app_is_stopped(
    edge: EdgeRegistry,
) -> None:
    for name in NAMES:
        await edge.cloud.ann.send_archive(f"acme/{name}:1.0.0", archive_of(name))
    await follow(edge)
    answered = {name: await seen(edge, name) for name in NAMES}
    assert edge.front_door.asked(BLOBS) == []
    await stop_app(edge)
    edge.front_door.requests.clear()
    for generation in (Generation.STOPPING, Generation.GOING_ON):
        found = await maven(edge).build([f"acme/{name}" for name in NAMES], generation)
        assert found == {f"acme/{name}": ["1.0.0"] for name in NAMES}
    for name in NAMES:
        coordinate = f"acme/{name}:1.0.0"
        assert await maven(edge).pull(coordinate) == archive_of(name)
        assert await maven(edge).versions(f"acme/{name}") == ["1.0.0"]
        assert (await maven(edge).graph(coordinate))["name"] == name
        assert await seen(edge, name) == answered[name]
    assert edge.front_door.asked(APP) == []


async def seen(edge: EdgeRegistry, name: str) -> list[tuple[int, str, str, bytes]]:
    """Return all that clients of the index and of the repository read of a package."""
    stem = f"{MAVEN}/acme/{name}/1.0.0/{name}-1.0.0"
    answers = [
        await edge.http.get(url)
        for url in (
            f"{URL}/index/config.json",
            f"{URL}/index/acme/{name}/index.json",
            f"{MAVEN}/acme/{name}/maven-metadata.xml",
            f"{MAVEN}/v2201-13-0/acme/{name}/maven-metadata.xml",
            f"{MAVEN}/v2201-14-0/acme/{name}/maven-metadata.xml",
            f"{stem}.pom",
            f"{stem}-depgraph.json",
        )
    ]
    return [
        (
            each.status_code,
            each.headers["content-type"].partition(";")[0],
            each.headers["cache-control"],
            each.content,
        )
        for each in answers
    ]


async def test_a_build_tool_is_found_while_the_app_is_stopped(edge: EdgeRegistry) -> None:
    await edge.cloud.ann.send_archive("acme/tool:1.0.0", archive_of("tool", tools=["greeter"]))
    await follow(edge)
    before = await edge.http.get(f"{MAVEN}/v2201-13-0/__tools__/greeter/maven-metadata.xml")
    await stop_app(edge)
    after = await edge.http.get(f"{MAVEN}/v2201-13-0/__tools__/greeter/maven-metadata.xml")
    assert (after.status_code, after.content) == (before.status_code, before.content)
    coordinate = Coordinate.parse("acme", "tool", "1.0.0")
    await edge.cloud.registry.publishing.moderation.quarantine(coordinate, "reported", by=OPERATOR)
    gone = await edge.http.get(f"{MAVEN}/v2201-13-0/__tools__/greeter/maven-metadata.xml")
    assert gone.status_code == 404


async def test_while_the_app_answers_nothing_comes_from_copies(edge: EdgeRegistry) -> None:
    await edge.cloud.ann.send_archive("acme/part:1.0.0", archive_of("part"))
    await follow(edge)
    await edge.front_door.probe()
    edge.front_door.requests.clear()
    assert await maven(edge).versions("acme/part") == ["1.0.0"]
    assert (await edge.http.get(f"{URL}/index/acme/part/index.json")).status_code == 200
    assert edge.front_door.asked(BLOBS) == []
    await stop_app(edge)
    edge.app.is_stopped = False
    await edge.front_door.probe()
    edge.front_door.requests.clear()
    assert await maven(edge).versions("acme/part") == ["1.0.0"]
    assert edge.front_door.asked(BLOBS) == []


class Unanswering:
    """Records in a database that does not answer."""

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: object, **__: object) -> None:
            raise Busy

        return fail


async def test_a_build_passes_while_only_the_database_does_not_answer(edge: EdgeRegistry) -> None:
    await edge.cloud.ann.send_archive("acme/part:1.0.0", archive_of("part"))
    await follow(edge)
    registry, records = edge.cloud.registry, cast("MetadataStore", Unanswering())
    broken = build_registry(registry.settings, replace(registry.adapters, metadata=records))
    edge.app.app = httpx.ASGITransport(Host(build_app(broken)))
    await edge.front_door.probe()
    edge.front_door.requests.clear()
    assert await maven(edge).versions("acme/part") == ["1.0.0"]
    assert await maven(edge).pull("acme/part:1.0.0") == archive_of("part")
    assert edge.front_door.asked(APP) == []


async def test_the_protocol_of_central_has_no_copies(edge: EdgeRegistry) -> None:
    await edge.cloud.ann.send_archive("acme/part:1.0.0", archive_of("part"))
    await follow(edge)
    await stop_app(edge)
    assert (await edge.http.get(f"{BASE}/packages/acme/part/1.0.0")).status_code == 502
    with pytest.raises(ClientFailure):
        await edge.cloud.anyone.pull("acme/part:1.0.0")
    for path in ("/index/changes", "/packages/acme/part", f"{MAVEN}/".removeprefix(URL)):
        assert (await edge.http.get(f"{URL}{path}")).status_code >= 400


async def test_a_client_keeps_its_rights_by_either_origin(edge: EdgeRegistry) -> None:
    hidden = archive_of("secret", visibility="private")
    await edge.cloud.ann.send_archive("acme/secret:1.0.0", hidden)
    await follow(edge)
    token = edge.cloud.token
    ann = MavenBal(edge.http, MAVEN, user="ann", token=token)
    assert await ann.versions("acme/secret") == ["1.0.0"]
    assert await ann.pull("acme/secret:1.0.0") == hidden
    as_ann = edge.cloud.as_ann
    path = f"{URL}/index/acme/secret/index.json"
    assert (await edge.http.get(path, headers=as_ann)).status_code == 200
    assert (await edge.http.get(path)).status_code == 404
    forged = {"X-Ballroom-Authorization": f"Bearer {token}"}
    assert (await edge.http.get(path, headers=forged)).status_code == 404
    assert await maven(edge).versions("acme/secret") == []
    await stop_app(edge)
    assert await ann.versions("acme/secret") == []
    assert (await edge.http.get(path, headers=as_ann)).status_code == 404


async def test_a_push_reaches_the_app_with_the_token_of_its_client(edge: EdgeRegistry) -> None:
    ann = MavenBal(edge.http, MAVEN, user="ann", token=edge.cloud.token)
    await ann.push("acme/part:1.0.0", archive_of("part"))
    assert await ann.versions("acme/part") == ["1.0.0"]
    await stop_app(edge)
    answer = await edge.http.put(f"{MAVEN}/acme/part/2.0.0/part-2.0.0.bala", content=b"x")
    assert answer.status_code == 502


async def test_a_search_is_not_copied(edge: EdgeRegistry) -> None:
    await edge.cloud.ann.send_archive("acme/part:1.0.0", archive_of("part"))
    await follow(edge)
    await stop_app(edge)
    url = f"{MAVEN}/v2201-13-0/__packagesearch__/YQ/maven-metadata.xml"
    assert (await edge.http.get(url)).status_code == 404
