"""eslint-scope 2018, ua-parser-js 2021, chalk 2025: the token of a maintainer is stolen.

A token that can only publish cannot make itself at home: it reaches nothing that governs.
"""

import json
from typing import Any

import pytest

from functions.api_docs import document
from shared.domain.tokens import Token
from tests.world import URL, World, limited

# These show what the thief has already.
OPEN = {"/api/v1/whoami", "/api/v1/openapi.json", "/api/v1/settings.toml"}


def governing() -> list[tuple[str, str]]:
    """Return method and path of every operation of our own API that governs something."""
    paths: Any = document(URL)["paths"]
    return [(method.upper(), path) for path in paths if path not in OPEN for method in paths[path]]


@pytest.mark.parametrize(("method", "path"), governing())
@pytest.mark.parametrize("scope", ["read", "push-new", "push-version", "deprecate"])
async def test_a_token_that_publishes_governs_nothing(
    world: World, method: str, path: str, scope: str
) -> None:
    stolen = await limited(world, world.people.ann, scope)
    mine = await tokens_of_ann(world)
    url = URL + path.replace("{id}", mine[0].id)
    body = json.dumps({"name": "mine now", "scopes": [scope]}).encode()
    answer = await world.send(method, url, by=stolen, content=body)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "not-permitted"
    assert await tokens_of_ann(world) == mine


async def tokens_of_ann(world: World) -> list[Token]:
    """Return the tokens that are there."""
    return await world.stores.directory.of(Token, world.people.ann.account.id)


async def test_a_stolen_token_that_manages_makes_none_that_outlives_it(world: World) -> None:
    stolen = await limited(world, world.people.ann, "manage", "read")
    listed = (await world.get(f"{URL}/api/v1/tokens", by=stolen)).json()["tokens"]
    body = b'{"name":"mine now","scopes":["read"],"days":365}'
    answer = await world.send("POST", f"{URL}/api/v1/tokens", by=stolen, content=body)
    assert answer.json()["token"]["expiresAt"] == listed[-1]["expiresAt"]
