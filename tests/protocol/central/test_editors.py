"""Connectors and triggers: empty lists, since IDEs crash on an error status."""

import pytest

from tests.protocol.bal.java import JavaBal
from tests.protocol.central.answers import refused
from tests.support.world import World

QUERIES = ["", "?q=http", "/?package=http", "?limit=abc&offset=-1", "?user-packages=true", "/"]


@pytest.mark.parametrize("query", QUERIES)
async def test_connectors_and_triggers_are_always_a_list(anyone: JavaBal, query: str) -> None:
    for key, answer in (
        ("connectors", await anyone.connectors(query)),
        ("triggers", await anyone.triggers(query)),
    ):
        assert set(answer) == {key, "count", "offset", "limit"}
        assert answer[key] == []
        assert answer["count"] == 0


@pytest.mark.parametrize(
    "path",
    [
        "/connectors/42",
        "/triggers/42",
        "/connectors/acme/greet/1.0.0/greet/Client",
        "/triggers/acme/greet/1.0.0/greet/Service",
    ],
)
async def test_one_that_is_not_there_is_404_with_a_reason(world: World, path: str) -> None:
    refused(await world.get(path), 404)
