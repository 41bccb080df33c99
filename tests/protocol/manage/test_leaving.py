"""A person left: the statement, its end and handover, by page, API and command."""

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from anyio.to_thread import run_sync

from shared.domain.accounts import Account
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.services.administration.leaving import LeaveRequest
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.storage import one_machine
from tests.support.terminal import Terminal
from tests.support.world import URL, Person, World

pytestmark = pytest.mark.measured

ACME = parse_org("acme")
WITHIN = timedelta(seconds=5)


async def robot(world: World) -> Person:
    """Return something with a token of acme that Ann made."""
    wanted = TokenRequest.parse("ci", ["read", "push-new"], org="acme", package="*", days=300)
    issued = await world.registry.tokens.access_tokens.issue(
        OfOrganization(ACME), wanted, by=world.fresh(world.people.ann)
    )
    return Person(Account(id=issued.token.id, name="ci", created_ms=0), issued.text.reveal())


async def status(world: World, person: Person) -> int:
    return (await world.get(f"{URL}/api/v1/whoami", by=person)).status_code


async def statement(world: World) -> dict[str, Any]:
    admin = await signed_in(world, world.people.admin)
    path = world.with_ids("/api/v1/accounts/ID-OF-ann/statement")
    return (await admin.api("GET", path)).json()


async def test_the_statement_names_all_that_a_person_has_and_made(world: World) -> None:
    token = await robot(world)
    await signed_in(world, world.people.ann)
    await world.push(bala("acme/old:1.0.0"))
    world.clock.advance(timedelta(days=89))
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/robot:1.0.0"), by=token)
    await world.push(bala("other/not:1.0.0"), by=world.people.bob)
    stated = await statement(world)
    assert stated["soleOwnerOf"] == ["acme"]
    assert [each["role"] for each in stated["roles"]] == ["owner"]
    assert [each["name"] for each in stated["tokens"]] == ["test"]
    assert [(each["kind"], each["id"]) for each in stated["made"]] == [("token", token.account.id)]
    names = ["acme/old:1.0.0", "acme/greet:1.0.0", "acme/robot:1.0.0"]
    assert [each["release"] for each in stated["releases"]] == names
    assert stated["releases"][2]["credential"] == token.account.id
    assert stated["done"] == []
    world.clock.advance(timedelta(days=2))
    assert [each["release"] for each in (await statement(world))["releases"]] == names[1:]


async def test_an_end_with_a_successor_lets_builds_go_on_and_leaves_the_person_nothing(
    world: World,
) -> None:
    ann = world.people.ann
    bob = world.people.bob
    token = await robot(world)
    admin = await signed_in(world, world.people.admin)
    path = world.with_ids("/api/v1/accounts/ID-OF-ann/leave")
    body = {"end": True, "handOver": bob.account.id, "reason": "Left on Friday."}
    answer = await admin.api("POST", path, body)
    assert answer.status_code == 200, answer.text
    done = answer.json()["done"]
    assert done[0] == "bob is an owner of acme."
    assert f"bob is the maker of the token ci ({token.account.id}) of acme." in done
    assert "ann is no longer owner of acme." in done
    world.clock.advance(WITHIN)
    assert [await status(world, each) for each in (token, ann)] == [200, 401]
    again = await admin.api("POST", path, body)  # A repeat finds nothing left.
    assert again.status_code == 200
    access = await world.stores.directory.access_context(ann.account.id, ACME, 0)
    assert (access.is_locked, access.role) == (True, None)


async def test_an_end_without_a_successor_says_what_stays_and_what_stops(world: World) -> None:
    token = await robot(world)
    leaving = world.registry.administration.leaving
    request = LeaveRequest(ends=True, successor=None)
    done = await leaving.leave(world.people.ann.account, request, by=OPERATOR)
    assert any(each.startswith("ann stays owner of acme: ") for each in done)
    described = f"the token ci ({token.account.id}) of acme"
    assert done[-1] == f"Stopped, until an owner confirms it: {described}."
    world.clock.advance(WITHIN)
    assert await status(world, token) == 401


async def test_roles_end_beside_an_organization_that_is_deleted(world: World) -> None:
    mia = world.people.mia
    registry = world.registry
    organizations = registry.organizations.organizations
    for name in ("aaa", "zzz"):
        org = parse_org(name)
        await organizations.create(org, world.people.bob.account, by=OPERATOR)
        await registry.organizations.memberships.set_member(
            org, mia.account, Role.MAINTAINER, by=OPERATOR, reason="A test."
        )
    await registry.organizations.deletion.delete(parse_org("aaa"), by=OPERATOR, reason="A test.")
    world.clock.advance(WITHIN)
    request = LeaveRequest(ends=True, successor=world.people.bob.account)
    done = await registry.administration.leaving.leave(mia.account, request, by=OPERATOR)
    assert "mia is no longer maintainer of zzz." in done
    assert not any("aaa" in each for each in done)


