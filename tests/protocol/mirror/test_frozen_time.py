"""The frozen time: which release a reader and a build get in place of a later one."""

import json
from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.mirror.test_rules import FROZEN, IO, LATER_MS, change
from tests.support.upstreams import FakeUpstream
from tests.support.world import World

pytestmark = pytest.mark.measured

LIB = "/packages/octo/lib"


@pytest.fixture
async def frozen(mirror: World, upstream: FakeUpstream) -> World:
    """Return a mirror whose upstream published some releases after its frozen time."""
    await change(mirror, frozen=FROZEN)
    for late in ("ballerina/io:1.1.0", "octo/lib:1.1.0", "octo/lib:3.0.0"):
        upstream.publish(late)
        upstream.described[late] = {"createdDate": LATER_MS}
    for in_time in ("octo/lib:1.0.0", "octo/lib:2.0.0-beta", "octo/lib:2.0.0-alpha"):
        upstream.publish(in_time)
    return mirror


async def resolved(mirror: World, *requests: str) -> list[str]:
    """Return what a build gets for requests such as `octo/lib:1.0.0 soft`."""
    packages = []
    for each in requests:
        coordinate, _, mode = each.partition(" ")
        package, _, version = coordinate.partition(":")
        org, _, name = package.partition("/")
        packages.append({"org": org, "name": name, "version": version, "mode": mode})
    body = json.dumps({"packages": packages}).encode()
    answer = (await mirror.send("POST", "/packages/resolve-dependencies", content=body)).json()
    return [f"{each['org']}/{each['name']}:{each['version']}" for each in answer["resolved"]]


async def modules(mirror: World, *names: str) -> list[str]:
    """Return the packages in which a build finds modules of two organizations."""
    wanted = [
        dict(zip(("organization", "moduleName"), each.split("/"), strict=True)) for each in names
    ]
    body = json.dumps({"modules": wanted}).encode()
    answer = (await mirror.send("POST", "/packages/resolve-modules", content=body)).json()
    return [f"{each['packageName']}:{each['version']}" for each in answer["resolvedModules"]]


async def test_a_reader_of_a_range_gets_the_newest_stable_release_in_time(frozen: World) -> None:
    assert (await frozen.get(f"{IO}/*")).json()["version"] == "1.0.0"
    assert (await frozen.get(f"{LIB}/*")).json()["version"] == "1.0.0"
    assert (await frozen.get(f"{LIB}/2.*")).json()["version"] == "2.0.0-beta"
    assert (await frozen.get(f"{LIB}/3.*")).status_code == 404


async def test_the_refusal_of_a_later_release_names_it_and_its_upstream(
    frozen: World, upstream: FakeUpstream
) -> None:
    answer = await frozen.get(f"{LIB}/1.1.0", headers=dict(ACCEPT_ARCHIVE))
    assert answer.status_code == 400
    said = f"octo/lib:1.1.0 of the upstream registry {upstream.name} is not served here: "
    assert answer.json()["message"].startswith(f"{said}it was published after {FROZEN}.")


async def test_the_time_of_a_version_is_asked_for_once(
    frozen: World, upstream: FakeUpstream
) -> None:
    for _ in range(2):
        assert (await frozen.get(IO)).json() == ["1.0.0"]
        assert upstream.asked["package"] == 2
        frozen.clock.advance(timedelta(days=1))  # Nothing of the answers is kept.


async def test_a_version_that_the_upstream_does_not_describe_is_in_no_list(
    frozen: World, upstream: FakeUpstream
) -> None:
    async def missing(request: Request) -> Response | None:
        is_missing = request.path_params["version"] == "1.0.0"
        return JSONResponse({"message": "package not found for: it"}, 404) if is_missing else None

    upstream.behave["package"] = missing
    assert (await frozen.get(LIB)).json() == ["2.0.0-beta", "2.0.0-alpha"]


async def test_a_build_stays_in_the_major_version_that_it_asks_for(frozen: World) -> None:
    assert await resolved(frozen, "octo/lib:1.0.0 soft") == ["octo/lib:1.0.0"]
    assert await resolved(frozen, "octo/lib:2.0.0-alpha soft") == ["octo/lib:2.0.0-beta"]
    assert await resolved(frozen, "octo/lib:3.0.0 soft") == []


async def test_what_a_build_does_not_get_leaves_it_the_rest(
    frozen: World, upstream: FakeUpstream
) -> None:
    async def silent(request: Request) -> Response | None:
        return Response("broken", 500) if request.path_params["name"] == "io" else None

    upstream.behave["versions"] = silent
    requests = ("octo/lib:1.1.0 locked", "ballerina/io soft", "octo/lib soft")
    assert await resolved(frozen, *requests) == ["octo/lib:1.0.0"]


async def test_nothing_more_is_asked_about_a_package_that_nobody_has(
    frozen: World, upstream: FakeUpstream
) -> None:
    assert await resolved(frozen, "octo/nothing soft") == []
    assert upstream.asked == {"resolve": 1}


async def test_a_module_is_found_where_the_newest_release_of_its_package_is_in_time(
    frozen: World, upstream: FakeUpstream
) -> None:
    upstream.publish("octo/calm:1.0.0")
    assert await modules(frozen, "octo/lib", "octo/calm", "octo/nothing") == ["calm:1.0.0"]
