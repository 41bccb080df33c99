"""eslint-scope 2018, ua-parser-js 2021, chalk 2025: a token that manages is stolen as well.

`test_stolen_push_tokens.py` is about those that publish.
"""

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.coordinates import Package
from shared.domain.invitations import Invitation
from shared.domain.memberships import Membership
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.publishers import Publisher
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.trusted_publishing import IDS
from tests.support.world import URL, World, limited

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
        ("POST", "orgs/acme/invitations", {"role": "maintainer", "email": "eve@example.org"}),
        ("POST", "orgs/acme/invitations", {"role": "owner"}),
        ("PUT", "orgs/acme/members/ID-OF-mia", {"role": "maintainer"}),
        ("POST", "orgs/acme/tokens", {"name": "ci", "scopes": ["push-version"], "days": 90}),
        ("POST", "orgs/acme/tokens/0000000000/rotate", None),
    ],
)
async def test_a_token_for_everything_changes_nothing_that_outlives_it(
    world: World, method: str, path: str, body: Any
) -> None:
    """What counts takes a person who has just signed in, and no token is one."""
    await world.push(bala("acme/greet:1.0.0"))
    before = await picture(world)
    content = json.dumps(body).encode() if body else None
    url = f"{URL}/api/v1/{world.with_ids(path)}"
    answer = await world.send(method, url, by=world.people.ann, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "sign-in-again")
    assert await picture(world) == before


async def picture(world: World) -> tuple[object, object]:
    """Return what a thief would want to change."""
    owned = [
        await world.stores.directory.list_by_owner(kind, "acme")
        for kind in (Publisher, Membership, Invitation)
    ]
    return await world.stores.metadata.head(Package.parse("acme", "greet")), owned


async def test_a_stolen_token_that_manages_creates_no_token_that_outlives_it(world: World) -> None:
    stolen = await limited(world, world.people.ann, "manage", "read")
    listed = (await world.get(f"{URL}/api/v1/tokens", by=stolen)).json()["tokens"]
    body = b'{"name":"mine now","scopes":["read"],"days":365}'
    answer = await world.send("POST", f"{URL}/api/v1/tokens", by=stolen, content=body)
    assert answer.json()["token"]["expiresAt"] == listed[-1]["expiresAt"]


# --- invitations -------------------------------------------------------------------


async def test_a_stolen_token_replaces_no_invitation_that_a_person_sent(world: World) -> None:
    """It would have its role lowered and its code known."""
    thief = await limited(world, world.people.ann)
    ann = await signed_in(world, world.people.ann)
    offer = {"role": "maintainer", "email": "eve@example.org"}
    assert (await ann.api("POST", "/api/v1/orgs/acme/invitations", offer)).is_success
    before = await world.stores.directory.list_by_owner(Invitation, "acme")
    world.clock.advance(timedelta(hours=1))
    lower = json.dumps({**offer, "role": "member"}).encode()
    url = f"{URL}/api/v1/orgs/acme/invitations"
    answer = await world.send("POST", url, by=thief, content=lower)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "sign-in-again")
    assert await world.stores.directory.list_by_owner(Invitation, "acme") == before
