"""Base URLs with a trailing slash: every operation works below them."""

import hashlib

import pytest

from tests.protocol.bal.go import GoBal
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.wire import Wire
from tests.support.archives import bala
from tests.support.world import World

GREET = {"org": "acme", "name": "greet", "version": "1.0.0", "mode": "soft"}


@pytest.fixture
def base(world: World) -> str:
    """Return the base with the slash that makes two of the next one."""
    return f"{world.java().base}/"


async def test_the_clients_push_resolve_and_pull(world: World, base: str) -> None:
    ann = JavaBal(Wire(world.http), base, world.java(world.people.ann).token)
    archive = bala("acme/greet:1.0.0")
    await ann.push("acme/greet:1.0.0", archive)
    assert await ann.versions("acme/greet") == ["1.0.0"]
    assert (await ann.metadata("acme/greet:1.0.0"))["digest"] == (
        f"sha-256={hashlib.sha256(archive).hexdigest()}"
    )
    assert (await ann.pull("acme/greet:1.0.0")).content == archive
    assert (await ann.search("greet"))["count"] == 1
    go = GoBal(Wire(world.http), base, "")
    assert (await go.pull("acme/greet")).content == archive
    for client in (ann, go):
        assert len((await client.resolve_dependencies([GREET]))["resolved"]) == 1
    await ann.deprecate("acme/greet:1.0.0", "Gone.")
    await ann.undeprecate("acme/greet:1.0.0")
    assert ann.wire.exchanges
    assert all("/2.0/registry//" in each.url for each in ann.wire.exchanges if "2.0" in each.url)
