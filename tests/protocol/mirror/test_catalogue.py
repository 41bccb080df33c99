"""What the upstream has is known before anybody pulls it."""

from datetime import timedelta
from html import unescape

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.domain.mirroring import CataloguedPackage
from shared.domain.packages import UpstreamOrigin
from shared.domain.tasks import TaskReport
from shared.services.maintenance.update_upstream_catalogue import UpdateUpstreamCatalogue
from shared.services.mirroring import catalogue
from shared.services.mirroring.catalogue import MAX_PAGES
from tests.support.archives import bala
from tests.support.mirrors import (
    CAME_THROUGH_HERE,
    PULL,
    answering,
    change,
    events_of,
    release_of,
    services,
)
from tests.support.upstreams import FakeUpstream
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

AN_HOUR = timedelta(hours=1, minutes=1)


@pytest.fixture
async def known(mirror: World, upstream: FakeUpstream) -> World:
    """Return a registry that has read the catalogue of an upstream with three packages."""
    upstream.publish("ballerina/io:1.0.0")
    upstream.publish("ballerina/http:2.0.0")
    upstream.publish("octo/kafka:0.1.0")
    await update(mirror)
    return mirror


async def update(world: World) -> TaskReport:
    """Run the task, as the timer does."""
    report = await world.registry.maintenance.task_runner.run(UpdateUpstreamCatalogue.id)
    assert report is not None
    await catch_up(world)
    return report


async def catch_up(world: World) -> None:
    """Let search find what was changed."""
    if world.stores.feed is not None:
        await world.stores.feed.catch_up()


async def found(world: World, query: str) -> list[str]:
    answer = (await world.get(f"/packages?q={query}&sort=name")).json()
    assert answer["count"] == len(answer["packages"])
    return [
        f"{each['organization']}/{each['name']}:{each['version']}" for each in answer["packages"]
    ]


async def test_search_finds_what_was_never_pulled(known: World, upstream: FakeUpstream) -> None:
    assert await found(known, "kafka") == ["octo/kafka:0.1.0"]
    assert await found(known, "org:ballerina") == ["ballerina/http:2.0.0", "ballerina/io:1.1.0"]
    [model] = (await known.get("/packages?q=kafka")).json()["packages"]
    assert model["summary"] == "The summary of kafka"
    assert model["upstream"]["isStored"] is False
    assert upstream.asked == {"list": 1, "connectors": 1, "triggers": 1}


async def test_the_first_round_begins_with_the_first_call_of_the_timer(
    mirror: World, upstream: FakeUpstream
) -> None:
    runner = mirror.registry.maintenance.task_runner
    assert UpdateUpstreamCatalogue.id in [each.id for each in await runner.due()]
    assert await runner.run_due(UpdateUpstreamCatalogue.id)
    assert UpdateUpstreamCatalogue.id not in [each.id for each in await runner.due()]
    await catch_up(mirror)
    assert await found(mirror, "org:ballerina") == ["ballerina/io:1.1.0"]
    assert upstream.asked["list"] == 1


async def test_suggestions_and_graphql_know_it(known: World) -> None:
    answer = await known.get("/search-suggestions?q=kaf")
    assert answer.json()["suggestions"] == ["octo/kafka"]
    query = '{ package(orgName: "octo", packageName: "kafka", version: "") { version summary } }'
    answer = await known.send("POST", f"{URL}/2.0/graphql", json={"query": query})
    assert answer.json()["data"]["package"] == {
        "version": "0.1.0",
        "summary": "The summary of kafka",
    }


async def test_the_search_page_marks_it(known: World, upstream: FakeUpstream) -> None:
    page = await known.get(f"{URL}/search?q=kafka")
    assert f"From {upstream.name}, not yet pulled" in page.text
    await known.get("/packages/octo/kafka/0.1.0", headers=PULL)
    await catch_up(known)
    page = await known.get(f"{URL}/search?q=kafka")
    assert "octo" in page.text
    assert "not yet pulled" not in page.text


async def test_the_page_of_a_package_that_was_not_pulled_says_what_is_known(
    known: World, upstream: FakeUpstream
) -> None:
    page = await known.get(f"{URL}/packages/octo/kafka")
    assert page.status_code == 200
    for text in ("The summary of kafka", "bal pull octo/kafka:0.1.0", "The first pull", "keyword"):
        assert text in page.text
    page = await known.get(f"{URL}/packages/ballerina/io")
    assert "/packages/ballerina/io/1.0.0" in page.text
    assert (await known.get(f"{URL}/packages/ballerina/io/1.0.0")).status_code == 200
    assert (await known.get(f"{URL}/packages/ballerina/io/9.0.0")).status_code == 404
    assert (await known.get(f"{URL}/packages/ballerina/none")).status_code == 404
    assert upstream.asked["file"] == 0


