"""PyPI 2025 and 2026, OWASP API1 and API5: every Function, asked by everybody about everything.

For each cell the table of rights says what must come of it, and HTTP must say the same.
"""

import dataclasses
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, product
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from functions.faces import build_app
from shared.domain.accounts import Account
from shared.domain.coordinates import Coordinate
from shared.domain.names import parse_org
from shared.domain.organizations import Organization, organization_place
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.hosting.host import Host
from shared.hosting.triggers import functions_of
from shared.registry import Registry
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.lazy_app import lazy_functions
from tests.sampling import FULL, covering
from tests.security.access_table import DECLARED, Cell, Declared, Outcome, State
from tests.security.limits import UNREACHED_LIMITS
from tests.security.personas import PERSONAS, SESSION, Credential, Persona, SignInWorld
from tests.support.archives import bala
from tests.support.other_services import with_services
from tests.support.published_logs import write_log
from tests.support.world import Person, Template, World, limited

SINCE = timedelta(days=2)  # How long ago everything was made.
# The matrix asks more often than anybody is let.
WITHOUT_LIMITS = {"invitation_mail_minutes": 0, **UNREACHED_LIMITS}


@dataclass(frozen=True)
class Prepared:
    """A data folder with a package in each state, and what everybody sends."""

    folder: Path
    template: Template
    tokens: dict[str, str]  # By persona.
    accounts: dict[str, str]  # Ids, by name.

    @asynccontextmanager
    async def world(self, folder: Path, **options: Any) -> AsyncGenerator[World]:
        """Serve a copy, two days later."""
        copied = Template(self.folder, self.template.people)
        # Of a seed of its own: the first tokens made here would have the ids of those prepared.
        options = WITHOUT_LIMITS | {"seed": "asked"} | options
        async with copied.world(folder, host=self._host, **options) as world:
            world.clock.advance(SINCE)
            yield world

    def _host(self, registry: Registry) -> ASGIApp:
        clock = registry.clock
        sign_ins = SignInWorld(registry.identity.authentication, clock, self.accounts)  # pyright: ignore[reportArgumentType]
        signed_in = with_services(registry, "identity", authentication=sign_ins)
        return Host(lazy_functions(signed_in))

    def header(self, persona: Persona) -> dict[str, str]:
        if persona.credential is Credential.NONE:
            return {}
        if persona.credential is Credential.SESSION and persona.signed_in is not None:
            minutes = persona.signed_in // timedelta(minutes=1)
            return {"Authorization": f"{SESSION} {persona.account} {minutes}"}
        return {"Authorization": f"Bearer {self.tokens[persona.name]}"}


