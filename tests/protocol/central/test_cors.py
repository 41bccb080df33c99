"""CORS: web applications call the reading operations from browsers."""

import pytest

from tests.support.archives import bala
from tests.support.world import OpenWorld, World

READS = [
    "/packages",
    "/packages/?q=greet",
    "/packages/acme",
    "/packages/acme/greet",
    "/packages/acme/greet/1.0.0",
    "/packages/acme/none/1.0.0",
    "/search-packages?q=greet",
    "/search-suggestions?q=greet",
    "/search-symbols?q=greet",
    "/tools?q=greet",
    "/tools/none",
    "/connectors",
    "/triggers",
    "/connectors/42",
]
ORIGIN = {"Origin": "https://store.test"}


@pytest.fixture(scope="module")
async def world(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package, which no test changes."""
    world = await shared_worlds()
    await world.push(bala("acme/greet:1.0.0"))
    return world


@pytest.mark.parametrize("path", READS)
async def test_every_anonymous_read_may_be_used_by_any_page(world: World, path: str) -> None:
    asked = {
        **ORIGIN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "ballerina-platform",
    }
    # The host answers it, before any Function: as the real one does for `allowedOrigins: ['*']`.
    preflight = await world.send("OPTIONS", path, headers=asked)
    assert preflight.status_code == 204
    assert "GET" in preflight.headers["access-control-allow-methods"]
    assert "ballerina-platform" in preflight.headers["access-control-allow-headers"].lower()
    for answer in (preflight, await world.get(path, headers=ORIGIN)):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


async def test_pages_may_fetch_the_bytes(world: World) -> None:
    model = (await world.get("/packages/acme/greet/1.0.0")).json()
    answer = await world.get(model["balaURL"], headers=ORIGIN)
    assert answer.headers["access-control-allow-origin"] == "*"