async def test_programs_read_the_same(known: World) -> None:
    page = await known.get(f"{URL}/packages/octo/kafka", headers={"Accept": "text/markdown"})
    assert page.headers["content-type"].startswith("text/markdown")
    assert "The summary of kafka" in page.text


async def test_what_is_stored_is_listed_as_such(known: World) -> None:
    await known.get("/packages/ballerina/io/1.0.0", headers=PULL)
    await catch_up(known)
    assert await found(known, "name:io") == ["ballerina/io:1.0.0"]
    known.clock.advance(AN_HOUR)
    await update(known)
    assert await found(known, "name:io") == ["ballerina/io:1.0.0"]


async def test_an_organization_that_was_founded_here_leaves_it(
    known: World, upstream: FakeUpstream
) -> None:
    await known.create_organization("octo")
    assert (await known.get(f"{URL}/packages/octo/kafka")).status_code == 404
    await update(known)
    assert await found(known, "kafka") == []
    known.clock.advance(AN_HOUR)
    await update(known)
    assert await found(known, "kafka") == []
    assert upstream.asked["list"] == 2


async def test_what_the_rules_leave_out_leaves_it_with_the_next_run(known: World) -> None:
    await change(known, "octo deny")
    page = await known.get(f"{URL}/packages/octo/kafka")
    assert page.status_code == 400
    assert "the rule `octo deny` denies it" in unescape(page.text)
    await update(known)
    assert await found(known, "kafka") == []
    assert await found(known, "name:io") == ["ballerina/io:1.1.0"]
    await change(known, age="2001-01-01")
    assert (await known.get(f"{URL}/packages/ballerina/io")).status_code == 400
    await update(known)
    assert await found(known, "name:io") == []


async def test_the_release_before_stays_in_it_until_the_newest_one_is_old_enough(
    known: World, upstream: FakeUpstream
) -> None:
    await change(known, age="7")
    upstream.publish("ballerina/io:1.2.0")
    upstream.described["ballerina/io:1.2.0"] = {"createdDate": known.clock.now_ms()}
    await update(known)
    assert await found(known, "name:io") == ["ballerina/io:1.1.0"]
    known.clock.advance(timedelta(days=7))
    await update(known)
    assert await found(known, "name:io") == ["ballerina/io:1.2.0"]


async def test_what_another_upstream_has_is_in_it_until_that_is_given_up(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    upstream.publish("octo/kafka:0.1.0")
    second = FakeUpstream()
    second.publish("other_org/lib:1.0.0")
    with second.serving():
        mirror = await worlds(upstream=f"{upstream.url},{second.url}")
        await update(mirror)
        assert await found(mirror, "name:lib") == ["other_org/lib:1.0.0"]
        assert await found(mirror, "kafka") == ["octo/kafka:0.1.0"]
        await change(mirror, upstreams=second.url)
        await update(mirror)
    assert await found(mirror, "name:lib") == ["other_org/lib:1.0.0"]
    assert await found(mirror, "kafka") == []


async def test_packages_of_ours_are_never_in_it(mirror: World, upstream: FakeUpstream) -> None:
    await mirror.push(bala("acme/secret:1.0.0", visibility="private"))
    upstream.publish("acme/secret:2.0.0")
    upstream.publish("acme/other:2.0.0")
    await update(mirror)
    assert await found(mirror, "org:acme") == []


async def test_a_round_changes_what_changed(known: World, upstream: FakeUpstream) -> None:
    upstream.publish("octo/kafka:0.2.0")
    upstream.deprecated["ballerina/http:2.0.0"] = "Use another."
    known.clock.advance(AN_HOUR)
    report = await update(known)
    assert (report.seen, report.changed) == (3, 2)
    assert await found(known, "kafka") == ["octo/kafka:0.2.0"]
    assert await found(known, "name:http") == []
    assert await found(known, "name:http&deprecated=true") == ["ballerina/http:2.0.0"]


async def test_a_round_begins_once_an_hour(known: World, upstream: FakeUpstream) -> None:
    assert await update(known) == TaskReport()
    known.clock.advance(AN_HOUR)
    await update(known)
    assert upstream.asked["list"] == 2


async def test_a_round_begins_after_the_clock_was_set_back(
    known: World, upstream: FakeUpstream
) -> None:
    known.clock.step(-timedelta(days=1))
    await update(known)
    assert upstream.asked["list"] == 2
    assert await update(known) == TaskReport()


async def test_what_the_upstream_removed_leaves_it(known: World, upstream: FakeUpstream) -> None:
    del upstream.archives["octo/kafka:0.1.0"]
    known.clock.advance(AN_HOUR)
    await update(known)
    assert await found(known, "kafka") == []
    assert (await known.get(f"{URL}/packages/octo/kafka")).status_code == 404


async def test_what_the_upstream_removed_leaves_it_behind_many_that_it_has_without_naming_them(
    mirror: World, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "MAX_CONFIRMED", 2)
    names = [f"octo/part{number}" for number in range(7)]
    for name in names:
        upstream.publish(f"{name}:1.0.0")
    await update(mirror)
    removed = ("octo/part3", "octo/part6")
    for name in removed:
        del upstream.archives[f"{name}:1.0.0"]
    upstream.unlisted = {*names}
    for _ in range(4):
        mirror.clock.advance(AN_HOUR)
        await update(mirror)
    left = [f"{each}:1.0.0" for each in names if each not in removed]
    assert await found(mirror, "org:octo") == left


# --- An upstream that misbehaves -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "is_readable"),
    [
        (JSONResponse({"packages": [], "count": 0}), True),
        (JSONResponse({"packages": []}), False),
        (JSONResponse([]), False),
        (JSONResponse({"count": "many"}), False),
        (JSONResponse("text"), False),
        (Response("<html>Forbidden", media_type="text/html"), False),
    ],
)
async def test_an_empty_or_unreadable_list_takes_nothing_away(
    known: World, upstream: FakeUpstream, answer: Response, is_readable: bool
) -> None:
    upstream.behave["list"] = answering(answer)
    known.clock.advance(AN_HOUR)
    report = await update(known)
    if is_readable:
        assert report.problems == ()
    else:
        [problem] = report.problems
        assert "could not be read" in problem
    assert len(await found(known, "")) == 3


