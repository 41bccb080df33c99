"""/api/v1/orgs/{org}/advisories and /api/v1/advisories: advisories that people write."""

from typing import Any

import httpx
import pytest

from shared.domain.principals import OPERATOR
from tests.support.advisories import asked
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.event_feed import checked_feed
from tests.support.port_doubles import PortOutage
from tests.support.refusals import raises_refusal
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

PATH = f"{URL}/api/v1/orgs/acme/advisories"
OF_REGISTRY = "/api/v1/advisories"
NEW = {
    "package": "greet",
    "summary": "Greetings run commands",
    "affected": ["1.0.0..1.2.0"],
    "details": "It *runs* what it is sent.",
    "severity": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
    "aliases": ["CVE-2026-12345"],
    "references": ["FIX https://example.org/fix"],
    "credits": ["FINDER Kim"],
}


@pytest.fixture
async def released(world: World) -> World:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        await world.push(bala(f"acme/greet:{version}"))
    return world


async def draft(world: World, by: Person | None = None, **changes: Any) -> httpx.Response:
    return await world.send("POST", PATH, json={**NEW, **changes}, by=by or world.people.ann)


async def published(world: World, **changes: Any) -> dict[str, Any]:
    drafted = (await draft(world, **changes)).json()
    answer = await world.send("POST", f"{PATH}/{drafted['id']}/publish", by=world.people.ann)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def matching(world: World, by: Person | None = None, version: str = "1.1.0") -> list[str]:
    """Return the ids of what is known of a version of the package."""
    service = world.registry.advisories.advisories
    who = world.fresh(by) if by else OPERATOR
    [found] = await service.findings([asked("acme/greet", version)], who)
    return [each.id for each in found]


async def test_a_draft_is_seen_by_its_writers_alone(released: World) -> None:
    answer = await draft(released)
    assert answer.status_code == 201, answer.text
    drafted = answer.json()
    assert drafted["id"] == "x_BLR-2026-1"
    assert drafted["state"] == "draft"
    assert drafted["package"] == "acme/greet"
    assert drafted["affected"] == ["1.0.0..1.2.0"]
    assert drafted["publishedAt"] is None
    assert await matching(released) == []
    listed = await released.get(PATH, by=released.people.ann)
    assert [each["id"] for each in listed.json()["advisories"]] == ["x_BLR-2026-1"]
    for other, status in ((released.people.bob, 404), (released.people.mia, 403)):
        answer = await released.get(f"{PATH}/x_BLR-2026-1", by=other)
        assert answer.status_code == status
    page = await released.get(f"{URL}/advisories/x_BLR-2026-1")
    assert page.status_code == 404


async def test_what_is_published_matches_and_is_shown(released: World) -> None:
    advisory = await published(released)
    assert advisory["state"] == "published"
    assert await matching(released) == [advisory["id"]]
    assert await matching(released, version="1.2.0") == []
    page = await released.get(f"{URL}/advisories/{advisory['id']}")
    assert page.status_code == 200
    assert "Greetings run commands" in page.text
    assert "<em>runs</em>" in page.text
    assert "from 1.0.0, before 1.2.0" in page.text
    listed = await released.get(f"{URL}/advisories")
    assert advisory["id"] in listed.text


async def test_publishing_again_and_saving_the_same_change_nothing(released: World) -> None:
    advisory = await published(released)
    again = await released.send("POST", f"{PATH}/{advisory['id']}/publish", by=released.people.ann)
    assert again.json() == advisory
    text = {name: value for name, value in NEW.items() if name != "package"}
    same = await released.send("PUT", f"{PATH}/{advisory['id']}", json=text, by=released.people.ann)
    assert same.json() == advisory


async def test_a_published_advisory_is_changed_and_withdrawn(released: World) -> None:
    advisory = await published(released)
    path = f"{PATH}/{advisory['id']}"
    text = {name: value for name, value in NEW.items() if name != "package"}
    changed = await released.send(
        "PUT", path, json={**text, "affected": ["1.1.0..1.2.0"]}, by=released.people.ann
    )
    assert changed.json()["affected"] == ["1.1.0..1.2.0"]
    assert await matching(released, version="1.0.0") == []
    gone = await released.send("DELETE", path, by=released.people.ann)
    assert gone.status_code == 409
    withdrawn = await released.send("POST", f"{path}/withdraw", json={}, by=released.people.ann)
    assert withdrawn.json()["state"] == "withdrawn"
    assert await matching(released) == []
    refused = await released.send("PUT", path, json=text, by=released.people.ann)
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "advisory-withdrawn"
    page = await released.get(f"{URL}/advisories/{advisory['id']}")
    assert "This advisory was withdrawn" in page.text


