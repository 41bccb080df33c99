"""Answers shared by equal requests: one is made for all of them, and each gets a copy."""

import asyncio

from functions.http.pages import SharedAnswers
from shared.runtime.answers import Answer


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
