"""/api/v1/orgs/{org}/webhooks and /api/v1/webhooks: events as signed requests to a receiver."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.receivers import Receiver, receiving
from tests.support.world import URL, OpenWorld, Person, World

HOOKS, OF_REGISTRY = f"{URL}/api/v1/orgs/acme/webhooks", f"{URL}/api/v1/webhooks"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry that may call this machine."""
    return await worlds(inside_hosts="127.0.0.1")


async def add(
    world: World, url: str, *events: str, by: Person | None = None, at: str = HOOKS
) -> dict[str, Any]:
    """Add a webhook in the browser of an owner who has just signed in."""
    browser = await signed_in(world, by or world.people.ann)
    answer = await browser.api("POST", at.removeprefix(URL), {"url": url, "events": events})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def deliver(world: World) -> None:
    report = await world.registry.maintenance.upkeep.run("deliver-webhooks")
    assert report is not None


async def test_a_release_is_delivered_signed_as_standard_webhooks_says(
    world: World, receiver: Receiver
) -> None:
    added = await add(world, receiver.url, "release")
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("other/thing:1.0.0"), by=world.people.bob)
    await deliver(world)
    [received] = receiver.received
    sent = received.json
    assert (sent["type"], sent["data"]["subject"]) == ("release.published", "acme/greet:1.0.0")
    assert received.headers["webhook-id"] == f"evt_{sent['data']['number']}"
    at = datetime.fromtimestamp(int(received.headers["webhook-timestamp"]), UTC)
    signature = Webhook(added["secret"]).sign(
        received.headers["webhook-id"], at, received.body.decode()
    )
    assert received.headers["webhook-signature"] == signature
    await deliver(world)
    assert len(receiver.received) == 1
