"""Connectors and triggers of packages that nobody pulled, as editors read them."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.domain.api_docs.item_summaries import connector_id, trigger_id
from shared.services.mirroring import catalogue
from shared.services.mirroring.catalogue import RUN_TIME
from tests.protocol.mirror.test_catalogue import AN_HOUR, catch_up, update
from tests.support.documented_packages import documented_bala
from tests.support.mirrors import PULL, answering, broken, change
from tests.support.upstreams import FakeUpstream
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

MISSING = answering(JSONResponse({"message": "no such path"}, 404))
BY_NAME = "/connectors/octo/kafka/0.1.0/kafka/Client"
PULLED = {"package": 1, "pull": 1, "file": 1}


@pytest.fixture
async def known(mirror: World, upstream: FakeUpstream) -> World:
    """Return a registry that has read the catalogue of an upstream with two connectors and a
    trigger, and documents what it fetches."""
    upstream.archives["octo/kafka:0.1.0"] = documented_bala("octo/kafka:0.1.0")
    upstream.have_item("connectors", "octo/kafka:0.1.0", "Client")
    upstream.have_item("connectors", "ballerina/io:1.1.0", "Reader")
    upstream.have_item("triggers", "octo/kafka:0.1.0", "Kafka Service")
    await update(mirror)
    for each in mirror.instances:
        each.api_docs.queue.enable()
    return mirror


async def listed(world: World, path: str) -> list[dict[str, Any]]:
    """Return the rows of a list, whose count is right."""
    answer = (await world.get(path)).json()
    rows = answer[path.removeprefix("/").partition("?")[0]]
    assert answer["count"] == len(rows)
    return rows


async def connectors(world: World, query: str = "") -> list[str]:
    rows = await listed(world, f"/connectors{query}")
    return [f"{each['orgName']}/{each['packageName']}:{each['name']}" for each in rows]


async def test_lists_have_what_was_never_pulled(known: World, upstream: FakeUpstream) -> None:
    assert sorted(await connectors(known)) == ["ballerina/io:Reader", "octo/kafka:Client"]
    assert await connectors(known, "?q=kafka") == ["octo/kafka:Client"]
    assert await connectors(known, "?org=ballerina") == ["ballerina/io:Reader"]
    [row] = await listed(known, "/triggers")
    assert (row["name"], row["displayName"]) == ("Kafka Service", "The Kafka Service")
    assert row["package"]["upstream"]["name"] == upstream.name
    assert row["package"]["upstream"]["isStored"] is False
    # What an editor searches for is not sent.
    assert upstream.asked == {"list": 1, "connectors": 1, "triggers": 1}


async def test_pages_have_each_once(known: World) -> None:
    whole = await listed(known, "/connectors")
    pages = [(await known.get(f"/connectors?limit=1&offset={each}")).json() for each in range(3)]
    assert [each["count"] for each in pages] == [2, 2, 2]
    assert [row for each in pages for row in each["connectors"]] == whole


async def test_numbers_are_those_of_a_release_that_is_stored(known: World) -> None:
    [row] = await listed(known, "/connectors?q=kafka")
    assert row["id"] == connector_id("octo", "kafka", "Client")
    [row] = await listed(known, "/triggers")
    assert row["id"] == trigger_id("octo", "kafka")


@pytest.mark.parametrize("is_named", [False, True])
async def test_a_connector_is_described_from_its_release(
    known: World, upstream: FakeUpstream, *, is_named: bool
) -> None:
    [row] = await listed(known, "/connectors?q=kafka")
    upstream.asked.clear()
    for _ in range(2):
        found = (await known.get(BY_NAME if is_named else f"/connectors/{row['id']}")).json()
        assert [each["name"] for each in found.pop("functions")] == ["init", "greet", "get"]
        assert found.keys() == row.keys()
        assert (found["id"], found["version"]) == (row["id"], "0.1.0")
    assert upstream.asked == PULLED
    [trigger] = await listed(known, "/triggers")
    assert (await known.get(f"/triggers/{trigger['id']}")).json()["serviceTypes"]


async def test_a_connector_of_an_earlier_version_is_described(
    known: World, upstream: FakeUpstream
) -> None:
    upstream.archives["octo/kafka:0.0.9"] = documented_bala("octo/kafka:0.0.9")
    found = await known.get("/connectors/octo/kafka/0.0.9/kafka/Client")
    assert found.json()["version"] == "0.0.9"


async def test_a_connector_that_is_not_documented_yet_is_unavailable(known: World) -> None:
    for each in known.instances:
        each.api_docs.queue._is_enabled = False
    answer = await known.get(BY_NAME)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    await known.document()
    assert (await known.get(BY_NAME)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/connectors/octo/kafka/0.1.0/kafka/Other",
        "/connectors/octo/kafka/0.1/kafka/Client",
        "/connectors/octo/kafka/0.1.0/kafka/..%2Fother",
        "/connectors/octo/kafka/0.1.0/..%2F..%2Fother/Client",
        "/connectors/42",
        "/triggers/octo/kafka/0.1.0/kafka/Client",
    ],
)
async def test_a_connector_that_the_upstream_does_not_have_is_missing(
    known: World, path: str
) -> None:
    answer = await known.get(path)
    assert answer.status_code == 404
    assert "not found" in answer.json()["message"]


async def test_an_organization_of_ours_is_never_asked_for(
    known: World, upstream: FakeUpstream
) -> None:
    await known.create_organization("ours")
    upstream.asked.clear()
    for path in ("/connectors/ours/lib/1.0.0/lib/Client", "/triggers/ours/lib/1.0.0/lib/Listener"):
        assert (await known.get(path)).status_code == 404
    assert not upstream.asked


async def test_an_organization_that_was_founded_here_leaves_the_lists(known: World) -> None:
    await known.create_organization("octo")
    await update(known)
    assert await connectors(known) == ["ballerina/io:Reader"]
    assert (await known.get(BY_NAME)).status_code == 404


async def test_what_rules_leave_out_is_neither_described_nor_listed(
    known: World, upstream: FakeUpstream
) -> None:
    [row] = await listed(known, "/connectors?q=kafka")
    await change(known, "octo/* deny")
    upstream.asked.clear()
    for path in (f"/connectors/{row['id']}", BY_NAME):
        denied = await known.get(path)
        assert denied.status_code == 400
        assert "the rule `octo/* deny` denies it" in denied.text
    assert not upstream.asked
    await update(known)
    assert await connectors(known) == ["ballerina/io:Reader"]
    await change(known, age="2020-01-01")
    await update(known)
    assert await connectors(known) == []
    refused = await known.get("/connectors/ballerina/io/1.1.0/io/Reader")
    assert "the rule `* 2020-01-01T00:00:00Z` serves nothing later" in refused.json()["message"]


async def test_lists_stay_while_the_upstream_does_not_answer(
    known: World, upstream: FakeUpstream
) -> None:
    upstream.behave = dict.fromkeys(("list", "connectors", "triggers", "package"), broken)
    known.clock.advance(AN_HOUR)
    report = await update(known)
    assert report.problems
    assert len(await connectors(known)) == 2
    answer = await known.get(BY_NAME)
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


async def test_a_pull_keeps_it_in_the_lists(known: World) -> None:
    before = await listed(known, "/connectors?q=kafka")
    assert (await known.get("/packages/octo/kafka/0.1.0", headers=PULL)).status_code == 302
    await catch_up(known)
    [row] = await listed(known, "/connectors?q=kafka")
    assert row["id"] == before[0]["id"]
    assert row["package"]["upstream"]["isStored"] is True


async def test_the_next_round_follows_the_upstream(known: World, upstream: FakeUpstream) -> None:
    upstream.items["connectors"].pop()
    upstream.have_item("connectors", "octo/kafka:0.1.0", "Admin")
    known.clock.advance(AN_HOUR)
    await update(known)
    assert await connectors(known) == ["octo/kafka:Client", "octo/kafka:Admin"]


async def test_an_upstream_without_such_lists_is_no_problem(
    known: World, upstream: FakeUpstream
) -> None:
    upstream.behave |= {"connectors": MISSING, "triggers": MISSING}
    known.clock.advance(AN_HOUR)
    report = await update(known)
    assert (report.changed, report.problems) == (0, ())
    assert len(await connectors(known)) == 2


async def test_an_upstream_without_triggers_may_have_connectors(
    known: World, upstream: FakeUpstream
) -> None:
    upstream.behave["triggers"] = MISSING
    for release in ("octo/kafka:0.1.0", "ballerina/io:1.1.0"):
        upstream.have_item("connectors", release, "Admin")
    known.clock.advance(AN_HOUR)
    assert (await update(known)).changed == 2
    assert len(await connectors(known)) == 4


async def test_a_list_may_have_twenty_thousand_entries(
    known: World, upstream: FakeUpstream
) -> None:
    emptied = JSONResponse({"connectors": [], "count": 20_000})
    upstream.behave["connectors"] = answering(emptied)
    known.clock.advance(AN_HOUR)
    assert not (await update(known)).problems
    assert await connectors(known) == []


UNREADABLE = {
    "no list": ({"connectors": "none", "count": 2}, ""),
    "no count": ({"connectors": []}, ""),
    "too long": ({"connectors": [], "count": 20_001}, "its list of connectors has 20,001 entries"),
}


@pytest.mark.parametrize(("body", "problem"), UNREADABLE.values(), ids=UNREADABLE)
async def test_a_list_that_cannot_be_read_changes_nothing(
    known: World, upstream: FakeUpstream, body: dict[str, object], problem: str
) -> None:
    upstream.behave["connectors"] = answering(JSONResponse(body))
    known.clock.advance(AN_HOUR)
    report = await update(known)
    assert len(report.problems) == 1
    assert problem in report.problems[0]
    assert report.seen == 2
    assert len(await connectors(known)) == 2


@pytest.mark.parametrize("is_new", [False, True])
async def test_a_list_without_an_end_changes_nothing(
    known: World, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, *, is_new: bool
) -> None:
    """It sends one page again and again, or always another one."""
    monkeypatch.setattr(catalogue, "MAX_PAGES", 3)
    [row, *_] = upstream.items["connectors"]

    async def endless(request: Request) -> Response:
        name = f"Client{request.query_params['offset']}" if is_new else "Client"
        return JSONResponse({"connectors": [{**row, "name": name}], "count": 9_999})

    upstream.behave["connectors"] = endless
    known.clock.advance(AN_HOUR)
    [problem] = (await update(known)).problems
    assert ("more than 3 pages" if is_new else "the same page") in problem
    assert len(await connectors(known)) == 2


@pytest.mark.parametrize("kind", ["connectors", "triggers"])
async def test_a_list_that_takes_too_long_changes_nothing(
    known: World, upstream: FakeUpstream, kind: str
) -> None:
    [row, *_] = upstream.items[kind]

    async def slow(request: Request) -> Response:
        known.clock.advance(RUN_TIME)
        name = f"Client{request.query_params['offset']}"
        return JSONResponse({kind: [{**row, "name": name}], "count": 9_999})

    upstream.behave[kind] = slow
    known.clock.advance(AN_HOUR)
    [problem] = (await update(known)).problems
    assert f"its list of {kind} was not read in time" in problem
    assert upstream.asked[kind] == 2
    assert len(await connectors(known)) == 2


async def test_entries_that_break_the_rules_are_left_out(
    mirror: World, upstream: FakeUpstream
) -> None:
    good = upstream.have_item("connectors", "ballerina/io:1.1.0", "Reader")
    package = good["package"]
    for change_of in (
        {"name": ""},
        {"name": 3},
        {"moduleName": "other"},  # The number would be that of another package.
        {"moduleName": "../io"},
        {"package": None},
        {"package": {**package, "version": "one"}},
        {"package": {**package, "name": "../io"}},
    ):
        upstream.items["connectors"].append({**good, **change_of})
    upstream.items["connectors"].append({**good, "label": 5, "documentation": None})

    odd = JSONResponse({"triggers": [None, "text", {}], "count": 3})
    upstream.behave["triggers"] = answering(odd)
    assert not (await update(mirror)).problems
    assert await connectors(mirror) == ["ballerina/io:Reader"]
    assert await listed(mirror, "/triggers") == []


async def test_a_version_that_is_refused_is_not_described(
    known: World, upstream: FakeUpstream
) -> None:
    upstream.archives["octo/kafka:0.1.0"] = b"no archive"
    for _ in range(2):
        answer = await known.get(BY_NAME)
        assert answer.status_code == 400
        assert "octo/kafka:0.1.0" in answer.json()["message"]


async def test_callers_without_a_token_are_limited(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    world = await worlds(upstream=upstream.url, limit_mirror="address=2")
    for version, status in (("0.2.0", 404), ("0.3.0", 429)):
        path = f"/connectors/octo/kafka/{version}/kafka/Client"
        assert (await world.get(path)).status_code == status
