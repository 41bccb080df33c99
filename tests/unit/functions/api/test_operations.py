"""Declaring operations of the API: what a decorator and annotations say, and what is answered."""

import json

import azure.functions as func

from functions.api.operations import ApiCall, ApiFace, Created, OpenApi, RequestModel, ResponseModel
from functions.http.answers import NO_STORE
from functions.http.operations import READ_METHODS, Operation, answer
from shared.composition import Registry
from shared.domain.rate_limits import RateLimitClass
from shared.runtime.answers import Answer, FunctionResponse
from tests.support.world import World

pets = ApiFace()


class NewPet(RequestModel):
    name: str


class PetView(ResponseModel):
    pet_name: str


@pets.operation("GET", "pets/{org}", "Show a pet.", is_open=True)
async def pet_show(call: ApiCall) -> PetView:
    return PetView(pet_name=call.org)


@pets.operation("POST", "pets", "Add a pet.", status=201, refusals=(400,), is_open=True)
async def pet_add(_call: ApiCall, new: NewPet) -> Created[PetView]:
    return Created(PetView(pet_name=new.name), f"/pets/{new.name}")


@pets.operation("DELETE", "pets/{org}", "Remove a pet.", is_open=True)
async def pet_remove(call: ApiCall) -> None:
    assert call.route_params["org"]


@pets.operation("PUT", "pets", "Draw a pet.", is_open=True)
async def pet_draw(call: ApiCall) -> PetView | Answer:
    return Answer(call.caller.id.encode() or b":-)")


def declared(name: str) -> Operation:
    (found,) = [each for each in pets if each.name == name]
    return found


def described(operation: Operation) -> OpenApi:
    """Return what openapi.json says of an operation."""
    assert isinstance(operation.openapi, OpenApi)
    return operation.openapi


async def answered(registry: Registry, name: str, body: bytes = b"") -> FunctionResponse:
    """Answer a request to an operation, without a host."""
    operation, params = declared(name), {"org": "acme"}
    method = operation.methods[0]
    request = func.HttpRequest(method, "https://x/pets", route_params=params, body=body)
    return await answer(operation, registry, request)


def test_models_are_those_of_the_annotations() -> None:
    models = {each.name: (described(each).request, described(each).response) for each in pets}
    assert models == {
        "pet_show": (None, PetView),
        "pet_add": (NewPet, PetView),
        "pet_remove": (None, None),
        "pet_draw": (None, PetView),
    }


def test_an_operation_that_returns_nothing_answers_204() -> None:
    assert [described(each).status for each in pets] == [200, 201, 204, 200]


def test_refusals_follow_from_what_an_operation_reads_unless_it_names_its_own() -> None:
    api = ApiFace()
    api.operation("GET", "pets", "Show pets.")(pet_show)
    api.operation("DELETE", "pets/{org}", "Remove a pet.", also=(409,))(pet_remove)
    api.operation("POST", "pets", "Add a pet.")(pet_add)
    api.operation("GET", "pets/{id}", "Show a pet.", is_open=True)(pet_show)
    api.operation("GET", "pets/{id}", "Show a pet.", refusals=(404,))(pet_show)
    assert [described(each).refusals for each in api] == [
        (401,),
        (400, 401, 403, 404, 409),
        (400, 401, 403),
        (),
        (404,),
    ]


def test_changes_count_as_writes_unless_they_say_otherwise() -> None:
    limits = ApiFace()
    limits.operation("DELETE", "pets/{org}", "Remove a pet.")(pet_remove)
    limits.operation("DELETE", "pets", "Remove pets.", limit=None)(pet_remove)
    limits.operation("GET", "pets/{org}", "Show a pet.")(pet_show)
    assert [each.limit for each in limits] == [RateLimitClass.WRITE, None, None]


def test_a_head_is_answered_wherever_a_get_is() -> None:
    assert declared("pet_show").methods == READ_METHODS
    assert declared("pet_remove").methods == ("DELETE",)


async def test_a_model_is_answered_as_json_that_no_cache_stores(world: World) -> None:
    found = await answered(world.registry, "pet_show")
    assert json.loads(found.get_body()) == {"petName": "acme"}
    assert found.headers["Cache-Control"] == NO_STORE["Cache-Control"]


async def test_a_body_is_parsed_and_headers_are_added(world: World) -> None:
    found = await answered(world.registry, "pet_add", b'{"name": "rex"}')
    assert (found.status_code, found.headers["Location"]) == (201, "/pets/rex")


async def test_an_invalid_body_is_refused(world: World) -> None:
    assert (await answered(world.registry, "pet_add", b'{"nam": "rex"}')).status_code == 400


async def test_nothing_returned_is_an_empty_answer(world: World) -> None:
    found = await answered(world.registry, "pet_remove")
    assert (found.status_code, found.get_body()) == (204, b"")


async def test_an_answer_of_the_handler_is_sent_as_it_is(world: World) -> None:
    assert (await answered(world.registry, "pet_draw")).get_body() == b":-)"
