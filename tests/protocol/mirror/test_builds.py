"""A build of many packages through a mirror of another Ballroom: cold, warm, and while the upstream
stops."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.ports.http_client import HttpResponse, ServerUnreachable
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.mirror.test_second_registry import URL_OF_UPSTREAM, ToWorld, mirror_of
from tests.support.archives import bala
from tests.support.mirrors import resolve
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

PACKAGES = 50
Answer = tuple[int, object]


class Stoppable(ToWorld):
    """A `HttpClient` of a registry that answers so many requests and no more."""

    left: int | None = None

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        if self.left is not None:
            if self.left <= 0:
                message = "the upstream was stopped"
                raise ServerUnreachable(message)
            self.left -= 1
        return await super()._send(method, url, headers, body)


@pytest.fixture(scope="module")
async def upstream(shared_worlds: OpenWorld) -> World:
    """Return a registry with packages each of which needs those after it; no test changes it."""
    upstream = await shared_worlds(url=URL_OF_UPSTREAM)
    await upstream.create_organization("tools")
    for number in reversed(range(PACKAGES)):
        needed = range(number + 1, PACKAGES)
        archive = bala(
            f"tools/part{number}:1.{number}.0",
            dependencies=[f"tools/part{each}:1.{each}.0" for each in needed],
        )
        await upstream.push(archive, by=upstream.people.admin)
    return upstream


@pytest.fixture(scope="module")
async def expected(upstream: World) -> list[Answer]:
    """Return what a build by the upstream gets."""
    return await build(upstream)


async def build(world: World) -> list[Answer]:
    """Resolve the first package, pull all that are in the answer, and return the answers."""
    found = await resolve(world, "tools/part0")
    answers: list[Answer] = [(found.status_code, found.json() if found.is_success else None)]
    for number in range(PACKAGES):
        path = f"/packages/tools/part{number}/1.{number}.0"
        answers.append(await pulled(world, path))
    return answers


async def pulled(world: World, path: str) -> Answer:
    answer = await world.get(path, headers=dict(ACCEPT_ARCHIVE))
    if answer.is_redirect:
        answer = await world.get(answer.headers["location"])
    assert is_whole_or_later(answer)
    return answer.status_code, answer.content if answer.is_success else None


def is_whole_or_later(answer: httpx.Response) -> bool:
    return answer.is_success or (answer.status_code == 503 and "retry-after" in answer.headers)


async def test_a_build_through_a_mirror_gets_what_the_upstream_gives(
    upstream: World, worlds: OpenWorld, expected: list[Answer]
) -> None:
    assert [status for status, _ in expected] == [200] * (PACKAGES + 1)
    graph: Any = expected[0][1]
    assert len(graph["resolved"][0]["dependencyGraph"]) >= PACKAGES - 1
    documents = Stoppable(upstream)
    archives = Stoppable(upstream)
    mirror = await mirror_of(worlds, documents, archives)
    assert await build(mirror) == expected
    documents.left = archives.left = 0
    warm = await build(mirror)
    assert warm[1:] == expected[1:]
    assert warm[0] in (expected[0], (503, None))


@pytest.mark.parametrize("left", [0, 1, 20])
async def test_a_build_while_the_upstream_stops_gets_the_same_or_503(
    upstream: World, worlds: OpenWorld, expected: list[Answer], left: int
) -> None:
    documents = Stoppable(upstream)
    archives = Stoppable(upstream)
    mirror = await mirror_of(worlds, documents, archives)
    documents.left = archives.left = left
    for ours, theirs in zip(await build(mirror), expected, strict=True):
        assert ours in (theirs, (503, None))
    documents.left = archives.left = None
    mirror.clock.advance(timedelta(minutes=2))
    assert await build(mirror) == expected