@pytest.fixture(scope="module")
async def prepared(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Make everything that the matrix asks about, once."""
    folder = tmp_path_factory.mktemp("matrix") / "data"
    async with template.world(folder, **WITHOUT_LIMITS) as world:
        accounts = await populate(world)
        await publish(world)
        await write_log(world)
        await world.document()
        tokens = await hand_out(world, accounts)
    ids = {name: account.id for name, account in accounts.items()}
    return Prepared(folder, template, tokens, ids)


async def populate(world: World) -> dict[str, Account]:
    """Return everybody by name; Max becomes maintainer, and one organization is deleted."""
    registry = world.registry
    known = [getattr(world.people, name).account for name in ("admin", "ann", "mia", "bob")]
    create = registry.identity.accounts.create
    new = [await create(name, by=OPERATOR) for name in ("max", "sam", "zoe")]
    accounts = {account.name: account for account in (*known, *new)}
    await registry.administration.auditors.appoint(accounts["zoe"], by=OPERATOR)
    acme = parse_org("acme")
    gone = parse_org("gone")
    await registry.organizations.memberships.set_member(
        acme, accounts["max"], Role.MAINTAINER, by=OPERATOR
    )
    await registry.organizations.organizations.create(gone, accounts["ann"], by=OPERATOR)
    found = await world.stores.directory.get(Organization, organization_place(gone))
    assert found
    deleted = found.model_copy(update={"deleting_ms": world.clock.at_ms})
    await world.stores.directory.replace(deleted)
    return accounts


async def publish(world: World) -> None:
    """Publish a package for each state there is, with a tool of its name."""
    moderation = world.registry.publishing.moderation
    for state in set(State) - {State.MISSING, State.DELETED}:
        name = state.value
        visibility = "private" if state is State.PRIVATE else ""
        more = {"docs/CHANGELOG.md": "# 1.0.0"}
        extra = {"tools": [name], "entries": more, "sbom": b'{"bomFormat": "CycloneDX"}'}
        await world.push(bala(f"acme/{name}:1.0.0", visibility=visibility, **extra))
        at = Coordinate.parse("acme", name, "1.0.0")
        match state:
            case State.HELD:
                await moderation.hold(at, "A test.", by=OPERATOR)
            case State.QUARANTINED:
                await moderation.quarantine(at, "A test.", by=OPERATOR)
            case State.REMOVED:
                await moderation.remove(at, "A test.", by=OPERATOR)
            case State.DEPRECATED:
                await world.registry.packages.deprecation.deprecate(at, "A test.", by=OPERATOR)
            case _:
                pass


async def hand_out(world: World, accounts: dict[str, Account]) -> dict[str, str]:
    """Return the token of each persona that has one."""
    tokens = dict[str, str]()
    for persona in PERSONAS:
        scopes = [scope.value for scope in persona.scopes]
        if persona.credential is Credential.TOKEN:
            person = Person(accounts[persona.account], "")
            patterns = {"org": persona.org, "package": persona.package}
            tokens[persona.name] = (await limited(world, person, *scopes, **patterns)).token
        elif persona.credential is Credential.MACHINE:
            org = "other" if persona.account else "acme"
            tokens[persona.name] = await machine(world, org, scopes, persona.package)
    return tokens | await bad_tokens(world)


async def machine(world: World, org: str, scopes: list[str], package: str) -> str:
    wanted = TokenRequest.parse("machine", scopes, org=org, package=package, days=None)
    issue = world.registry.tokens.access_tokens.issue
    owner = OfOrganization(parse_org(org))
    return (await issue(owner, wanted, by=OPERATOR)).text.reveal()


async def bad_tokens(world: World) -> dict[str, str]:
    """Return tokens of Ann's that are worth nothing two days later."""
    ann = world.people.ann.account.id
    tokens = world.registry.tokens.access_tokens
    wanted = TokenRequest.parse("test", ["read", "manage"], org="*", package="*", days=1)
    expired = await tokens.issue(ann, wanted, by=OPERATOR)
    revoked = await tokens.issue(ann, wanted, by=OPERATOR)
    await tokens.revoke(ann, revoked.token.id, by=OPERATOR, reason="It was decided.")
    good = expired.text.reveal()
    forged = good[:-1] + ("a" if good[-1] != "a" else "b")
    return {"expired token": good, "revoked token": revoked.text.reveal(), "forged token": forged}


# --- the cells ---------------------------------------------------------------------------------

_numbers = count(1)


def cells(name: str, personas: Iterable[Persona] = PERSONAS) -> Iterator[Cell]:
    """Yield cells of a Function; those that may change something come last.

    Every persona has every outcome that some state of the package has for them, and so has every
    state. With the full tables it is every persona with every state.
    """
    declared = DECLARED[name]

    def outcomes(pair: tuple[Persona, State]) -> frozenset[Outcome]:
        return frozenset(declared.expects(*pair))

    pairs = covering(
        product(personas, declared.states),
        lambda pair: (pair[0], outcomes(pair)),
        lambda pair: (pair[1], outcomes(pair)),
        seed=name,
    )
    for persona, state in sorted(pairs, key=lambda pair: Outcome.DONE in outcomes(pair)):
        yield Cell(persona, state, next(_numbers))


@pytest.mark.parametrize("name", sorted(DECLARED))
async def test_http_says_what_the_table_of_rights_says(
    prepared: Prepared, scratch: Path, name: str
) -> None:
    async with prepared.world(scratch / "data") as world:
        wrong = await asked(world, prepared, name)
    assert not wrong, "\n".join(wrong)


async def asked(
    world: World, prepared: Prepared, name: str, personas: Iterable[Persona] = PERSONAS
) -> list[str]:
    """Ask the cells of a Function, and return what came of them where it is not what should."""
    wrong = list[str]()
    for cell in cells(name, personas):
        wrong += [f"{name}: {each}" for each in await shown(world, prepared, cell, DECLARED[name])]
    return wrong


async def shown(world: World, prepared: Prepared, cell: Cell, declared: Declared) -> list[str]:
    """Ask one cell, and return what came of it if that is not what should."""
    request = declared.request(cell, prepared.accounts)
    request.headers.update(prepared.header(cell.persona))
    answer = await world.http.send(request)
    found = declared.shows(answer)
    expected = declared.expects(cell.persona, cell.state)
    if found in expected and answer.status_code < 500:
        return []
    names = " or ".join(each.value for each in expected)
    was = f"{answer.status_code} {answer.text[:160]}"
    return [f"{cell.persona}, {cell.state.value}: {names}, but {was}"]


async def test_every_function_is_declared(world: World) -> None:
    served = {each.name for each in functions_of(build_app(world.registry)).http}
    declared = {name.partition(" ")[0] for name in DECLARED}
    assert sorted(served - declared) == []
    assert sorted(declared - served) == []


# --- rights that end ---------------------------------------------------------------------------

# Whose credentials limit nothing; `make test-all TABLES=1` has all of Ann's.
ANNS = [
    persona
    for persona in PERSONAS
    if persona.account == "ann" and not persona.is_bad and (FULL or persona.manages_account)
]


@pytest.mark.parametrize("left", [None, Role.MEMBER], ids=["removed", "made a member"])
async def test_a_right_that_was_removed_is_refused_at_the_next_request(
    prepared: Prepared, scratch: Path, left: Role | None
) -> None:
    acme = parse_org("acme")
    async with prepared.world(scratch / "data") as world:
        memberships = world.registry.organizations.memberships
        people = world.people
        assert await asked(world, prepared, "api_audit_organization", ANNS[:1]) == []
        await memberships.set_member(
            acme, people.bob.account, Role.OWNER, by=OPERATOR, reason="It was decided."
        )
        if left is None:
            await memberships.remove_member(
                acme, people.ann.account, by=OPERATOR, reason="It was decided."
            )
        else:
            await memberships.set_member(
                acme, people.ann.account, left, by=OPERATOR, reason="It was decided."
            )
        lesser = [dataclasses.replace(persona, role=left) for persona in ANNS]
        wrong: list[str] = []
        for name in sorted(set(DECLARED) - ENDING):
            wrong += await asked(world, prepared, name, lesser)
    assert not wrong, "\n".join(wrong)


# These end what the others are asked with: somebody's membership, or their account.
ENDING = {"api_members_remove", "account_delete"}
