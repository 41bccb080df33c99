"""The stores after a push, and unchanged stores after a refused push."""

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.okhttp import multipart
from tests.protocol.central.test_metadata import RICH
from tests.support.archives import bala
from tests.support.stored_state import stored
from tests.support.world import World

GREET = "acme/greet:1.0.0"


async def test_a_push_stores_exactly_this(world: World, golden: SnapshotAssertion) -> None:
    before = len((await stored(world.stores))["events"])
    await world.push(bala(GREET, **RICH))
    after = await stored(world.stores)
    after["events"] = after["events"][before:]
    for record in (*after["releases"], *after["entries"]):
        assert record.pop("size_bytes") == len(bala(GREET, **RICH))
    assert after == golden


REFUSED = {
    "taken": bala(GREET, summary="Other."),
    "no archive": b"nonsense",
    "cut off": bala("acme/other:1.0.0")[:-10],
    "reserved": bala("ballerina/http:1.0.0"),
    "of others": bala("other/greet:1.0.0"),
    "spelled differently": bala("acme/GREET:2.0.0"),
    "no documentation": bala("acme/other:1.0.0", readme=""),
    "private into public": bala("acme/greet:2.0.0", visibility="private"),
    "tool taken": bala("acme/greet:2.0.0", tools=["taken"]),
    "tool taken, package new": bala("acme/new:1.0.0", tools=["taken"]),
    "one of two tools taken": bala("acme/new:1.0.0", tools=["free", "taken"]),
}


@pytest.mark.parametrize("archive", REFUSED.values(), ids=REFUSED)
async def test_a_refused_push_publishes_nothing(world: World, archive: bytes) -> None:
    await world.push(bala(GREET))
    await world.push(bala("acme/tool:1.0.0", tools=["taken"]))
    before = await stored(world.stores)
    form = multipart("x.bala", archive)
    answer = await world.upload(form, by=world.people.ann)
    assert answer.status_code == 400
    assert await stored(world.stores) == before


async def test_a_push_that_creates_an_organization_publishes_an_event(world: World) -> None:
    await world.push(bala("fresh/greet:1.0.0"), by=world.people.admin)
    kinds = [event["kind"] for event in (await stored(world.stores))["events"]]
    assert kinds[-2:] == ["organization.founded", "release.published"]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [({"readme": ""}, "Package.md is missing"), ({"tools": ["taken"]}, "tool id taken belongs to")],
)
async def test_a_refused_push_of_an_administrator_creates_no_organization(
    world: World, spec: dict[str, Any], reason: str
) -> None:
    await world.push(bala("acme/tool:1.0.0", tools=["taken"]))
    before: Any = await stored(world.stores)
    with pytest.raises(ClientFailure, match=reason):
        await world.push(bala("fresh/greet:1.0.0", **spec), by=world.people.admin)
    assert await stored(world.stores) == before


async def test_a_refused_push_claims_no_tool_id_for_its_package(world: World) -> None:
    await world.push(bala("acme/tool:1.0.0", tools=["taken"]))
    with pytest.raises(ClientFailure, match="tool id taken belongs to"):
        await world.push(bala("acme/new:1.0.0", tools=["free", "taken"]))
    await world.push(bala("acme/other:1.0.0", tools=["free"]))