async def test_a_list_without_end_is_abandoned(mirror: World, upstream: FakeUpstream) -> None:
    model = {"organization": "evil", "version": "1.0.0"}

    async def endless(request: Request) -> Response:
        offset = int(request.query_params["offset"])
        page = [{**model, "name": f"p{offset + number}"} for number in range(2)]
        return JSONResponse({"packages": page, "count": offset + 1_000})

    upstream.behave["list"] = endless
    report = await update(mirror)
    assert "more than 400 pages" in report.problems[0]
    [(_, state)] = await services(mirror).states()
    assert "more than 400 pages" in state.problem
    assert upstream.asked["list"] == MAX_PAGES
    assert await update(mirror) == TaskReport()  # The next round begins in an hour.


@pytest.mark.parametrize(
    ("count", "reason"), [(1_000_000, "1,000,000 entries"), (1_000, "the same page")]
)
async def test_a_list_that_is_too_long_or_repeats_itself_is_abandoned(
    mirror: World, upstream: FakeUpstream, count: int, reason: str
) -> None:
    page = [{"organization": "evil", "name": "p", "version": "1.0.0"}]
    upstream.behave["list"] = answering(JSONResponse({"packages": page, "count": count}))
    assert reason in (await update(mirror)).problems[0]


async def test_names_that_break_the_rules_are_left_out(
    mirror: World, upstream: FakeUpstream
) -> None:
    names = [("../etc", "p"), ("ok", "a/b"), ("ok", "x" * 300), ("ok", None), (1, "p"), ("ok", "p")]
    page = [{"organization": org, "name": name, "version": "1.0.0"} for org, name in names]
    page += [{"organization": "ok", "name": "q", "version": "<b>"}, "text"]
    page += [{"organization": "ok", "name": "r", "version": "1.0.0", "digest": "none"}]
    listed = JSONResponse({"packages": page, "count": len(page)})
    upstream.behave["list"] = answering(listed)
    await update(mirror)
    assert await found(mirror, "") == ["ok/p:1.0.0"]


async def test_a_busy_upstream_is_left_alone_and_read_later(
    known: World, upstream: FakeUpstream
) -> None:
    for number in range(150):
        upstream.publish(f"many/p{number:03}:1.0.0")

    async def busy(request: Request) -> Response | None:
        if request.query_params["offset"] != "100":
            return None
        return JSONResponse({"message": "busy"}, 429, {"Retry-After": "120"})

    upstream.behave["list"] = busy
    known.clock.advance(AN_HOUR)
    report = await update(known)
    assert "429" in report.problems[0]
    asked = upstream.asked["list"]
    await update(known)  # It is asked for nothing before the two minutes are over.
    assert upstream.asked["list"] == asked
    upstream.behave.clear()
    known.clock.advance(timedelta(minutes=3))
    report = await update(known)
    assert (report.seen, report.problems) == (153, ())
    answer = (await known.get("/packages?q=org:many")).json()
    assert answer["count"] == 150


