"""Responses shared by equal requests: one is made for all of them, and each gets a copy."""

import asyncio

import azure.functions as func
import pytest

from functions.http.public_pages import SharedResponses, request_key
from shared.domain.errors.requests import PageNotFound


class Factory:
    """Makes a response once `open` is set, and counts calls."""

    def __init__(self) -> None:
        self.made = 0
        self.open = asyncio.Event()

    async def __call__(self) -> func.HttpResponse:
        self.made += 1
        await self.open.wait()
        return func.HttpResponse("soup", headers={"ETag": "x"}, mimetype="text/html")


async def start(
    shared: SharedResponses, *keys: str, make: Factory
) -> list[asyncio.Task[func.HttpResponse]]:
    tasks = [asyncio.create_task(shared.response((each,), make)) for each in keys]
    await asyncio.sleep(0)
    return tasks


async def test_equal_requests_in_progress_share_one_response_and_each_gets_a_copy() -> None:
    factory, shared = Factory(), SharedResponses()
    waiting = await start(shared, "a", "a", "b", make=factory)
    factory.open.set()
    responses = await asyncio.gather(*waiting)
    assert factory.made == 2
    assert len({id(each) for each in responses}) == 3
    for response in responses:
        assert (response.get_body(), response.headers["ETag"]) == (b"soup", "x")


async def test_a_later_request_gets_a_new_response() -> None:
    factory, shared = Factory(), SharedResponses()
    factory.open.set()
    await shared.response(("a",), factory)
    await shared.response(("a",), factory)
    assert factory.made == 2


async def test_a_cancelled_request_leaves_the_others_their_response() -> None:
    factory, shared = Factory(), SharedResponses()
    first, second = await start(shared, "a", "a", make=factory)
    first.cancel()
    factory.open.set()
    assert isinstance(await second, func.HttpResponse)
    assert factory.made == 1


async def test_a_refusal_is_raised_for_every_request() -> None:
    async def refuse() -> func.HttpResponse:
        raise PageNotFound("/x")

    shared = SharedResponses()
    for _ in range(2):
        with pytest.raises(PageNotFound):
            await shared.response(("a",), refuse)


def test_the_key_holds_what_the_response_depends_on() -> None:
    def request(**headers: str) -> func.HttpRequest:
        return func.HttpRequest("GET", "https://registry.test/?q=x", headers=headers, body=b"")

    assert request_key(request(), 1) == request_key(request(cookie="a=b"), 1)
    assert request_key(request(), 1) != request_key(request(accept="application/json"), 1)
    assert request_key(request(), 1) != request_key(request(**{"If-None-Match": '"x"'}), 1)


def test_a_response_that_was_begun_before_a_change_is_not_shared_after_it() -> None:
    req = func.HttpRequest("GET", "https://registry.test/", body=b"")
    assert request_key(req, 1) != request_key(req, 2)
