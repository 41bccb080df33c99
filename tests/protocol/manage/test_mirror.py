"""/manage/mirror and /api/v1/mirror: upstream registries, rules and dry runs."""

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from tests.support.browsers import Browser, signed_in
from tests.support.mirrors import status
from tests.support.upstreams import FakeUpstream, SharedServer
from tests.support.world import URL, OpenWorld, Person, World

MIRROR = "/manage/mirror"
API = f"{URL}/api/v1/mirror"


@pytest.fixture
def upstream(shared_server: SharedServer) -> Iterator[FakeUpstream]:
    upstream = FakeUpstream()
    upstream.publish("ballerina/io:1.0.0")
    with upstream.serving(shared_server):
        yield upstream


@pytest.fixture
async def mirror(worlds: OpenWorld, upstream: FakeUpstream) -> World:
    world = await worlds(upstream=upstream.url)
    await world.java().pull("ballerina/io:1.0.0")
    await world.write_pulls()
    await world.registry.maintenance.task_runner.run("roll-up-pulls")
    return world


@pytest.fixture
async def admin(mirror: World) -> Browser:
    return await signed_in(mirror, mirror.people.admin)


async def test_the_page_shows_upstreams_and_rules(admin: Browser, upstream: FakeUpstream) -> None:
    page = await admin.open(MIRROR)
    assert page.status_code == 200
    assert upstream.name in admin.text
    assert f"ballerinax {upstream.name}" in admin.text


async def test_a_preview_shows_the_pulls_and_changes_nothing(
    admin: Browser, mirror: World, upstream: FakeUpstream
) -> None:
    await admin.open(MIRROR)
    rules = "ballerina/io deny\nacme " + upstream.name
    await admin.submit(f"{MIRROR}/preview", upstreams=upstream.url, rules=rules)
    assert "1 pull of 1 release would have had another result" in admin.text
    assert "denied by `ballerina/io deny`" in admin.text
    assert rules in admin.text
    assert await status(mirror, "/packages/ballerina/io/1.0.0") == 302


async def test_saved_rules_are_in_force(
    admin: Browser, mirror: World, upstream: FakeUpstream
) -> None:
    await admin.open(MIRROR)
    await admin.submit(MIRROR, upstreams=upstream.url, rules="ballerina deny")
    assert "Rules saved." in admin.text
    mirror.clock.advance(timedelta(seconds=6))
    assert await status(mirror, "/packages/ballerina/io/1.0.0") == 400


async def test_a_mistake_is_shown_beside_what_was_typed(
    admin: Browser, upstream: FakeUpstream
) -> None:
    await admin.open(MIRROR)
    page = await admin.submit(MIRROR, upstreams=upstream.url, rules="acme elsewhere")
    assert page.status_code == 400
    assert "The target 'elsewhere' of acme is unknown" in admin.text
    assert "acme elsewhere</textarea>" in admin.text


