"""Connectors and triggers: with the fields of other packages' records while those are public."""

from typing import Any, cast

import pytest

from shared.confined import shown_pieces
from shared.domain.errors.packages import ApiDocsFailed
from shared.domain.principals import ANONYMOUS
from shared.services.api_docs.editor_items import ItemKind, ItemName
from tests.support.documented_packages import TYPES, documented_bala, published
from tests.support.world import World

CONNECTORS = ItemKind.CONNECTORS
CLIENT = """
import acme/people;
public client class Client { remote function greet(people:Person person) {} }
"""
NAME = ItemName("acme", "greet", "1.0.0", "greet", "Client")


async def parts(world: World) -> str:
    registry = world.registry
    items = registry.api_docs.editor_items
    packages = registry.packages.hosted
    details = await items.by_name(CONNECTORS, NAME, packages, by=ANONYMOUS)
    return details.parts


async def test_a_description_that_is_too_large_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_pieces, "MAX_ITEM_BYTES", 0)
    await published(world)
    with pytest.raises(ApiDocsFailed, match="the description is too large"):
        await parts(world)


async def test_a_connector_is_made_again_when_what_it_takes_arrives(world: World) -> None:
    takes = {"dependencies": ["acme/people:1.0.0"]}
    await published(world, documented_bala("acme/greet:1.0.0", {"client.bal": CLIENT}, **takes))
    assert '"mood"' not in await parts(world)
    await published(world, documented_bala("acme/people:1.0.0", {"types.bal": TYPES}))
    for _ in range(2):  # A process makes it again once.
        assert '"mood"' not in await parts(world)
    await world.document()
    assert '"mood"' in await parts(world)
    ran = len(cast("Any", world.stores).confined.ran)
    await world.document()
    assert len(cast("Any", world.stores).confined.ran) == ran
