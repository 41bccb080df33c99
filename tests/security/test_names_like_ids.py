"""A stranger who signs up under somebody's id: what is meant for the one never reaches the other.

Signing up gives no such name any more. In what follows the stranger has it from before.
"""

import pytest
from msgspec.structs import replace

from shared.auth.identity_providers import VerifiedIdentity
from shared.domain.account_names import AccountName
from shared.domain.ids import is_id
from shared.domain.names import parse_org
from shared.domain.principals import ANONYMOUS, OPERATOR
from shared.domain.scopes import Role
from tests.support.browsers import signed_in
from tests.support.world import URL, Person, World, token_of

pytestmark = pytest.mark.measured

ACME = parse_org("acme")
PAGE = "/account/organizations/acme"


@pytest.fixture
async def stranger(world: World) -> Person:
    """Return somebody whose name is the id of Mia, who is a member of Ann's organization."""
    victim = world.people.mia.account
    made = await world.registry.identity.accounts.create("eve", by=OPERATOR)
    directory = world.stores.directory
    claim = AccountName(name=victim.id, account=made.id, created_ms=made.created_ms)
    await directory.add(claim)
    named = await directory.replace(made.model_copy(update={"name": victim.id}))
    return Person(named, await token_of(world.registry, named))


async def roles(world: World) -> dict[str, str]:
    """Return who is what in Acme, by id."""
    members = await world.registry.organizations.memberships.members(ACME, by=OPERATOR)
    return {each.membership.account: each.membership.role.value for each in members}


async def test_an_account_named_like_an_id_does_not_protect_a_member_from_removal(
    world: World, stranger: Person
) -> None:
    mia = world.people.mia.account.id
    ann = world.people.ann
    assert stranger.account.name == mia
    page = await signed_in(world, ann)
    await page.open(PAGE)
    assert (await page.submit(f"{PAGE}/role", account=mia, role="maintainer")).status_code == 303
    assert (await roles(world))[mia] == "maintainer"
    assert (await page.submit(f"{PAGE}/remove", account=mia)).status_code == 303
    assert await roles(world) == {ann.account.id: "owner"}
    await world.registry.organizations.memberships.set_member(
        ACME, world.people.mia.account, Role.MEMBER, by=OPERATOR
    )
    url = f"{URL}/api/v1/orgs/acme/members/{mia}"
    assert (await world.send("DELETE", url, by=ann)).status_code == 204
    assert await roles(world) == {ann.account.id: "owner"}


async def test_an_account_named_like_an_id_does_not_prevent_undoing_a_pending_owner(
    world: World, stranger: Person
) -> None:
    mia = world.people.mia.account.id
    page = await signed_in(world, world.people.ann)
    await page.open(PAGE)
    await page.submit(f"{PAGE}/role", account=mia, role="owner")
    assert "mia will become owner" in page.text
    assert (await page.submit(f"{PAGE}/undo", account=mia)).status_code == 303
    members = await world.registry.organizations.memberships.members(ACME, by=OPERATOR)
    assert not any(each.membership.pending for each in members)
    assert stranger.account.id not in await roles(world)


async def test_nobody_is_promoted_in_place_of_the_person_meant(
    world: World, stranger: Person
) -> None:
    mia = world.people.mia.account.id
    admin = await signed_in(world, world.people.admin)
    await admin.open(f"/manage/accounts?q={mia}")
    assert f'href="/manage/accounts/{mia}"' in admin.text
    await admin.open(f"/manage/accounts/{mia}")
    answer = await admin.submit(f"/manage/accounts/{mia}/appoint", name="mia")
    assert answer.status_code == 303
    running = await world.registry.administration.accounts.list_administrators(by=OPERATOR)
    assert {each.name for each in running} == {"admin", "mia"}
    assert stranger.account.id not in {each.id for each in running}


async def test_an_id_that_is_typed_where_a_name_is_asked_for_is_nobodys_name(
    world: World, stranger: Person
) -> None:
    mia = world.people.mia.account.id
    admin = await signed_in(world, world.people.admin)
    await admin.open("/manage/organizations")
    answer = await admin.submit("/manage/organizations", name="globex", owner=mia)
    assert answer.status_code == 404
    assert f"id:{mia}" in admin.text
    await admin.submit("/manage/organizations", name="globex", owner=f"id:{mia}")
    members = await world.registry.organizations.memberships.members(
        parse_org("globex"), by=OPERATOR
    )
    assert [each.membership.account for each in members] == [mia]
    assert await world.registry.administration.audit_log.actor_id(mia) == mia
    assert stranger.account.name == mia


async def test_an_account_that_signs_up_with_an_id_as_name_gets_another_name(world: World) -> None:
    mia = world.people.mia.account.id
    identities = world.registry.identity.identities
    who = VerifiedIdentity(
        issuer="https://login.test",
        identifier="1",
        label=mia,
        email="",
        display_name=mia,
        strong=False,
        authenticated_ms=world.clock.now_ms(),
    )
    made = await world.registry.identity.accounts.by_id(
        await identities.register(who, "oidc", by=replace(ANONYMOUS, address="192.0.2.1"))
    )
    assert made.name == f"{mia.lower()}-1"
    assert not is_id(made.name)
    listed = await world.registry.administration.accounts.page("", 100, by=OPERATOR)
    assert not [row for row in listed.rows if row.account and is_id(row.account.name)]
