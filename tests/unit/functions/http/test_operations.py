"""Declaring an operation, and what its Function answers whatever the handler does."""

import azure.functions as func

from functions.http.calls import Call
from functions.http.operations import JsonFace, Operation, answer
from shared.runtime.answers import Answer, FunctionResponse
from tests.support.world import World

pets = JsonFace[Call]()
pets.call_type = Call


@pets.change("broken", is_open=True)
async def pet_break(_call: Call) -> Answer:
    return Answer(status=int("the inside"))


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


async def test_a_failure_is_answered_with_the_id_and_nothing_of_the_inside(world: World) -> None:
    found = await answered(world, "pet_break", "POST")
    body = found.get_body().decode()
    assert found.status_code == 500
    assert found.headers["X-Request-Id"] in body
    assert "inside" not in body
    assert found.headers["Content-Length"] == str(len(body))