async def test_a_catalogue_that_search_lost_is_put_back(known: World) -> None:
    for each in await services(known).catalogue.packages():
        await known.stores.search.remove(each.package)
    known.clock.advance(AN_HOUR)
    await update(known)
    assert len(await found(known, "")) == 3


async def test_a_start_with_a_new_search_index_lists_the_catalogue(known: World) -> None:
    deriving = known.registry.packages.derived_data
    catalogue = services(known).catalogue
    for each in await catalogue.packages():
        await known.stores.search.remove(each.package)
    if await deriving.search.filled_until() is None:
        pytest.skip("In the cloud a new index is a copy of stored listings.")
    await known.get("/packages/octo/kafka/0.1.0", headers=PULL)
    await deriving.fill_search(catalogue.listings())
    assert await deriving.search.filled_until() is None
    assert await found(known, "") == [
        "ballerina/http:2.0.0",
        "ballerina/io:1.1.0",
        "octo/kafka:0.1.0",
    ]


# --- Tools ---------------------------------------------------------------------------------------


@pytest.fixture
def tool(upstream: FakeUpstream) -> str:
    """Publish a tool at the upstream, and return its id."""
    upstream.publish("octo/health:1.2.0", tools=["health"], platform="java21")
    upstream.described["octo/health:1.2.0"] = {"balToolId": "health"}
    return "health"


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_tool_of_the_upstream_is_pulled(
    mirror: World, upstream: FakeUpstream, tool: str, is_known: bool
) -> None:
    if is_known:
        await update(mirror)
        [model] = (await mirror.get("/tools?q=health")).json()["tools"]
        assert model["balToolId"] == tool
    answer = await mirror.get(f"/tools/{tool}")
    model = answer.json()
    assert (answer.status_code, model["balToolId"], model["version"]) == (200, tool, "1.2.0")
    assert (await mirror.get(model["balaURL"])).status_code == 200
    assert (await mirror.get(f"/tools/{tool}/1.2.0")).json()["organization"] == "octo"
    assert upstream.asked["tool"] == 1
    assert upstream.asked["file"] == 1


async def test_tools_are_resolved(mirror: World, tool: str) -> None:
    await update(mirror)
    body = {"tools": [{"id": tool, "version": "", "mode": "soft"}, {"id": "none", "version": ""}]}
    answer = (await mirror.send("POST", "/tools/resolve-dependencies", json=body)).json()
    [resolved] = answer["resolved"]
    assert (resolved["id"], resolved["name"], resolved["version"]) == (tool, "health", "1.2.0")
    assert [each["id"] for each in answer["unresolved"]] == ["none"]


@pytest.mark.parametrize("wanted", ["", "/1.2.0"])
@pytest.mark.parametrize("is_stored", [True, False])
async def test_a_tool_of_a_denied_package_is_told_with_the_rule(
    mirror: World, tool: str, wanted: str, is_stored: bool
) -> None:
    if is_stored:
        assert (await mirror.get(f"/tools/{tool}")).status_code == 200
    await change(mirror, "octo deny")
    answer = await mirror.get(f"/tools/{tool}{wanted}")
    assert answer.status_code == 400
    assert "octo/health" in answer.text
    assert "is not served here: the rule `octo deny` denies it" in answer.text
    body = {"tools": [{"id": tool, "version": "", "mode": "soft"}]}
    answer = await mirror.send("POST", "/tools/resolve-dependencies", json=body)
    assert [each["id"] for each in answer.json()["unresolved"]] == [tool]


async def test_a_missing_tool_costs_the_upstream_one_request_a_minute(
    mirror: World, upstream: FakeUpstream
) -> None:
    for _ in range(3):
        assert (await mirror.get("/tools/none")).status_code == 404
    assert upstream.asked == {"tool": 1}
    assert (await mirror.get("/tools/No%20Tool!")).status_code == 404
    assert upstream.asked == {"tool": 1}


