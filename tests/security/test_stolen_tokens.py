"""eslint-scope 2018, ua-parser-js 2021, chalk 2025: a token that manages is stolen as well.

`test_stolen_push_tokens.py` is about those that publish.
"""

import json
from typing import Any

import pytest

from shared.domain.names import Package
from shared.domain.publishers import Publisher
from shared.domain.workloads import Provider
from tests.balas import bala
from tests.jobs import IDS
from tests.world import URL, World, limited

PUBLISHER = {
    "package": "greet",
    "provider": "github",
    "ids": IDS[Provider.GITHUB],
    "workflow": "release.yml",
    "refs": ["refs/heads/*"],
}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "orgs/acme/publishers", PUBLISHER),
        ("DELETE", "orgs/acme/publishers/publisher1", None),
        ("PUT", "packages/acme/greet/pushers", {"pushers": "members"}),
        ("PUT", "packages/acme/greet/visibility", {"visibility": "private"}),
    ],
)
async def test_a_token_for_everything_changes_nothing_that_outlives_it(
    world: World, method: str, path: str, body: Any
) -> None:
    """What counts takes a person who has just signed in, and no token is one."""
    await world.push(bala("acme/greet:1.0.0"))
    before = await picture(world)
    content = json.dumps(body).encode() if body else None
    url = f"{URL}/api/v1/{path}"
    answer = await world.send(method, url, by=world.people.ann, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "sign-in-again")
    assert await picture(world) == before


async def picture(world: World) -> tuple[object, list[Publisher]]:
    """Return what a thief would want to change."""
    head = await world.stores.metadata.head(Package.parse("acme", "greet"))
    return head, await world.stores.directory.of(Publisher, "acme")


async def test_a_stolen_token_that_manages_makes_none_that_outlives_it(world: World) -> None:
    stolen = await limited(world, world.people.ann, "manage", "read")
    listed = (await world.get(f"{URL}/api/v1/tokens", by=stolen)).json()["tokens"]
    body = b'{"name":"mine now","scopes":["read"],"days":365}'
    answer = await world.send("POST", f"{URL}/api/v1/tokens", by=stolen, content=body)
    assert answer.json()["token"]["expiresAt"] == listed[-1]["expiresAt"]
