"""Builds get ours from here and everything else from the upstream, which is asked once."""

import json
from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.support.archives import bala
from tests.support.mirrors import PULL, answering, broken, named, resolve, resolved
from tests.support.upstreams import FakeUpstream
from tests.support.world import World

pytestmark = pytest.mark.measured


async def test_a_build_asks_the_upstream_once_for_all_that_is_not_ours(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("ballerina/http:2.0.0")
    upstream.publish("acme/greet:9.9.9")
    await mirror.push(bala("acme/greet:1.0.0"))
    wanted = ("ballerina/io:", "acme/greet:", "ballerina/http:2.0.0 hard", "nobody/none:")
    for _ in range(2):
        answer = await resolve(mirror, *wanted)
        assert named(answer) == ["ballerina/io:1.1.0", "acme/greet:1.0.0", "ballerina/http:2.0.0"]
        assert [each["org"] for each in answer.json()["unresolved"]] == ["nobody"]
    assert upstream.asked["resolve"] <= len(mirror.instances)
    asked = upstream.resolved[0]
    assert [each["org"] for each in asked] == ["ballerina", "ballerina", "nobody"]


async def test_the_graph_is_that_of_the_upstream(mirror: World) -> None:
    answer = await resolve(mirror, "ballerina/io:")
    node = {"org": "ballerina", "name": "io", "version": "1.1.0", "dependencies": []}
    assert answer.json()["resolved"][0]["dependencyGraph"] == [node]


async def test_an_exact_version_that_is_stored_needs_no_upstream(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.get("/packages/ballerina/io/1.0.0", headers=PULL)
    assert await resolved(mirror, "ballerina/io:1.0.0 hard") == ["ballerina/io:1.0.0"]
    assert upstream.asked["resolve"] == 0


async def test_a_release_that_is_refused_is_not_chosen(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.archives["ballerina/io:1.1.0"] = b"no zip"
    await mirror.get("/packages/ballerina/io/1.0.0", headers=PULL)
    await mirror.get("/packages/ballerina/io/1.1.0", headers=PULL)
    assert await resolved(mirror, "ballerina/io:") == ["ballerina/io:1.0.0"]


async def test_a_silent_upstream_leaves_what_is_stored(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.get("/packages/ballerina/io/1.0.0", headers=PULL)
    upstream.archives.clear()
    mirror.clock.advance(timedelta(minutes=6))
    assert await resolved(mirror, "ballerina/io:", "ballerina/http:") == ["ballerina/io:1.0.0"]


PACKAGES = "/packages/resolve-dependencies"
MODULES = "/packages/resolve-modules"
TOOLS = "/tools/resolve-dependencies"
SILENT: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "package": ("resolve", PACKAGES, {"packages": [{"org": "ballerina", "name": "io"}]}, "io"),
    "module": (
        "modules",
        MODULES,
        {"modules": [{"organization": "ballerina", "moduleName": "io"}]},
        "with the module ballerina/io",
    ),
    "tool": ("tool", TOOLS, {"tools": [{"id": "health", "version": ""}]}, "with the tool health"),
}


@pytest.mark.parametrize("kind", SILENT)
@pytest.mark.parametrize("status", [502, 429])
async def test_what_only_a_silent_upstream_could_answer_is_a_503(
    mirror: World, upstream: FakeUpstream, kind: str, status: int
) -> None:
    """Clients write `unresolved` into their lock files, and repeat after a 503."""

    await mirror.push(bala("acme/greet:1.0.0", tools=["greeter"]))
    asked, path, body, named = SILENT[kind]
    upstream.behave[asked] = answering(Response("", status, headers={"Retry-After": "60"}))
    [(key, wanted)] = body.items()
    ours = {
        "packages": {"org": "acme", "name": "greet"},
        "modules": {"organization": "acme", "moduleName": "greet"},
        "tools": {"id": "greeter", "version": ""},
    }[key]
    answer = await mirror.send("POST", path, json={key: [*wanted, ours]})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    message = answer.json()["message"]
    assert f"{named} is not stored here" in message
    assert f"is not stored here, and the upstream registry {upstream.name} " in message
    answer = await mirror.send("POST", path, json={key: [ours]})
    assert answer.status_code == 200
    assert not answer.json().get("unresolved", answer.json().get("unresolvedModules"))


async def test_exact_versions_that_are_stored_need_no_answer_of_the_upstream(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("octo/health:1.2.0", tools=["health"], platform="java21")
    for path in ("ballerina/io/1.0.0", "octo/health/1.2.0"):
        await mirror.get(f"/packages/{path}", headers=PULL)
    for asked in ("resolve", "modules", "tool", "list"):
        upstream.behave[asked] = broken
    assert await resolved(mirror, "ballerina/io:1.0.0 locked") == ["ballerina/io:1.0.0"]
    known = {"org": "ballerina", "name": "io", "version": "1.0.0"}
    module = {"organization": "ballerina", "moduleName": "io", "possiblePackages": [known]}
    exact = {"id": "health", "version": "1.2.0", "mode": "locked"}
    for path, body in (
        (MODULES, {"modules": [{**module, "mode": "hard"}]}),
        (TOOLS, {"tools": [exact]}),
    ):
        answer = await mirror.send("POST", path, json=body)
        assert answer.status_code == 200, answer.text
        assert "1." in answer.text


async def test_a_tool_that_nobody_pulled_is_resolved_at_the_first_request(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("octo/health:1.2.0", tools=["health"], platform="java21")
    upstream.described["octo/health:1.2.0"] = {"balToolId": "health"}
    wanted = [{"id": each, "version": ""} for each in ("health", "none")]
    for _ in range(2):
        answer = (await mirror.send("POST", TOOLS, json={"tools": wanted})).json()
        found = [(each["orgName"], each["name"], each["version"]) for each in answer["resolved"]]
        assert found == [("octo", "health", "1.2.0")]
        assert answer["unresolved"] == [{"id": "none", "version": ""}]
    assert upstream.asked["tool"] <= 2 * len(mirror.instances)


async def test_a_module_that_is_wanted_in_two_ways_gets_both_answers(
    mirror: World, upstream: FakeUpstream
) -> None:
    async def by_version(request: Request) -> Response:
        """Answer for a version that is wanted with it, and otherwise with the newest."""
        found = [
            {
                **each,
                "packageName": "io",
                "version": (each["possiblePackages"] or [{"version": "1.1.0"}])[0]["version"],
            }
            for each in json.loads(await request.body())["modules"]
        ]
        return JSONResponse({"resolvedModules": found, "unresolvedModules": []})

    upstream.behave["modules"] = by_version
    plain = {"organization": "ballerina", "moduleName": "io"}
    known = {"org": "ballerina", "name": "io", "version": "1.0.0"}
    exact = {**plain, "possiblePackages": [known], "mode": "hard"}
    for wanted, versions in (
        ([plain, exact], ["1.1.0", "1.0.0"]),
        ([plain], ["1.1.0"]),
        ([exact], ["1.0.0"]),
    ):
        answer = (await mirror.send("POST", MODULES, json={"modules": wanted})).json()
        assert [each["version"] for each in answer["resolvedModules"]] == versions
    many = [{**exact, "possiblePackages": [known | {"version": f"{n}.0.0"}]} for n in range(9)]
    answer = await mirror.send("POST", MODULES, json={"modules": many})
    assert answer.status_code == 400
    assert "This names 9 times the same module, and 4 at most" in answer.json()["message"]


async def test_modules_are_found_in_packages_of_the_upstream(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.push(bala("acme/greet:1.0.0"))
    modules = [("ballerina", "io"), ("acme", "greet"), ("nobody", "none")]
    wanted = [{"organization": org, "moduleName": name} for org, name in modules]
    answer = (await mirror.send("POST", MODULES, json={"modules": wanted})).json()
    found = [(each["organization"], each["version"]) for each in answer["resolvedModules"]]
    assert found == [("ballerina", "1.1.0"), ("acme", "1.0.0")]
    assert [each["organization"] for each in answer["unresolvedModules"]] == ["nobody"]
    assert upstream.asked == {"modules": 1}