async def test_a_release_is_served_before_its_minimum_age(
    admin: Browser, mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("ballerina/io:1.1.0")
    upstream.described["ballerina/io:1.1.0"] = {"createdDate": mirror.clock.now_ms()}
    await admin.open(MIRROR)
    await admin.submit(MIRROR, upstreams=upstream.url, minimum_ages="ballerina 7")
    assert "ballerina 7</textarea>" in admin.text
    mirror.clock.advance(timedelta(seconds=6))
    assert await status(mirror, "/packages/ballerina/io/1.1.0") == 400
    page = await admin.submit(f"{MIRROR}/admit", release="ballerina/io:1.1.0", reason="")
    assert page.status_code == 400
    await admin.submit(f"{MIRROR}/admit", release="ballerina/io:1.1.0", reason="A fix.")
    assert "The release is served." in admin.text
    assert await status(mirror, "/packages/ballerina/io/1.1.0") == 302


async def test_without_an_upstream_the_page_says_how_to_begin(world: World) -> None:
    admin = await signed_in(world, world.people.admin)
    page = await admin.open(MIRROR)
    assert page.status_code == 200
    assert "BALLROOM_UPSTREAM" in admin.text


# --- The API ------------------------------------------------------------------------------------


async def ask(
    world: World, method: str, path: str = "", by: Person | None = None, **body: object
) -> httpx.Response:
    return await world.send(method, f"{API}{path}", by=by or world.people.admin, json=body or None)


async def test_the_api_shows_the_rules(mirror: World, upstream: FakeUpstream) -> None:
    found = (await ask(mirror, "GET")).json()
    assert found["upstreams"] == [
        {"name": upstream.name, "address": f"{upstream.url}/2.0/registry"}
    ]
    assert found["rules"] == []
    assert found["defaultRules"][0] == f"ballerina {upstream.name}"
    assert found["changedAt"] is None


async def test_the_api_makes_a_dry_run(mirror: World, upstream: FakeUpstream) -> None:
    rules = ["ballerina/io deny", f"acme {upstream.name}"]
    found = (await ask(mirror, "POST", "/dry-run", upstreams=[upstream.url], rules=rules)).json()
    assert (found["pulls"], found["releasesRead"]) == (1, 1)
    [effect] = found["effects"]
    assert effect["release"] == "ballerina/io:1.0.0"


async def test_a_session_changes_rules_by_the_api(mirror: World, upstream: FakeUpstream) -> None:
    browser = await signed_in(mirror, mirror.people.admin)
    wanted = {"upstreams": [upstream.url], "rules": ["x deny"], "minimumAges": ["x 7"]}
    changed = await browser.api("PUT", "/api/v1/mirror", wanted)
    assert (changed.status_code, changed.json()["rules"]) == (200, ["x deny"])
    assert changed.json()["minimumAges"] == ["x 7"]
    wanted = {"release": "ballerina/io:1.0.0", "reason": "A fix."}
    assert (await browser.api("POST", "/api/v1/mirror/admissions", wanted)).status_code == 204
    wanted["release"] = "ballerina/io:9.0.0"
    assert (await browser.api("POST", "/api/v1/mirror/admissions", wanted)).status_code == 404


async def test_the_api_changes_the_lists_that_are_sent_and_shows_what_goes(
    mirror: World, upstream: FakeUpstream
) -> None:
    browser = await signed_in(mirror, mirror.people.admin)

    async def put(**sent: list[str]) -> dict[str, list[object]]:
        answer = await browser.api("PUT", "/api/v1/mirror", sent)
        assert answer.status_code == 200, answer.text
        return answer.json()

    await put(rules=["x deny", "y deny"])
    changed = await put(minimumAges=["x 7"])
    assert (changed["rules"], changed["minimumAges"]) == (["x deny", "y deny"], ["x 7"])
    assert (len(changed["upstreams"]), changed["removed"]) == (1, [])
    planned = (await ask(mirror, "POST", "/dry-run", rules=["y deny"])).json()
    assert planned["removed"] == ["rule x deny"]
    changed = await put(rules=["y deny"])
    assert (changed["rules"], changed["minimumAges"]) == (["y deny"], ["x 7"])
    assert changed["removed"] == ["rule x deny"]
    assert (await put(minimumAges=[]))["removed"] == ["minimum age x 7"]
    assert upstream.url in str(changed["upstreams"])


async def test_without_an_upstream_the_api_says_so(world: World) -> None:
    answer = await ask(world, "GET")
    assert answer.status_code == 400
    assert "No registry is mirrored" in answer.json()["error"]["message"]


async def test_a_release_that_is_not_served_early_says_why_at_its_form(mirror: World) -> None:
    admin = await signed_in(mirror, mirror.people.admin, MIRROR)
    path = f"{MIRROR}/admit"
    answer = await admin.submit(path, release="ballerina/io:9.9.9", reason="An urgent fix.")
    assert answer.status_code == 404
    [form] = [each for each in admin.text.split("<form") if f'action="{path}"' in each]
    assert 'role="alert"' in form
    assert 'value="ballerina/io:9.9.9"' in form
    assert 'value="An urgent fix."' in form


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("a" * 501, "The reason has 501 characters, and 500 fit. Shorten it."),
        ("A\N{ZERO WIDTH SPACE}fix.", "The reason holds characters that nobody sees."),
        (" ", "Enter a reason for serving ballerina/io:1.0.0 before it has its minimum age"),
    ],
)
async def test_a_reason_to_serve_early_is_refused_beside_it_and_never_cut(
    mirror: World, reason: str, sentence: str
) -> None:
    admin = await signed_in(mirror, mirror.people.admin, MIRROR)
    path = f"{MIRROR}/admit"
    answer = await admin.submit(path, release="ballerina/io:1.0.0", reason=reason)
    assert answer.status_code == 400
    [form] = [each for each in admin.text.split("<form") if f'action="{path}"' in each]
    [shown] = re.findall(r'<p class="error" role="alert" id="reason-error">([^<]*)', form)
    assert shown.startswith(sentence)
