"""Answers shared by equal requests: one is made for all of them, and each gets a copy."""

import asyncio

import azure.functions as func
import pytest

from functions.http.pages import PublicPageCall, PublicPages, SharedAnswers, answer_key
from shared.domain.errors.requests import PageNotFound
from shared.runtime.answers import Answer
from tests.support.operations import call_as
from tests.support.world import World


class Factory:
    """Makes an answer once `open` is set, and counts calls."""

    def __init__(self) -> None:
        self.made = 0
        self.open = asyncio.Event()

    async def __call__(self) -> Answer:
        self.made += 1
        await self.open.wait()
        return Answer(b"soup", headers={"ETag": "x"}, media_type="text/html")


async def start(shared: SharedAnswers, *keys: str, make: Factory) -> list[asyncio.Task[Answer]]:
    tasks = [asyncio.create_task(shared.answer((each,), make)) for each in keys]
    await asyncio.sleep(0)
    return tasks


async def test_equal_requests_in_progress_share_one_answer_and_each_gets_a_copy() -> None:
    factory, shared = Factory(), SharedAnswers()
    waiting = await start(shared, "a", "a", "b", make=factory)
    factory.open.set()
    answers = await asyncio.gather(*waiting)
    assert factory.made == 2
    assert len({id(each.headers) for each in answers}) == 3
    for each in answers:
        assert (each.body, each.headers["ETag"]) == (b"soup", "x")


async def test_a_later_request_gets_a_new_answer() -> None:
    factory, shared = Factory(), SharedAnswers()
    factory.open.set()
    await shared.answer(("a",), factory)
    await shared.answer(("a",), factory)
    assert factory.made == 2


async def test_a_cancelled_request_leaves_the_others_their_answer() -> None:
    factory, shared = Factory(), SharedAnswers()
    first, second = await start(shared, "a", "a", make=factory)
    first.cancel()
    factory.open.set()
    assert (await second).body == b"soup"
    assert factory.made == 1


async def test_a_refusal_is_raised_for_every_request() -> None:
    async def refuse() -> Answer:
        raise PageNotFound("/x")

    shared = SharedAnswers()
    for _ in range(2):
        with pytest.raises(PageNotFound):
            await shared.answer(("a",), refuse)


pages = PublicPages()


@pages.read("soups")
async def web_soups(call: PublicPageCall) -> Answer:
    return call.text("soup", "text/plain")


@pages.read("stews")
async def web_stews(call: PublicPageCall) -> Answer:
    return call.text("stew", "text/plain")


async def test_the_key_holds_what_the_answer_depends_on(world: World) -> None:
    soups, stews = pages

    def key(**headers: str) -> tuple[str, ...]:
        request = func.HttpRequest("GET", "https://registry.test/?q=x", headers=headers, body=b"")
        return answer_key(soups, call_as(PublicPageCall, request, world.registry), 1)

    assert key() == key(cookie="a=b")
    assert key() != key(accept="application/json")
    assert key() != key(**{"If-None-Match": '"x"'})
    call = call_as(PublicPageCall, func.HttpRequest("GET", "https://x", body=b""), world.registry)
    assert answer_key(soups, call, 1) != answer_key(stews, call, 1)


async def test_an_answer_that_was_begun_before_a_change_is_not_shared_after_it(
    world: World,
) -> None:
    request = func.HttpRequest("GET", "https://registry.test/", body=b"")
    call, (soups, _) = call_as(PublicPageCall, request, world.registry), pages
    assert answer_key(soups, call, 1) != answer_key(soups, call, 2)
