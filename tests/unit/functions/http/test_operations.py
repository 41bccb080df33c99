"""Declaring an operation, and what its Function answers whatever the handler does."""

import json

import azure.functions as func
import pytest

from functions.http.answers import json_answer
from functions.http.calls import Call
from functions.http.operations import (
    READ_METHODS,
    Effect,
    JsonFace,
    Operation,
    answer,
    blueprint_of,
)
from shared.auth.tokens import Secret
from shared.domain.accounts import Account
from shared.domain.errors.packages import PackageNotFound
from shared.domain.errors.requests import TooManyRequests
from shared.domain.names import Package
from shared.domain.rate_limits import RateLimitAllowance, RateLimitClass, RateLimitSubject
from shared.domain.records import Place
from shared.hosting.triggers import functions_of
from shared.runtime.answers import Answer, FunctionResponse
from shared.settings import Settings
from tests.support.world import World

GREET = Package.parse("acme", "greet")
LEFT = RateLimitAllowance(
    RateLimitClass.PUSH, RateLimitSubject.TOKEN, limit=120, remaining=119, wait_ms=59_001
)
LESS = RateLimitAllowance(
    RateLimitClass.PUSH, RateLimitSubject.ACCOUNT, limit=240, remaining=7, wait_ms=1_000
)
GONE = RateLimitAllowance(
    RateLimitClass.PUSH, RateLimitSubject.TOKEN, 120, 0, wait_ms=16_500, is_exceeded=True
)

pets = JsonFace[Call]()
pets.call_type = Call


@pets.read("pets/{org}", is_open=True)
async def pet_show(call: Call) -> Answer:
    return json_answer({"pet": call.org})


@pets.change("pets", ["PUT"], limit=RateLimitClass.WRITE)
async def pet_draw(call: Call) -> Answer:
    return json_answer({"by": call.caller.address})


@pets.read("limited", is_open=True)
async def pet_count(call: Call) -> Answer:
    call.cookies.append(Secret("a=b; Path=/"))
    call.add_allowance(LEFT)
    call.add_allowance(None)
    call.add_allowance(LESS)
    if call.params:
        raise PackageNotFound(GREET)
    return Answer()


@pets.read("exceeded", is_open=True)
async def pet_refuse(call: Call) -> Answer:
    call.add_allowance(LEFT)
    raise TooManyRequests(GONE)


@pets.change("broken", is_open=True)
async def pet_break(call: Call) -> Answer:
    call.cookies.append(Secret("a=b; Path=/"))
    if call.params:
        return Answer(status=int("the inside"))
    return Answer(b"a", headers={"Transfer-Encoding": "chunked"})


@pets.read("repeated", is_repeated=True)
async def pet_list(call: Call) -> Answer:
    if call.params:
        await call.registry.adapters.directory.get(Account, Place(call.caller.id))
    return json_answer([])


def declared(name: str) -> Operation:
    (found,) = [each for each in pets if each.name == name]
    return found


async def answered(
    world: World,
    name: str,
    method: str = "GET",
    query: dict[str, str] | None = None,
    **headers: str,
) -> FunctionResponse:
    """Answer a request to an operation, without a host."""
    named = {each.replace("_", "-"): value for each, value in headers.items()}
    request = func.HttpRequest(
        method, "/", headers=named, params=query, route_params={"org": "acme"}, body=b""
    )
    return await answer(declared(name), world.registry, request)


# --- declarations ------------------------------------------------------------------------------


def test_an_operation_is_named_for_its_handler_unless_a_name_is_given() -> None:
    face = JsonFace[Call]()
    face.read("a")(pet_show)
    face.read("b", name="pet_other")(pet_show)
    assert [each.name for each in face] == ["pet_show", "pet_other"]


def test_a_read_answers_get_and_head_and_a_change_answers_post() -> None:
    face = JsonFace[Call]()
    face.read("a")(pet_show)
    face.change("b")(pet_show)
    read, change = face
    assert (read.effect, read.methods) == (Effect.READ, READ_METHODS)
    assert (change.effect, change.methods) == (Effect.CHANGE, ("POST",))


def test_the_decorated_handler_stays_what_it_is() -> None:
    assert declared("pet_show").handler is pet_show


def test_reads_are_ordinary_in_the_log_and_changes_are_not() -> None:
    class Recorded(JsonFace[Call]):
        records_reads = True

    face = Recorded()
    face.read("a")(pet_show)
    [recorded] = face
    assert declared("pet_show").is_ordinary
    assert not declared("pet_draw").is_ordinary
    assert not recorded.is_ordinary


def test_an_operation_exists_for_all_settings_unless_it_says_otherwise() -> None:
    face = JsonFace[Call]()
    face.read("a", exists=lambda settings: settings.require_strong)(pet_show)
    [demanding] = face
    assert declared("pet_show").exists(Settings())
    assert not demanding.exists(Settings())