async def test_a_tool_of_ours_is_never_looked_for(
    mirror: World, upstream: FakeUpstream, tool: str
) -> None:
    await mirror.push(bala("acme/doctor:1.0.0", tools=[tool], visibility="private"))
    await update(mirror)
    assert (await mirror.get(f"/tools/{tool}")).status_code == 404
    assert (await mirror.get(f"/tools/{tool}", by=mirror.people.ann)).json()["name"] == "doctor"
    assert upstream.asked["tool"] == 0
    model = await mirror.get("/packages/octo/health/1.2.0", headers=PULL)
    assert model.status_code == 302
    model = (await mirror.get("/packages/octo/health/1.2.0")).json()
    assert model["upstream"]["withoutTools"] == [tool]


# --- Removals ------------------------------------------------------------------------------------


async def test_a_stored_release_that_the_upstream_removed_stays_and_is_marked(
    known: World, upstream: FakeUpstream
) -> None:
    path = "/packages/octo/kafka/0.1.0"
    archive = upstream.archives["octo/kafka:0.1.0"]
    await known.get(path, headers=PULL)
    del upstream.archives["octo/kafka:0.1.0"]
    await refreshed(known, path)
    assert (await known.get(path, headers=PULL)).status_code == 302
    origin = (await known.get(path)).json()["upstream"]
    assert origin["removedDate"] >= origin["firstSeenDate"]
    page = await known.get(f"{URL}{path}")
    assert f"Removed from {upstream.name}" in page.text
    upstream.archives["octo/kafka:0.1.0"] = archive
    await refreshed(known, path)
    assert "removedDate" not in (await known.get(path)).json()["upstream"]
    marked = await events_of(known, "mirror.removed", "mirror.restored")
    assert [each.kind for each in marked] == ["mirror.removed", "mirror.restored"]
    assert {each.actor for each in marked} == {"mirror"}


async def refreshed(world: World, path: str) -> None:
    """Refresh what is behind a path, as a request for it does after a time."""
    for _ in range(2):  # The second time nothing changes.
        world.clock.advance(timedelta(minutes=10))
        await world.get(path)
        await services(world).refreshing.drain()


async def test_an_administrator_clears_it(known: World) -> None:
    assert await services(known).catalogue.clear() == 3
    await catch_up(known)
    assert await found(known, "") == []
    assert await update(known) == TaskReport()


async def test_operators_see_when_it_was_read(known: World) -> None:
    [(_, state)] = await services(known).states()
    assert (state.problem, state.completed_ms) == ("", known.clock.now_ms())


async def test_a_removal_is_noted_once(known: World, upstream: FakeUpstream) -> None:
    path = "/packages/octo/kafka/0.1.0"
    release = "octo/kafka:0.1.0"
    await known.get(path, headers=PULL)
    before = await release_of(known, release)
    del upstream.archives[release]
    await refreshed(known, path)
    noted = await release_of(known, release)
    known.clock.advance(timedelta(minutes=10))
    services(known).refreshing.refresh(before)  # As a process does that read it before.
    await services(known).refreshing.drain()
    assert await release_of(known, release) == noted


async def test_entries_of_another_upstream_and_of_ours_leave_it(known: World) -> None:
    [entry, *_] = await services(known).catalogue.packages()
    origin = UpstreamOrigin(name="elsewhere", first_seen_ms=0)
    other = entry.release.model_copy(update={"upstream": origin})
    await known.stores.directory.put(CataloguedPackage(org="old", name="p", release=other))
    await known.create_organization("ours")
    known.clock.advance(timedelta(hours=3))
    await update(known)
    await known.stores.directory.put(entry.model_copy(update={"org": "ours"}))
    known.clock.advance(AN_HOUR)
    await update(known)
    left = {each.org for each in await services(known).catalogue.packages()}
    assert left == {"ballerina", "octo"}


async def test_the_tool_of_an_organization_that_was_founded_here_is_not_served(
    mirror: World, tool: str
) -> None:
    await update(mirror)
    await mirror.create_organization("octo")
    assert (await mirror.get(f"/tools/{tool}")).status_code == 404


async def test_a_tool_that_the_archive_does_not_have_is_missing(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("octo/health:1.2.0")
    upstream.described["octo/health:1.2.0"] = {"balToolId": "health"}
    assert (await mirror.get("/tools/health")).status_code == 404


async def test_a_tool_that_names_no_package_is_no_answer(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.behave["tool"] = answering(JSONResponse({"organization": "", "name": "health"}))
    assert (await mirror.get("/tools/health")).status_code == 503


async def test_a_tool_is_not_looked_for_in_a_circle(
    mirror: World, upstream: FakeUpstream, tool: str
) -> None:
    answer = await mirror.get(f"/tools/{tool}", headers=CAME_THROUGH_HERE)
    assert answer.status_code == 404
    assert upstream.asked["tool"] == 0
