"""Declaring an operation, and what its Function answers whatever the handler does."""

import azure.functions as func
import pytest

from functions.http.calls import Call
from functions.http.operations import JsonFace, Operation, answer
from shared.auth.tokens import Secret
from shared.runtime.answers import Answer, FunctionResponse
from tests.support.world import World

pets = JsonFace[Call]()
pets.call_type = Call


@pets.change("broken", is_open=True)
async def pet_break(call: Call) -> Answer:
    call.cookies.append(Secret("a=b; Path=/"))
    if call.params:
        return Answer(status=int("the inside"))
    return Answer(b"a", headers={"Transfer-Encoding": "chunked"})


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


# --- callers -----------------------------------------------------------------------------------


# --- answers -----------------------------------------------------------------------------------


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
