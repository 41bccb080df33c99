"""eslint-scope 2018, ua-parser-js 2021, chalk 2025: the token of a maintainer is stolen.

A token that can only publish cannot make itself at home: it reaches nothing that governs. What the
list of operations gains is tried from its first day, and fails here until its body is given below.
"""

import json
from typing import Any

import pytest

from functions.api_docs import document
from shared.domain.identity import OPERATOR
from shared.domain.names import Package, parse_org
from shared.domain.organizations import Membership
from shared.domain.publishers import Publisher
from shared.domain.rights import Scope
from shared.domain.tokens import Token
from shared.domain.workloads import Provider
from tests.balas import bala
from tests.jobs import IDS
from tests.world import URL, World, limited

# These show what everybody may see, or what the thief has already.
OPEN = {
    "GET /api/v1/account/events",
    "GET /api/v1/orgs",
    "GET /api/v1/orgs/{org}",
    "GET /api/v1/packages/{org}/{name}/{version}/origin",
    "GET /api/v1/whoami",
}
# These show an organization to its members, who read.
READ = {
    "GET /api/v1/orgs/{org}/domains",
    "GET /api/v1/orgs/{org}/members",
    "GET /api/v1/orgs/{org}/pending",
}
# These go by a proof of their own: a signature, an id token, the code of an invitation.
PROVEN_OTHERWISE = {
    "POST /api/v1/invitations/accept",
    "POST /api/v1/invitations/decline",
    "POST /api/v1/invitations/show",
    "POST /api/v1/leaked-tokens",
    "POST /api/v1/trusted-publishing/token",
}

PUBLISHES = ("read", "push-new", "push-version", "deprecate")
BODIES: dict[str, dict[str, Any]] = {
    "InvitationCode": {"code": "0123456789abcdef0123456789abcdef"},
    "NewDomain": {"domain": "example.org"},
    "NewInvitation": {"role": "owner", "email": "thief@example.org"},
    "NewMachineToken": {"name": "mine now", "scopes": ["read"]},
    "NewOrganization": {"name": "mine"},
    "NewPublisher": {
        "package": "greet",
        "provider": "github",
        "ids": IDS[Provider.GITHUB],
        "workflow": "release.yml",
        "refs": ["refs/heads/*"],
    },
    "NewPushers": {"pushers": "members"},
    "NewToken": {"name": "mine now", "scopes": ["read"]},
    "RoleChange": {"role": "owner"},
    "NewVisibility": {"visibility": "private"},
    "OrganizationChange": {"displayName": "mine now"},
    "TokenName": {"name": "mine now"},
}


def operations() -> dict[str, str]:
    """Return what an access token may be tried at, with the name of the body that it takes."""
    paths: Any = document(URL)["paths"]
    return {
        f"{method.upper()} {path}": _schema(operation)
        for path in sorted(paths)
        for method, operation in paths[path].items()
        if operation.get("security") != []
    }


def _schema(operation: Any) -> str:
    if "requestBody" not in operation:
        return ""
    reference: str = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return reference.rpartition("/")[2]


def test_what_is_left_out_is_there() -> None:
    assert set(operations()) > OPEN | READ | PROVEN_OTHERWISE


@pytest.mark.parametrize("scope", PUBLISHES)
async def test_a_token_that_publishes_governs_nothing(world: World, scope: str) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    stolen = await limited(world, world.people.ann, scope)
    before = await picture(world)
    places = await everything_of(world)
    open_to_it = OPEN | PROVEN_OTHERWISE | (READ if scope == "read" else set[str]())
    for operation, schema in operations().items():
        if operation in open_to_it:
            continue
        method, path = operation.split()
        body = json.dumps(BODIES[schema]).encode() if schema else None
        answer = await world.send(method, URL + path.format_map(places), by=stolen, content=body)
        assert answer.status_code == 403, (operation, answer.text)
        assert answer.json()["error"]["code"] in ("not-permitted", "sign-in-again"), operation
    assert await picture(world) == before


async def everything_of(world: World) -> dict[str, str]:
    """Return the names and ids that paths hold, of things that are there."""
    [token] = [
        each
        for each in await world.stores.directory.of(Token, world.people.ann.account.id)
        if {grant.scopes for grant in each.grants} == {frozenset(Scope)}
    ]
    return {
        "org": "acme",
        "name": "greet",
        "version": "1.0.0",
        "id": token.id,
        "account": world.people.mia.account.id,
        "domain": "example.org",
    }


async def test_a_token_for_everything_still_changes_nothing_that_outlives_it(world: World) -> None:
    """Who manages needs a fresh sign-in where it counts, and no token has one."""
    await world.push(bala("acme/greet:1.0.0"))
    stolen = await limited(world, world.people.ann, *PUBLISHES, "manage")
    before = await picture(world)
    for method, path, name in (
        ("POST", "/api/v1/orgs/acme/publishers", "NewPublisher"),
        ("DELETE", "/api/v1/orgs/acme/publishers/publisher1", ""),
        ("PUT", "/api/v1/packages/acme/greet/pushers", "NewPushers"),
        ("PUT", "/api/v1/packages/acme/greet/visibility", "NewVisibility"),
    ):
        body = json.dumps(BODIES[name]).encode() if name else None
        answer = await world.send(method, URL + path, by=stolen, content=body)
        assert answer.json()["error"]["code"] == "sign-in-again", (method, path)
    assert await picture(world) == before


async def picture(world: World) -> list[object]:
    """Return what a thief would want to change; not the last use of tokens, which is noted late."""
    directory, acme = world.stores.directory, parse_org("acme")
    head = await world.stores.metadata.head(Package.parse("acme", "greet"))
    owned = await world.registry.organization_tokens.list(acme, by=OPERATOR)
    return [
        await directory.of(Token, world.people.ann.account.id),
        [each.token for each in owned],
        await directory.of(Publisher, "acme"),
        await directory.of(Membership, "acme"),
        head,
    ]


async def test_a_stolen_token_that_manages_makes_none_that_outlives_it(world: World) -> None:
    stolen = await limited(world, world.people.ann, "manage", "read")
    listed = (await world.get(f"{URL}/api/v1/tokens", by=stolen)).json()["tokens"]
    body = b'{"name":"mine now","scopes":["read"],"days":365}'
    answer = await world.send("POST", f"{URL}/api/v1/tokens", by=stolen, content=body)
    assert answer.json()["token"]["expiresAt"] == listed[-1]["expiresAt"]
