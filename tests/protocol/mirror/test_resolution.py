"""Builds get ours from here and everything else from the upstream, which is asked once."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.upstreams import FakeUpstream
from tests.support.world import World

pytestmark = pytest.mark.measured

PULL = dict(ACCEPT_ARCHIVE)


def asking_for(*wanted: str) -> bytes:
    """Return the body of a request for packages, each as `org/name:version=mode`."""
    packages: list[dict[str, str]] = []
    for each in wanted:
        package, _, rest = each.partition(":")
        version, _, mode = rest.partition("=")
        org, _, name = package.partition("/")
        packages.append({"org": org, "name": name, "version": version, "mode": mode or "soft"})
    return json.dumps({"packages": packages}).encode()


async def resolved(mirror: World, *wanted: str) -> dict[str, Any]:
    answer = await mirror.send(
        "POST", "/packages/resolve-dependencies", content=asking_for(*wanted)
    )
    assert answer.status_code == 200
    return answer.json()


def named(answer: dict[str, Any]) -> list[str]:
    return [f"{each['org']}/{each['name']}:{each['version']}" for each in answer["resolved"]]


async def test_a_build_asks_the_upstream_once_for_all_that_is_not_ours(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("ballerina/http:2.0.0")
    upstream.publish("acme/greet:9.9.9")
    await mirror.push(bala("acme/greet:1.0.0"))
    wanted = ("ballerina/io:", "acme/greet:", "ballerina/http:2.0.0=hard", "nobody/none:")
    for _ in range(2):
        answer = await resolved(mirror, *wanted)
        assert named(answer) == ["ballerina/io:1.1.0", "acme/greet:1.0.0", "ballerina/http:2.0.0"]
        assert [each["org"] for each in answer["unresolved"]] == ["nobody"]
    assert upstream.asked["resolve"] <= len(mirror.instances)
    asked = upstream.resolved[0]
    assert [each["org"] for each in asked] == ["ballerina", "ballerina", "nobody"]


async def test_the_graph_is_that_of_the_upstream(mirror: World) -> None:
    answer = await resolved(mirror, "ballerina/io:")
    node = {"org": "ballerina", "name": "io", "version": "1.1.0", "dependencies": []}
    assert answer["resolved"][0]["dependencyGraph"] == [node]


async def test_an_exact_version_that_is_stored_needs_no_upstream(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.get("/packages/ballerina/io/1.0.0", headers=PULL)
    assert named(await resolved(mirror, "ballerina/io:1.0.0=hard")) == ["ballerina/io:1.0.0"]
    assert upstream.asked["resolve"] == 0


async def test_a_release_that_is_refused_is_not_chosen(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.archives["ballerina/io:1.1.0"] = b"no zip"
    await mirror.get("/packages/ballerina/io/1.0.0", headers=PULL)
    await mirror.get("/packages/ballerina/io/1.1.0", headers=PULL)
    assert named(await resolved(mirror, "ballerina/io:")) == ["ballerina/io:1.0.0"]


async def test_a_silent_upstream_leaves_what_is_stored(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.get("/packages/ballerina/io/1.0.0", headers=PULL)
    upstream.archives.clear()
    mirror.clock.advance(timedelta(minutes=6))
    answer = await resolved(mirror, "ballerina/io:", "ballerina/http:")
    assert named(answer) == ["ballerina/io:1.0.0"]


async def test_modules_are_found_in_packages_of_the_upstream(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.push(bala("acme/greet:1.0.0"))
    modules = [("ballerina", "io"), ("acme", "greet"), ("nobody", "none")]
    wanted = [{"organization": org, "moduleName": name} for org, name in modules]
    body = json.dumps({"modules": wanted}).encode()
    answer = (await mirror.send("POST", "/packages/resolve-modules", content=body)).json()
    found = [(each["organization"], each["version"]) for each in answer["resolvedModules"]]
    assert found == [("ballerina", "1.1.0"), ("acme", "1.0.0")]
    assert [each["organization"] for each in answer["unresolvedModules"]] == ["nobody"]
    assert upstream.asked == {"modules": 1}
