"""Answers under way: one is made for all who ask meanwhile, and each gets one of their own."""

import asyncio

import azure.functions as func
import pytest

from functions.http.public_pages import SharedResponses, request_key
from shared.domain.errors.requests import PageNotFound


class Kitchen:
    """Makes an answer when it is let, and counts."""

    def __init__(self) -> None:
        self.made = 0
        self.open = asyncio.Event()

    async def __call__(self) -> func.HttpResponse:
        self.made += 1
        await self.open.wait()
        return func.HttpResponse("soup", headers={"ETag": "x"}, mimetype="text/html")


async def begun(
    flights: SharedResponses, *questions: str, make: Kitchen
) -> list[asyncio.Task[func.HttpResponse]]:
    tasks = [asyncio.create_task(flights.answer((each,), make)) for each in questions]
    await asyncio.sleep(0)
    return tasks


async def test_those_who_ask_the_same_meanwhile_get_one_answer_each_of_their_own() -> None:
    kitchen, flights = Kitchen(), SharedResponses()
    waiting = await begun(flights, "a", "a", "b", make=kitchen)
    kitchen.open.set()
    answers = await asyncio.gather(*waiting)
    assert kitchen.made == 2
    assert len({id(each) for each in answers}) == 3
    for answer in answers:
        assert (answer.get_body(), answer.headers["ETag"]) == (b"soup", "x")


async def test_who_asks_afterwards_has_it_made_anew() -> None:
    kitchen, flights = Kitchen(), SharedResponses()
    kitchen.open.set()
    await flights.answer(("a",), kitchen)
    await flights.answer(("a",), kitchen)
    assert kitchen.made == 2


async def test_whoever_goes_away_leaves_the_others_their_answer() -> None:
    kitchen, flights = Kitchen(), SharedResponses()
    first, second = await begun(flights, "a", "a", make=kitchen)
    first.cancel()
    kitchen.open.set()
    assert isinstance(await second, func.HttpResponse)
    assert kitchen.made == 1


async def test_a_refusal_is_everybodys() -> None:
    async def refuse() -> func.HttpResponse:
        raise PageNotFound("/x")

    flights = SharedResponses()
    for _ in range(2):
        with pytest.raises(PageNotFound):
            await flights.answer(("a",), refuse)


def test_a_question_is_what_the_answer_is_made_of() -> None:
    def asked(**headers: str) -> func.HttpRequest:
        return func.HttpRequest("GET", "https://registry.test/?q=x", headers=headers, body=b"")

    assert request_key(asked()) == request_key(asked(cookie="a=b"))
    assert request_key(asked()) != request_key(asked(accept="application/json"))
    assert request_key(asked()) != request_key(asked(**{"If-None-Match": '"x"'}))