async def test_a_function_is_called_and_routed_as_its_operation_says(world: World) -> None:
    app = func.FunctionApp()
    app.register_functions(blueprint_of(pets, world.registry))
    found = {
        each.route.function: (each.route.template.text, each.route.methods)
        for each in functions_of(app).http
    }
    assert found == {each.name: (each.route, set(each.methods)) for each in pets}


async def test_another_responder_answers_in_its_place(world: World) -> None:
    async def respond(operation: Operation, *_: object) -> func.HttpResponse:
        return func.HttpResponse(operation.name)

    face, app = JsonFace[Call](), func.FunctionApp()
    face.read("a", respond=respond)(pet_show)
    app.register_functions(blueprint_of(face, world.registry))
    (function,) = functions_of(app).http
    found = await function.call(func.HttpRequest("GET", "/", body=b""))
    assert isinstance(found, func.HttpResponse)
    assert found.get_body() == b"pet_show"


# --- callers -----------------------------------------------------------------------------------


async def test_nobody_is_identified_for_an_open_operation(world: World) -> None:
    assert (await answered(world, "pet_show", authorization="Bearer x")).status_code == 200
    assert (await answered(world, "pet_list", authorization="Bearer x")).status_code == 401


async def test_a_request_is_counted_against_the_limit_of_its_operation(world: World) -> None:
    token = f"Bearer {world.people.ann.token}"
    found = [await answered(world, "pet_draw", "PUT", authorization=token) for _ in range(2)]
    first, second = (int(each.headers["RateLimit-Remaining"]) for each in found)
    assert first - second == 1
    assert "RateLimit-Remaining" not in (await answered(world, "pet_show")).headers


# --- answers -----------------------------------------------------------------------------------


async def test_every_answer_has_an_id_of_its_own(world: World) -> None:
    ids = [(await answered(world, "pet_show")).headers["X-Request-Id"] for _ in range(2)]
    assert len(set(ids)) == 2


async def test_an_answer_has_the_tightest_of_its_limits(world: World) -> None:
    found = await answered(world, "pet_count")
    assert found.headers["RateLimit-Limit"] == "240"
    assert found.headers["RateLimit-Remaining"] == "7"


async def test_an_answer_without_limits_has_no_headers_for_them(world: World) -> None:
    assert "RateLimit-Limit" not in (await answered(world, "pet_show")).headers


async def test_a_refusal_has_no_limit_but_its_own(world: World) -> None:
    missing = await answered(world, "pet_count", query={"a": "b"})
    assert missing.status_code == 404
    assert "RateLimit-Limit" not in missing.headers
    refused = await answered(world, "pet_refuse")
    assert (refused.status_code, refused.headers["RateLimit-Remaining"]) == (429, "0")


@pytest.mark.parametrize("query", [{}, {"a": "b"}], ids=["answered", "refused"])
async def test_cookies_of_the_call_are_sent_with_every_answer(
    world: World, query: dict[str, str]
) -> None:
    found = await answered(world, "pet_count", query=query)
    assert found.headers["Set-Cookie"] == "a=b; Path=/"


async def test_an_invalid_name_in_the_path_of_a_read_is_a_missing_name(world: World) -> None:
    request = func.HttpRequest("GET", "/", route_params={"org": "-"}, body=b"")
    found = await answer(declared("pet_show"), world.registry, request)
    assert found.status_code == 404
    assert json.loads(found.get_body())["error"]["code"] == "organization-not-found"


async def test_a_change_with_a_chunked_body_is_refused(world: World) -> None:
    found = await answered(world, "pet_break", "POST", transfer_encoding="chunked")
    assert found.status_code == 411


@pytest.mark.parametrize("query", [{}, {"a": "b"}], ids=["unsendable", "raised"])
async def test_a_failure_is_answered_with_the_id_and_nothing_of_the_inside(
    world: World, query: dict[str, str]
) -> None:
    found = await answered(world, "pet_break", "POST", query)
    body = found.get_body().decode()
    assert found.status_code == 500
    assert found.headers["X-Request-Id"] in body
    assert "inside" not in body
    assert found.headers["Content-Length"] == str(len(body))


async def test_an_answer_that_the_host_would_not_send_leaves_no_cookie(world: World) -> None:
    assert "Set-Cookie" not in (await answered(world, "pet_break", "POST")).headers


# --- repeats -----------------------------------------------------------------------------------


async def test_an_answer_to_nobody_in_particular_may_be_repeated(world: World) -> None:
    repeat = (await answered(world, "pet_list")).answer.repeat
    assert repeat is not None
    assert repeat.packages == frozenset()
    assert (await answered(world, "pet_show")).answer.repeat is None


async def test_an_answer_to_a_known_caller_is_repeated_unless_it_depends_on_more_than_packages(
    world: World,
) -> None:
    token = f"Bearer {world.people.ann.token}"
    assert (await answered(world, "pet_list", authorization=token)).answer.repeat is not None
    more = await answered(world, "pet_list", query={"more": "1"}, authorization=token)
    assert more.answer.repeat is None