async def test_a_draft_is_not_said_to_be_missing_during_an_outage(worlds: OpenWorld) -> None:
    outage = PortOutage({"directory": ("access_context",)})
    world = await worlds(wrap=outage.wrap)
    for version in ("1.0.0", "1.2.0"):
        await world.push(bala(f"acme/greet:{version}"))
    drafted = (await draft(world)).json()
    ann = world.fresh(world.people.ann)
    outage.lasts = True
    with raises_refusal("busy"):
        await world.registry.advisories.advisories.find(drafted["id"], ann)


async def test_a_draft_is_deleted_and_its_number_is_not_used_again(released: World) -> None:
    first = (await draft(released)).json()["id"]
    path = f"{PATH}/{first}"
    refused = await released.send("POST", f"{path}/withdraw", json={}, by=released.people.ann)
    assert refused.json()["error"]["code"] == "advisory-unpublished"
    assert (await released.send("DELETE", path, by=released.people.ann)).status_code == 204
    assert (await released.get(path, by=released.people.ann)).status_code == 404
    assert (await draft(released)).json()["id"] == "x_BLR-2026-2"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"package": "nowhere"}, 404),
        ({"package": "other/shop"}, 400),
        ({"package": ""}, 400),
        ({"affected": []}, 400),
        ({"affected": ["1.2.0..1.0.0"]}, 400),
        ({"summary": " "}, 400),
        ({"severity": "very"}, 400),
        ({"references": ["ftp://example.org"]}, 400),
        ({"malware": True}, 400),
        ({"aliases": ["no id"]}, 400),
    ],
)
async def test_what_cannot_be_stored_is_refused(
    released: World, change: dict[str, Any], status: int
) -> None:
    assert (await draft(released, **change)).status_code == status


async def test_an_advisory_about_a_private_package_is_there_for_its_readers_alone(
    released: World,
) -> None:
    await released.push(bala("acme/hidden:1.0.0", visibility="private"))
    advisory = await published(released, package="hidden", affected=[".."])
    page = f"{URL}/advisories/{advisory['id']}"
    missing = await released.get(f"{URL}/advisories/x_BLR-2026-9")
    assert (await released.get(page)).status_code == missing.status_code == 404
    assert advisory["id"] not in (await released.get(f"{URL}/advisories")).text
    assert (await released.get(page, by=released.people.mia)).status_code == 200
    listed = await released.get(f"{URL}/advisories", by=released.people.mia)
    assert advisory["id"] in listed.text


async def test_administrators_write_about_any_package_after_a_sign_in(released: World) -> None:
    admin = released.people.admin
    about = {**NEW, "package": "acme/greet"}
    stale = await released.send("POST", URL + OF_REGISTRY, json=about, by=admin)
    assert stale.status_code == 403
    browser = await signed_in(released, admin)
    drafted = (await browser.api("POST", OF_REGISTRY, about)).json()
    path = f"{OF_REGISTRY}/{drafted['id']}"
    answer = await browser.api("POST", f"{path}/publish", {})
    assert answer.json()["state"] == "published"
    of_owner = await released.get(f"{PATH}/{drafted['id']}", by=released.people.ann)
    assert of_owner.status_code == 404
    refused = await browser.api("POST", f"{path}/withdraw", {})
    assert refused.json()["error"]["code"] == "reason-missing"
    withdrawn = await browser.api("POST", f"{path}/withdraw", {"reason": "A mistake."})
    assert withdrawn.json()["state"] == "withdrawn"


async def test_each_step_is_an_event_of_the_organization(released: World) -> None:
    advisory = await published(released)
    path = f"{PATH}/{advisory['id']}"
    await released.send("POST", f"{path}/withdraw", json={}, by=released.people.ann)
    feed = await checked_feed(released.stores.events)
    found = [each for each in feed if each.kind.startswith("advisory.")]
    assert [each.kind for each in found] == [
        "advisory.added",
        "advisory.published",
        "advisory.withdrawn",
    ]
    assert {(each.org, each.subject) for each in found} == {("acme", advisory["id"])}
