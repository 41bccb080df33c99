"""A disputed name, by the commands of docs/run/incidents.md."""

import pytest

from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from tests.support.archives import bala
from tests.support.incident_page import follow
from tests.support.storage import one_machine
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

LONG_AGO_MS = 1_700_000_000_000  # The notice has ended when the commands run.


@one_machine("its commands find a data folder")
async def test_a_disputed_name_is_decided_and_its_readers_are_told(world: World) -> None:
    registry = world.registry
    ann = world.people.ann
    lee = await registry.identity.accounts.create("lee", by=OPERATOR)
    await registry.organizations.organizations.create(parse_org("nova"), ann.account, by=OPERATOR)
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("nova/greet:1.0.0"))
    now_ms = world.clock.at_ms
    world.clock.at_ms = LONG_AGO_MS
    await registry.administration.name_disputes.open("acme", "A letter.", lee, by=OPERATOR)
    world.clock.at_ms = now_ms

    printed = await follow(world, "A disputed name")

    assert "acme is continued as nova." in printed
    disputes = await world.get(f"{URL}/api/v1/name-disputes", by=ann)
    [listed] = disputes.json()["disputes"]
    found = await world.get(f"{URL}/api/v1/name-disputes/{listed['id']}", by=ann)
    assert found.json()["decision"]["outcome"] == "granted"
    assert [each["by"] for each in found.json()["statements"]] == ["The operator"] * 2
    assert (await world.get(f"{URL}/api/v1/orgs/acme")).json()["continuedAs"] == "nova"
    metadata = (await world.get("/packages/acme/greet/1.0.0")).json()
    assert metadata["successor"] == "nova/greet"
    await world.java().pull("acme/greet:1.0.0")
