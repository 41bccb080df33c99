"""Declaring an operation, and what its Function answers whatever the handler does."""

import azure.functions as func

from functions.http.calls import Call
from functions.http.operations import JsonFace, answer
from shared.runtime.answers import Answer
from tests.support.world import World

pets = JsonFace[Call]()
pets.call_type = Call


@pets.change("broken", ignores_credentials=True)
async def pet_break(_call: Call) -> Answer:
    return Answer(status=int("the inside"))


async def test_a_failure_is_answered_with_the_id_and_nothing_of_the_inside(world: World) -> None:
    request = func.HttpRequest("POST", "/", headers={}, params={}, route_params={}, body=b"")
    found = await answer(next(iter(pets)), world.registry, request)
    body = found.get_body().decode()
    assert found.status_code == 500
    assert found.headers["X-Request-Id"] in body
    assert "inside" not in body
    assert found.headers["Content-Length"] == str(len(body))
