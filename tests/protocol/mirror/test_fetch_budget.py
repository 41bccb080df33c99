"""What a process fetches at the same time has one budget, whoever asks for it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from shared.adapters.fetch_budget import ARCHIVES, FetchBudget
from shared.adapters.http_fetcher import GuardedFetcher
from tests.support.mirrors import PULL, answering, connecting
from tests.support.upstreams import FakeUpstream
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

AT_ONCE = 12


@dataclass
class Sending:
    """How many archives the upstream sends at the same time."""

    upstream: FakeUpstream
    now: int = 0
    most: int = 0
    is_full: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: Request) -> Response:
        content = self.upstream.archives[request.query_params["of"]]

        async def pieces() -> AsyncIterator[bytes]:
            self.now += 1
            self.most = max(self.most, self.now)
            yield content[:100]
            await asyncio.sleep(0.05)  # Others begin meanwhile, if they may.
            self.now -= 1
            yield content[100:]

        return StreamingResponse(pieces())


def published(upstream: FakeUpstream) -> list[str]:
    for number in range(AT_ONCE):
        upstream.publish(f"ballerina/p{number}:1.0.0")
    return [f"/packages/ballerina/p{number}/1.0.0" for number in range(AT_ONCE)]


async def test_at_most_four_archives_are_fetched_at_the_same_time(
    mirror: World, upstream: FakeUpstream
) -> None:
    paths = published(upstream)
    sending = Sending(upstream)
    upstream.behave["file"] = sending
    answers = await asyncio.gather(*(mirror.get(each, headers=PULL) for each in paths))
    assert {each.status_code for each in answers} == {302}
    assert 1 < sending.most <= ARCHIVES * len(mirror.instances)


async def test_a_document_without_room_is_503_and_closes_nothing(
    worlds: OpenWorld, upstream: FakeUpstream, tmp_path: Path
) -> None:
    budget = FetchBudget(tmp_path, document_bytes=10)
    fetcher = GuardedFetcher([upstream.name], count=budget.count_document)
    small = connecting(upstream.url, fetcher, budget=budget)
    world = await worlds(upstream=upstream.url, wrap=small)
    for _ in range(6):
        answer = await world.get("/packages/ballerina/io")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert "fetches as much as it has room for" in answer.json()["message"]
    for each in world.instances:
        for source in await each.require_mirroring().reader.upstreams.sources():
            assert source.breaker.health.is_answering
            assert source.breaker.health.reason == ""


async def test_what_is_too_large_is_cut_at_the_limit_and_gives_its_place_back(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    world = await worlds(upstream=upstream.url, max_archive_bytes=300_000)
    paths = published(upstream)
    upstream.behave["file"] = answering(Response(bytes(2_000_000)))
    answers = await asyncio.gather(*(world.get(each, headers=PULL) for each in paths))
    assert {each.status_code for each in answers} == {400}
    del upstream.behave["file"]
    assert (await world.get("/packages/ballerina/io/1.0.0", headers=PULL)).status_code == 302
