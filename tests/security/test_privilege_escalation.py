"""PyPI 2025 and 2026: rights by the wrong role, and rights that outlived what gave them.

Every role with every scope tries every operation; and whoever loses a right tries to go on.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import product

import pytest

from shared.domain.accounts import Token
from shared.domain.identity import OPERATOR, Role
from shared.domain.names import parse_org
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala
from tests.support.world import SCOPES, URL, Person, World, limited

MEMBERS = {"owner", "maintainer", "member", "administrator"}
PUBLISHERS = MEMBERS - {"member"}
EVERYBODY = MEMBERS | {"stranger"}
TOKENS = f"{URL}/api/v1/tokens"

Attempt = Callable[[World, Person, int], Awaitable[int]]


async def push_new(world: World, by: Person, number: int) -> int:
    """Push a package that is not there."""
    form = multipart("new.bala", bala(f"acme/new{number}:1.0.0"))
    return (await world.upload(form, by=by)).status_code


async def push_version(world: World, by: Person, number: int) -> int:
    """Push the next version of a package that is there."""
    form = multipart("base.bala", bala(f"acme/base:1.{number + 1}.0"))
    return (await world.upload(form, by=by)).status_code


async def deprecate(world: World, by: Person, number: int) -> int:
    """Deprecate a release."""
    body = f'{{"message":"number {number}"}}'.encode()
    path = "/packages/deprecate/acme/base/1.0.0"
    return (await world.send("PUT", path, by=by, content=body)).status_code


async def undeprecate(world: World, by: Person, _number: int) -> int:
    """Take a deprecation back."""
    path = "/packages/undeprecate/acme/base/1.0.0"
    return (await world.send("PUT", path, by=by, content=b"{}")).status_code


async def read_private(world: World, by: Person, _number: int) -> int:
    """Read a private package."""
    return (await world.get("/packages/acme/secret/1.0.0", by=by)).status_code


async def list_tokens(world: World, by: Person, _number: int) -> int:
    """List one's own tokens."""
    return (await world.get(TOKENS, by=by)).status_code


async def revoke_token(world: World, by: Person, _number: int) -> int:
    """Revoke a token of one's own, made for that."""
    doomed = await limited(world, by, "read")
    mine = await world.stores.directory.list_by_owner(Token, doomed.account.id)
    return (await world.send("DELETE", f"{TOKENS}/{mine[-1].id}", by=by)).status_code


@dataclass(frozen=True)
class Operation:
    """An operation with the one scope that it takes, and the roles that may."""

    attempt: Attempt
    scope: str
    roles: set[str]

    def allows(self, role: str, scope: str) -> bool:
        """Say what the table says."""
        return scope == self.scope and role in self.roles

    def __str__(self) -> str:
        """Return what pytest calls it."""
        return self.attempt.__name__


OPERATIONS = [
    Operation(push_new, "push-new", PUBLISHERS),
    Operation(push_version, "push-version", PUBLISHERS),
    Operation(deprecate, "deprecate", PUBLISHERS),
    Operation(undeprecate, "deprecate", PUBLISHERS),
    Operation(read_private, "read", MEMBERS),
    Operation(list_tokens, "manage", EVERYBODY),
    Operation(revoke_token, "manage", EVERYBODY),
]


@pytest.fixture
async def people(world: World) -> dict[str, Person]:
    """Return somebody in each role of acme, which has a public and a private package."""
    await world.push(bala("acme/base:1.0.0"))
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    max_ = await world.registry.identity.accounts.create("max", by=OPERATOR)
    memberships = world.registry.organizations.memberships
    await memberships.set_member(parse_org("acme"), max_, Role.MAINTAINER, by=OPERATOR)
    known = world.people
    return {
        "owner": known.ann,
        "maintainer": Person(max_, ""),
        "member": known.mia,
        "stranger": known.bob,
        "administrator": known.admin,
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_every_operation_takes_its_role_and_its_scope(
    world: World, people: dict[str, Person], operation: Operation
) -> None:
    wrong: list[str] = []
    for number, (role, scope) in enumerate(product(people, SCOPES)):
        by = await limited(world, people[role], scope)
        status = await operation.attempt(world, by, number)
        if (status < 300) is not operation.allows(role, scope):
            wrong.append(f"{role} with {scope}: {status}")
    assert not wrong


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_without_a_token_no_operation_is_allowed(
    world: World, people: dict[str, Person], operation: Operation
) -> None:
    nobody = Person(people["stranger"].account, "nonsense")
    attempt = operation.attempt
    if attempt is revoke_token:
        assert (await world.send("DELETE", f"{TOKENS}/any", by=nobody)).status_code == 401
    else:
        assert await attempt(world, nobody, 0) == 401


@pytest.mark.parametrize("operation", OPERATIONS[:5], ids=str)
async def test_a_token_for_another_organization_is_worth_nothing_here(
    world: World, people: dict[str, Person], operation: Operation
) -> None:
    by = await limited(world, people["owner"], *SCOPES, org="other")
    assert await operation.attempt(world, by, 0) in {400, 404}


@pytest.mark.parametrize(
    "patterns", [{"package": "base*"}, {"org": "acme"}, {"org": "other", "package": "base*"}]
)
async def test_an_administrators_token_for_less_than_everything_lists_no_private_package(
    world: World, patterns: dict[str, str]
) -> None:
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    admin = world.people.admin
    assert (await world.java(admin).search("secret"))["count"] == 1
    narrowed = await limited(world, admin, "read", **patterns)
    assert (await world.java(narrowed).search("secret"))["count"] == 0


@pytest.mark.parametrize("operation", OPERATIONS[:5], ids=str)
async def test_a_removed_member_has_no_rights_at_the_next_request(
    world: World, people: dict[str, Person], operation: Operation
) -> None:
    by = await limited(world, people["maintainer"])
    assert await operation.attempt(world, by, 0) < 300
    await world.registry.organizations.memberships.remove_member(
        parse_org("acme"), by.account, by=OPERATOR
    )
    assert await operation.attempt(world, by, 1) in {400, 404}


async def test_a_member_with_a_lower_role_has_fewer_rights_at_the_next_request(
    world: World, people: dict[str, Person]
) -> None:
    by = await limited(world, people["maintainer"])
    assert await push_version(world, by, 0) == 204
    await world.registry.organizations.memberships.set_member(
        parse_org("acme"), by.account, Role.MEMBER, by=OPERATOR
    )
    assert await push_version(world, by, 1) == 400
    assert await read_private(world, by, 1) == 200
