"""The log of an organization: every change, by whom, with what and from where."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from shared.domain.errors.requests import Busy
from shared.domain.events import Event
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.port_doubles import Fault
from tests.support.world import URL, OpenWorld, Person, World, limited

AUDIT = f"{URL}/api/v1/orgs/acme/audit"
MINE = f"{URL}/api/v1/account/events"


async def log(world: World, query: str = "", by: Person | None = None) -> list[dict[str, Any]]:
    """Return a page of the log of acme, as Ann reads it."""
    answer = await world.get(AUDIT + query, by=by or world.people.ann)
    assert answer.status_code == 200, answer.text
    return answer.json()["events"]


@pytest.fixture
async def busy_week(world: World) -> World:
    """Return a registry in which Ann pushed, deprecated and got a member, and Bob pushed."""
    for version in ("1.0.0", "1.1.0"):
        await world.push(bala(f"acme/greet:{version}"))
    await world.java(world.people.ann).deprecate("acme/greet:1.0.0", "old")
    acme = parse_org("acme")
    bob = world.people.bob
    await world.registry.organizations.memberships.set_member(
        acme, bob.account, Role.MEMBER, by=OPERATOR
    )
    await world.push(bala("other/thing:1.0.0"), by=bob)
    return world


async def test_an_owner_reads_what_happened_in_the_organization_newest_first(
    busy_week: World,
) -> None:
    events = await log(busy_week)
    assert [each["kind"] for each in events] == [
        "member.set",
        "release.deprecated",
        "release.published",
        "release.published",
        "member.set",
        "organization.founded",
    ]
    assert all(later["number"] > earlier["number"] for later, earlier in pairwise(events))


async def test_an_event_says_who_with_what_and_from_where(busy_week: World) -> None:
    [deprecated] = await log(busy_week, "?kind=release.deprecated")
    ann = busy_week.people.ann.account
    assert (deprecated["actor"], deprecated["actorName"]) == (ann.id, "ann")
    assert deprecated["subject"] == "acme/greet:1.0.0"
    assert deprecated["credential"]
    assert deprecated["address"]
    assert (deprecated["details"]["deprecation_before"], deprecated["details"]["deprecation"]) == (
        "",
        "old",
    )
    at = datetime.fromisoformat(deprecated["at"])
    assert at == datetime.fromtimestamp(busy_week.clock.now_ms() // 1000, UTC)


async def test_a_log_is_read_page_by_page_without_a_gap(busy_week: World) -> None:
    whole = await log(busy_week)
    seen = list[dict[str, Any]]()
    before = ""
    while True:
        answer = await busy_week.get(f"{AUDIT}?count=2{before}", by=busy_week.people.ann)
        page = answer.json()
        seen += page["events"]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert seen == whole


async def test_a_log_is_narrowed_by_kind_actor_and_time(busy_week: World) -> None:
    ann = busy_week.people.ann.account.id
    assert len(await log(busy_week, f"?actor={ann}")) == 3
    assert len(await log(busy_week, "?kind=release.")) == 3
    busy_week.clock.advance(timedelta(days=1))
    now = datetime.fromtimestamp(busy_week.clock.now_ms() / 1000, UTC)
    await busy_week.push(bala("acme/late:1.0.0"))
    at = now.isoformat().replace("+00:00", "Z")
    assert [each["subject"] for each in await log(busy_week, f"?since={at}")] == ["acme/late:1.0.0"]
    assert len(await log(busy_week, f"?until={at}")) == 6


@pytest.mark.parametrize(
    "query", ["before=x", "before=-1", "before=0", "count=0", "count=501", "since=yesterday"]
)
async def test_a_question_that_cannot_be_read_is_explained(world: World, query: str) -> None:
    answer = await world.get(f"{AUDIT}?{query}", by=world.people.ann)
    assert answer.status_code == 400
    assert query.split("=", maxsplit=1)[0] in answer.json()["error"]["message"]


async def test_a_log_is_exported_as_json_lines(busy_week: World) -> None:
    url = f"{AUDIT}.jsonl?count=4"
    lines = list[dict[str, Any]]()
    while url:
        answer = await busy_week.get(url, by=busy_week.people.ann)
        assert answer.headers["content-type"].startswith("application/jsonl")
        assert "no-store" in answer.headers["cache-control"]
        lines += [json.loads(line) for line in answer.text.splitlines()]
        link = answer.headers.get("link", "")
        url = f"{AUDIT}.jsonl{link[1:].partition('>')[0]}" if link else ""
    assert lines == await log(busy_week)


async def test_everybody_reads_what_happened_to_their_own_account(busy_week: World) -> None:
    events = (await busy_week.get(MINE, by=busy_week.people.bob)).json()["events"]
    kinds = [each["kind"] for each in events]
    assert kinds[:2] == ["member.set", "token.issued"]
    assert kinds[-1] == "account.created"
    assert (await busy_week.get(MINE)).status_code == 401


async def test_addresses_and_credentials_of_others_are_not_shown_to_those_affected(
    busy_week: World,
) -> None:
    world = busy_week
    ann = busy_week.people.ann
    bob = busy_week.people.bob
    url = f"{URL}/api/v1/orgs/acme/members/{bob.account.id}"
    taken_out = await world.send("DELETE", url, by=ann)
    assert taken_out.status_code == 204
    [shown] = await log(world, "?kind=member.removed")
    assert shown["address"]
    assert shown["credential"]
    answer = await world.get(f"{MINE}?kind=member.removed", by=bob)
    [event] = answer.json()["events"]
    assert (event["actorName"], event["credential"], event["address"]) == ("ann", "", "")
    browser = await signed_in(world, bob)
    exported = (await browser.open("/account/data.json")).json()["events"]
    assert all(each["actor"] == bob.account.id for each in exported if each["address"])
    assert any(each["address"] for each in exported)


async def test_a_change_whose_event_could_not_be_published_is_in_the_log_once_it_can(
    worlds: OpenWorld,
) -> None:
    broken = Fault("append_outbox", Busy())
    world = await worlds(wrap=broken.at("events"))
    wanted = {"name": "laptop", "scopes": ["read"]}
    answer = await world.send("POST", f"{URL}/api/v1/tokens", by=world.people.ann, json=wanted)
    assert answer.status_code == 201
    issued = (await world.get(f"{MINE}?kind=token.issued", by=world.people.ann)).json()["events"]
    assert answer.json()["token"]["id"] not in [each["subject"] for each in issued]
    for _ in range(2):
        await world.registry.maintenance.task_runner.run("process-outboxes")
    issued = (await world.get(f"{MINE}?kind=token.issued", by=world.people.ann)).json()["events"]
    subjects = [each["subject"] for each in issued]
    assert subjects.count(answer.json()["token"]["id"]) == 1


async def test_events_forget_where_they_came_from_after_a_year(busy_week: World) -> None:
    busy_week.clock.advance(timedelta(days=366))
    ann = await limited(busy_week, busy_week.people.ann, "manage")
    report = await busy_week.registry.maintenance.task_runner.run("anonymize-events")
    assert report is not None
    assert report.changed > 0
    [deprecated] = await log(busy_week, "?kind=release.deprecated", by=ann)
    assert (deprecated["credential"], deprecated["address"]) == ("", "")
    assert deprecated["actorName"] == "ann"


async def exported(world: World, url: str, by: Person) -> tuple[list[dict[str, Any]], str]:
    """Return the lines after a number, page by page as the links say, and the last cursor."""
    lines = list[dict[str, Any]]()
    cursor = ""
    while url:
        answer = await world.get(url, by=by)
        assert answer.status_code == 200, answer.text
        lines += [json.loads(line) for line in answer.text.splitlines()]
        cursor = answer.headers["audit-cursor"]
        link = answer.headers.get("link", "")
        url = f"{url.partition('?')[0]}{link[1:].partition('>')[0]}" if link else ""
    return lines, cursor


async def test_a_log_is_followed_by_a_cursor_oldest_first_without_a_gap(busy_week: World) -> None:
    ann = busy_week.people.ann
    lines, cursor = await exported(busy_week, f"{AUDIT}.jsonl?after=0&count=2", ann)
    assert lines == (await log(busy_week))[::-1]
    assert await exported(busy_week, f"{AUDIT}.jsonl?after={cursor}", ann) == ([], cursor)
    other = Event(id="", kind="token.issued", at_ms=1, actor="a", subject="s", org="other")
    others = [other.model_copy(update={"id": f"x{n}"}) for n in range(2_600)]
    await busy_week.stores.events.append(others)
    await busy_week.push(bala("acme/later:1.0.0"))
    answer = await busy_week.get(f"{AUDIT}.jsonl?after={cursor}", by=ann)
    assert (answer.text, answer.headers["audit-cursor"]) == ("", str(int(cursor) + 2_000))
    later, _ = await exported(busy_week, f"{AUDIT}.jsonl?after={cursor}", ann)
    assert [each["subject"] for each in later] == ["acme/later:1.0.0"]


async def test_administrators_follow_the_log_of_the_whole_registry(busy_week: World) -> None:
    url = f"{URL}/api/v1/audit.jsonl"
    people = busy_week.people
    lines, _ = await exported(busy_week, f"{url}?after=0&count=3", people.admin)
    assert [each["number"] for each in lines] == list(range(1, len(lines) + 1))
    assert {"acme/greet:1.0.0", "other/thing:1.0.0"} <= {each["subject"] for each in lines}
    released, _ = await exported(busy_week, f"{url}?kind=release.published", people.admin)
    assert len(released) == 3
    own = f"{URL}/api/v1/account/events"
    for path in (f"{AUDIT}.jsonl", AUDIT, own, url):
        by = people.admin if path == url else people.ann
        both = await busy_week.get(f"{path}?before=4&after=2", by=by)
        assert both.status_code == 400, path
        assert "not both." in both.text