async def test_an_auditor_who_left_is_none_any_more(world: World) -> None:
    bob = world.people.bob
    administration = world.registry.administration
    await administration.auditors.appoint(bob.account, by=OPERATOR)
    statement = await administration.leaving.statement(bob.account, by=OPERATOR)
    assert ", auditor. At " in statement.lines()[0]
    request = LeaveRequest(ends=True, successor=None)
    done = await administration.leaving.leave(bob.account, request, by=OPERATOR)
    assert "bob is no longer an auditor." in done
    left = await world.registry.identity.accounts.by_id(bob.account.id)
    assert not left.auditor


@pytest.mark.parametrize(
    ("body", "code"), [({}, "invalid-request"), ({"handOver": "ID-OF-ann"}, "invalid-request")]
)
async def test_a_request_that_says_nothing_changes_nothing(
    world: World, body: dict[str, str], code: str
) -> None:
    admin = await signed_in(world, world.people.admin)
    sent = {name: world.with_ids(value) for name, value in body.items()}
    answer = await admin.api("POST", world.with_ids("/api/v1/accounts/ID-OF-ann/leave"), sent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert await status(world, world.people.ann) == 200


async def test_the_last_administrator_is_not_ended_and_hands_nothing_over(world: World) -> None:
    admin = await signed_in(world, world.people.admin)
    path = world.with_ids("/api/v1/accounts/ID-OF-admin/leave")
    body = {"end": True, "handOver": world.people.bob.account.id}
    answer = await admin.api("POST", path, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "last-administrator")


async def test_the_page_states_ends_and_hands_over(world: World, admin: Browser) -> None:
    token = await robot(world)
    await world.registry.organizations.memberships.set_member(
        ACME, world.people.bob.account, Role.OWNER, by=OPERATOR, reason="A test."
    )
    path = world.with_ids("/manage/accounts/ID-OF-ann/leave")
    await admin.open(path)
    assert f"the token ci ({token.account.id}) of acme" in admin.text
    await admin.submit(path, name="wrong", end="yes")
    assert await status(world, world.people.ann) == 200
    await admin.submit(path, name="ann", end="yes", successor="bob", reason="Left.")
    assert "bob is the maker of the token ci" in admin.text
    world.clock.advance(WITHIN)
    assert [await status(world, each) for each in (token, world.people.ann)] == [200, 401]


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("successor", {"successor": "ann"}, "ann leaves, so hand over to somebody else."),
        ("successor", {"successor": "nobody"}, "account not found: nobody"),
        ("successor", {"successor": "mia"}, "The account mia is locked"),
        ("end", {}, "Choose what to do"),
        ("reason", {"successor": "bob", "end": "yes", "reason": "a" * 501}, "501 characters"),
        ("reason", {"successor": "bob", "reason": "Left\N{ZERO WIDTH SPACE}."}, "nobody sees"),
    ],
)
async def test_a_refused_end_and_handover_says_why_at_the_field_and_changes_nothing(
    world: World, admin: Browser, field: str, typed: dict[str, str], sentence: str
) -> None:
    token = await robot(world)
    accounts = world.registry.administration.accounts
    await accounts.lock(world.people.mia.account, "It was stolen.", by=OPERATOR)
    path = world.with_ids("/manage/accounts/ID-OF-ann/leave")
    await admin.open(path)
    assert (await admin.submit(path, name="ann", **typed)).is_client_error
    [shown] = re.findall(r'<p class="error" role="alert" id="([a-z]+)-error">([^<]*)', admin.text)
    assert (shown[0], sentence in shown[1]) == (field, True), shown
    made = await world.registry.administration.leaving.made_by_accounts.of_account(
        world.people.ann.account.id
    )
    assert [each.id for each in made] == [token.account.id]
    assert await status(world, world.people.ann) == 200


async def test_the_statement_is_downloaded_as_a_document(world: World, admin: Browser) -> None:
    await admin.open(world.with_ids("/manage/accounts/ID-OF-ann/leave.json"))
    assert '"soleOwnerOf": [' in admin.text


@one_machine("its commands find a data folder")
async def test_the_command_only_prints_without_an_option(world: World) -> None:
    await robot(world)
    terminal = Terminal(world.registry.settings.data)
    run = partial(terminal.run, "account", "leave", "ann", BALLROOM_URL=URL)
    printed = await run_sync(run)
    assert "The only owner who can sign in: 1\n  acme\n" in printed
    assert await status(world, world.people.ann) == 200


@one_machine("its commands find a data folder")
async def test_the_command_that_locks_prints_what_stops(world: World) -> None:
    token = await robot(world)
    terminal = Terminal(world.registry.settings.data)
    arguments = ("account", "lock", "ann", "--reason", "It was stolen.")
    printed = await run_sync(partial(terminal.run, *arguments, BALLROOM_URL=URL))
    assert f"Stops with it: the token ci ({token.account.id}) of acme." in printed
    printed = await run_sync(partial(terminal.run, "doctor", BALLROOM_URL=URL))
    assert "Stopped with who made it: the token ci" in printed
    confirm = ("token", "confirm", "@acme", token.account.id)
    await run_sync(partial(terminal.run, *confirm, BALLROOM_URL=URL))
    world.clock.advance(WITHIN)
    assert await status(world, token) == 200
