"""Answers under way: one is made for all who ask meanwhile, and each gets one of their own."""

import asyncio

import azure.functions as func
import pytest

from functions._flights import Flights, question_of
from shared.domain.errors import PageNotFound


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
    flights: Flights, *questions: str, make: Kitchen
) -> list[asyncio.Task[func.HttpResponse]]:
    tasks = [asyncio.create_task(flights.answer((each,), make)) for each in questions]
    await asyncio.sleep(0)
    return tasks


async def test_those_who_ask_the_same_meanwhile_get_one_answer_each_of_their_own() -> None:
    kitchen, flights = Kitchen(), Flights()
    waiting = await begun(flights, "a", "a", "b", make=kitchen)
    kitchen.open.set()
    answers = await asyncio.gather(*waiting)
    assert kitchen.made == 2
    assert len({id(each) for each in answers}) == 3
    for answer in answers:
        assert (answer.get_body(), answer.headers["ETag"]) == (b"soup", "x")


async def test_who_asks_afterwards_has_it_made_anew() -> None:
    kitchen, flights = Kitchen(), Flights()
    kitchen.open.set()
    await flights.answer(("a",), kitchen)
    await flights.answer(("a",), kitchen)
    assert kitchen.made == 2


async def test_whoever_goes_away_leaves_the_others_their_answer() -> None:
    kitchen, flights = Kitchen(), Flights()
    first, second = await begun(flights, "a", "a", make=kitchen)
    first.cancel()
    kitchen.open.set()
    assert isinstance(await second, func.HttpResponse)
    assert kitchen.made == 1


async def test_a_refusal_is_everybodys() -> None:
    async def refuse() -> func.HttpResponse:
        raise PageNotFound("/x")

    flights = Flights()
    for _ in range(2):
        with pytest.raises(PageNotFound):
            await flights.answer(("a",), refuse)


def test_a_question_is_what_the_answer_is_made_of() -> None:
    def asked(**headers: str) -> func.HttpRequest:
        return func.HttpRequest("GET", "https://registry.test/?q=x", headers=headers, body=b"")

    assert question_of(asked()) == question_of(asked(cookie="a=b"))
    assert question_of(asked()) != question_of(asked(accept="application/json"))
    assert question_of(asked()) != question_of(asked(**{"If-None-Match": '"x"'}))
