"""A request, its calls of stores and its requests to other servers are one trace, with the ids of
the Functions host.
"""

from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace

import azure.functions as func
import pytest

from functions.faces import build_app
from functions.http.calls import Exchange
from shared.adapters.http_fetcher import GuardedFetcher
from shared.hosting.triggers import functions_of
from shared.ports.http_client import Unanswered
from shared.telemetry.activities import Activity
from shared.telemetry.traces import OUTGOING_SPAN, REQUEST_SPAN, STORE_SPAN, UPKEEP_SPAN
from tests.protocol.host.test_telemetry import audit_timer
from tests.support.archives import bala
from tests.support.receivers import receiving
from tests.support.telemetry import Traced, attributes_of, id_of, parent_of, trace_of, tracing
from tests.support.upstreams import FakeUpstream, SharedServer
from tests.support.world import OpenWorld, World

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
SENT = f"00-{TRACE}-{SPAN}-00"

DATABASE = {"db.system.name", "db.namespace", "db.operation.name"}
HTTP = {"http.request.method", "http.response.status_code"}


@pytest.fixture
def traced() -> Iterator[Traced]:
    """Keep every span until the test ends."""
    with tracing() as kept:
        yield kept


async def test_a_push_is_one_trace_with_its_calls_of_stores(world: World, traced: Traced) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    push = traced.one("central_push")
    call = traced.one("metadata.add_release")
    assert push.kind.name == "SERVER"
    assert parent_of(push) == ""
    assert set(attributes_of(push)) == {*REQUEST_SPAN, *HTTP}
    assert attributes_of(push)["status"] == 204
    assert attributes_of(push)["method"] == "POST"
    assert (trace_of(call), parent_of(call)) == (trace_of(push), id_of(push))
    assert call.kind.name == "CLIENT"
    assert set(attributes_of(call)) == {*STORE_SPAN, *DATABASE}
    assert attributes_of(call)["db.namespace"] == "metadata"
    calls = [each for each in traced.spans if parent_of(each) == id_of(push)]
    assert {attributes_of(each)["store"] for each in calls} >= {"metadata", "archives", "directory"}
    assert len(calls) == attributes_of(push)["calls"]


async def test_spans_say_when_a_call_began_and_how_long_it_took(
    world: World, traced: Traced
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    push = traced.one("central_push")
    began = push.start_time or 0
    ended = push.end_time or 0
    assert began < ended
    calls = [each for each in traced.spans if parent_of(each) == id_of(push)]
    assert calls
    for call in calls:
        assert began <= (call.start_time or 0) <= (call.end_time or 0) <= ended


async def test_a_trace_that_a_client_began_goes_on_here(world: World, traced: Traced) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.get("/packages/acme/greet/1.0.0", headers={"traceparent": SENT})
    [get] = [each for each in traced.spans if trace_of(each) == TRACE and parent_of(each) == SPAN]
    assert (get.kind.name, attributes_of(get)["face"]) == ("SERVER", "central")


async def test_a_request_of_the_functions_host_is_a_part_of_the_record_that_it_makes(
    world: World, traced: Traced
) -> None:
    [live] = [f for f in functions_of(build_app(world.registry)).http if f.name == "health_live"]
    context = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=SENT))
    request = func.HttpRequest("GET", "/health/live", body=b"", headers={"traceparent": "00-x"})
    call: Callable[..., Awaitable[object]] = live.call
    await call(request, context=context)
    span = traced.one("health_live")
    assert (trace_of(span), parent_of(span), span.kind.name) == (TRACE, SPAN, "INTERNAL")


async def test_the_line_of_a_request_and_its_trace_have_the_same_request_id(
    world: World, traced: Traced
) -> None:
    answer = await world.get("/packages/acme/none")
    [span] = [each for each in traced.spans if attributes_of(each).get("status") == 404]
    assert attributes_of(span)["request_id"] == answer.headers["x-request-id"]
    assert span.status.is_ok  # A refusal is no failure.


async def test_an_answer_that_the_host_repeats_is_a_trace_without_calls(
    world: World, traced: Traced
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    for _ in range(3):
        await world.get("/packages/acme/greet", headers={"traceparent": SENT})
    spans = [each for each in traced.spans if trace_of(each) == TRACE and parent_of(each) == SPAN]
    assert len(spans) == 3
    assert attributes_of(spans[0])["calls"] > 0
    assert attributes_of(spans[-1])["calls"] == 0


async def test_a_request_to_an_upstream_is_a_part_of_the_trace(
    worlds: OpenWorld, shared_server: SharedServer, traced: Traced
) -> None:
    upstream = FakeUpstream()
    upstream.publish("ballerina/secretive:1.0.0")
    with upstream.serving(shared_server):
        mirror = await worlds(upstream=upstream.url)
        answer = await mirror.get("/packages/ballerina/secretive/1.0.0")
    assert answer.status_code == 200
    asked = [each for each in traced.spans if "server.address" in attributes_of(each)]
    assert asked
    request = {id_of(each): each for each in traced.spans}[parent_of(asked[0])]
    assert attributes_of(request)["operation"].startswith("central_")
    shown = attributes_of(asked[0])
    assert set(shown) == {*HTTP, "url.scheme", "server.address", "server.port", "outcome"}
    assert (asked[0].name, asked[0].kind.name) == ("GET", "CLIENT")
    assert shown["http.response.status_code"] == 200
    assert "secretive" not in traced.text()


async def test_a_request_to_another_server_has_its_host_and_nothing_else_of_its_address(
    traced: Traced,
) -> None:
    with receiving() as receiver:
        activity = Activity.begin()
        fetcher = GuardedFetcher(["127.0.0.1"])
        await fetcher.post(f"{receiver.url}/a-secret?sig=another", {"X-Key": "third"}, b"fourth")
        activity.end("any", dict, is_failed=False)
    shown = attributes_of(traced.one("POST"))
    assert len(shown) == len(OUTGOING_SPAN)
    assert (shown["server.address"], shown["http.response.status_code"]) == ("127.0.0.1", 204)
    assert not any(word in traced.text() for word in ("secret", "another", "third", "fourth"))


async def test_a_server_that_gives_no_answer_is_a_failed_span(traced: Traced) -> None:
    activity = Activity.begin()
    with pytest.raises(Unanswered):
        await GuardedFetcher().get("https://127.0.0.1/keys", {})
    activity.end("any", dict, is_failed=False)
    asked = traced.one("GET")
    assert not asked.status.is_ok
    assert attributes_of(asked)["outcome"] == "AnswerUnusable"


async def test_a_run_of_a_task_is_a_trace(world: World, traced: Traced) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await audit_timer(world)()
    run = traced.one("upkeep.audit-archives")
    assert set(attributes_of(run)) == {*UPKEEP_SPAN}
    assert attributes_of(run)["result"] == "done"
    assert [each for each in traced.spans if parent_of(each) == id_of(run)]


async def test_a_request_that_fails_is_exported_whatever_the_share() -> None:
    with tracing(share=1e-9) as traced:
        Exchange.begin("central_pull").end(200, "answered")
        Exchange.begin("central_pull").end(404, "PackageNotFound")
        Exchange.begin("central_pull").end(500, "broken")
    [failed] = traced.spans
    assert attributes_of(failed)["status"] == 500
    assert not failed.status.is_ok
