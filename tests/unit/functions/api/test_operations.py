"""Declaring operations: what a decorator and annotations say, and the Function that follows."""

import json

import azure.functions as func

from functions.api.operations import (
    ApiCall,
    ApiCallWithBody,
    Operation,
    Operations,
    RequestModel,
    ResponseModel,
    unidentified_caller,
)
from functions.http.responses import NO_STORE
from shared.composition import Registry
from shared.domain.rate_limits import RateLimitClass
from shared.hosting.triggers import functions_of
from tests.support.world import World

pets = Operations()


class NewPet(RequestModel):
    name: str


class PetView(ResponseModel):
    pet_name: str


@pets.operation("GET", "pets/{org}", "Show a pet.", identify=unidentified_caller)
async def pet_show(call: ApiCall) -> PetView:
    return PetView(pet_name=call.org)


@pets.operation(
    "POST", "pets", "Add a pet.", status=201, refusals=(400,), identify=unidentified_caller
)
async def pet_add(call: ApiCallWithBody[NewPet]) -> PetView:
    call.headers["Location"] = f"/pets/{call.body.name}"
    return PetView(pet_name=call.body.name)


@pets.operation("DELETE", "pets/{org}", "Remove a pet.", identify=unidentified_caller)
async def pet_remove(call: ApiCall) -> None:
    assert call.part("org")


@pets.operation("PUT", "pets", "Draw a pet.", identify=unidentified_caller)
async def pet_draw(call: ApiCall) -> PetView | func.HttpResponse:
    return func.HttpResponse(call.caller.id or b":-)", mimetype="text/plain")


def declared(name: str) -> Operation:
    (found,) = [each for each in pets if each.name == name]
    return found


async def answer(registry: Registry, name: str, body: bytes = b"") -> func.HttpResponse:
    """Call the Function of an operation, without a host."""
    app, bp, operation = func.FunctionApp(), func.Blueprint(), declared(name)
    operation.add_to(bp, registry)
    app.register_functions(bp)
    (function,) = functions_of(app).http
    params = {"org": "acme"}
    request = func.HttpRequest(operation.method, "https://x/pets", route_params=params, body=body)
    found = await function.call(request)
    assert isinstance(found, func.HttpResponse)
    return found


def test_models_are_those_of_the_annotations() -> None:
    models = {each.name: (each.request, each.response) for each in pets}
    assert models == {
        "pet_show": (None, PetView),
        "pet_add": (NewPet, PetView),
        "pet_remove": (None, None),
        "pet_draw": (None, PetView),
    }


def test_an_operation_that_returns_nothing_answers_204() -> None:
    assert [each.status for each in pets] == [200, 201, 204, 200]


def test_changes_count_as_writes_unless_they_say_otherwise() -> None:
    assert {each.limit for each in pets} == {RateLimitClass.WRITE}


async def test_a_model_is_answered_as_json_that_no_cache_stores(world: World) -> None:
    found = await answer(world.registry, "pet_show")
    assert json.loads(found.get_body()) == {"petName": "acme"}
    assert found.headers["Cache-Control"] == NO_STORE["Cache-Control"]


async def test_a_body_is_parsed_and_headers_are_added(world: World) -> None:
    found = await answer(world.registry, "pet_add", b'{"name": "rex"}')
    assert (found.status_code, found.headers["Location"]) == (201, "/pets/rex")


async def test_an_invalid_body_is_refused(world: World) -> None:
    assert (await answer(world.registry, "pet_add", b'{"nam": "rex"}')).status_code == 400


async def test_nothing_returned_is_an_empty_response(world: World) -> None:
    found = await answer(world.registry, "pet_remove")
    assert (found.status_code, found.get_body()) == (204, b"")


async def test_a_response_of_the_handler_is_sent_as_it_is(world: World) -> None:
    assert (await answer(world.registry, "pet_draw")).get_body() == b":-)"
