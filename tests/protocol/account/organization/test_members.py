"""/account/organizations/{org}: members, roles and invitations."""

import re
from datetime import timedelta

import pytest

from functions.account.organization import OWNER_TABS
from shared.domain.memberships import OWNER_CHANGE_DELAY
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from tests.support.browsers import Browser, signed_in
from tests.support.world import URL, OpenWorld, World

ACME = parse_org("acme")
PAGE = "/account/organizations/acme"
LONG_AGO = timedelta(minutes=11)  # No sign-in is fresh any more.


async def roles(world: World) -> dict[str, str]:
    members = await world.registry.organizations.memberships.members(ACME, by=OPERATOR)
    return {each.name: each.membership.role.value for each in members}


async def test_outsiders_read_that_there_is_no_such_page(world: World) -> None:
    bob = await signed_in(world, world.people.bob, PAGE)
    assert bob.page
    assert bob.page.status_code == 404
    for decision in ("invite", "role", "remove", "undo", "withdraw"):
        await bob.open("/account/organizations")
        answer = await bob.post(
            f"{PAGE}/{decision}",
            role="member",
            account=world.people.mia.account.id,
            visibility="private",
        )
        assert answer.status_code == 404, decision
    assert await roles(world) == {"ann": "owner", "mia": "member"}


@pytest.mark.parametrize("tab", [name for name, _ in OWNER_TABS])
async def test_owners_alone_see_their_pages(world: World, tab: str) -> None:
    for person, status in ((world.people.mia, 403), (world.people.bob, 404)):
        browser = await signed_in(world, person)
        assert (await browser.open(f"{PAGE}/{tab}")).status_code == status
    assert (await world.get(f"{URL}{PAGE}/{tab}")).status_code == 401


# --- members -----------------------------------------------------------------------------------


async def test_an_owner_changes_and_takes_out_members(world: World, ann: Browser) -> None:
    mia = world.people.mia.account.id
    answer = await ann.submit(f"{PAGE}/role", account=mia, role="maintainer")
    assert answer.status_code == 303
    assert await roles(world) == {"ann": "owner", "mia": "maintainer"}
    await ann.submit(f"{PAGE}/remove", account=mia)
    assert await roles(world) == {"ann": "owner"}
    assert "mia" not in ann.text


@pytest.mark.parametrize(
    ("form", "reason"), [("role", "There is no such role"), ("visibility", "Choose ")]
)
async def test_an_invalid_choice_is_shown_with_the_reason(
    world: World, ann: Browser, form: str, reason: str
) -> None:
    sent = {"account": world.people.mia.account.id, form: "king"}
    assert (await ann.post(f"{PAGE}/{form}", **sent)).status_code == 400
    assert reason in ann.text


async def test_members_see_pending_changes_and_do_not_undo_them(world: World) -> None:
    memberships = world.registry.organizations.memberships
    people = world.people
    await memberships.set_member(ACME, people.mia.account, Role.OWNER, by=world.fresh(people.ann))
    mia = await signed_in(world, people.mia, PAGE)
    assert "mia will become owner" in mia.text
    assert "Requested by ann." in mia.text
    assert f'action="{PAGE}/undo"' not in mia.text


async def test_the_link_of_a_mail_leads_to_the_page(world: World) -> None:
    people = world.people
    directory = world.stores.directory
    known = people.ann.account.model_copy(update={"email": "ann@example.org"})
    await directory.put(known)
    by = world.fresh(people.ann)
    await world.registry.organizations.memberships.set_member(
        ACME, people.mia.account, Role.OWNER, by=by
    )
    [mail] = world.mailer.to("ann@example.org")
    [path] = re.findall(rf"^{URL}(/\S+)$", mail.text, re.MULTILINE)
    ann = await signed_in(world, people.ann)
    assert (await ann.open(path)).status_code == 200
    assert "mia will become owner" in ann.text


# --- invitations -------------------------------------------------------------------------------


async def test_an_owner_invites_by_a_link_that_is_shown_once(world: World, ann: Browser) -> None:
    answer = await ann.submit(f"{PAGE}/invite", role="maintainer", email="", label="for bob")
    assert answer.status_code == 200
    [link] = re.findall(rf'value="({URL}/account/invitations#\w+)"', ann.text)
    await ann.open(PAGE)
    assert "for bob" in ann.text
    assert link not in ann.text
    bob = await signed_in(world, world.people.bob, link.removeprefix(URL))
    await bob.submit(link.removeprefix(URL), decision="accept")
    assert (await roles(world))["bob"] == "maintainer"


async def test_an_owner_invites_by_mail(worlds: OpenWorld) -> None:
    world = await worlds(mail="smtp", smtp_host="mail.example.org", mail_from="r@example.org")
    ann = await signed_in(world, world.people.ann, PAGE)
    await ann.submit(f"{PAGE}/invite", role="member", email="bob@example.org", label="")
    assert "Invitation sent to b\N{HORIZONTAL ELLIPSIS}@example.org" in ann.text
    assert len(world.mailer.to("bob@example.org")) == 1
    assert "/account/invitations#" not in ann.text


async def test_who_invites_by_mail_reads_that_the_registry_only_prints_it(ann: Browser) -> None:
    await ann.submit(f"{PAGE}/invite", role="member", email="bob@example.org", label="")
    assert "Invitation sent" not in ann.text
    assert "prints its mail in the terminal where it runs" in ann.text
    assert "/account/invitations#" not in ann.text


async def test_who_invites_reads_how_the_person_gets_an_account(world: World, ann: Browser) -> None:
    admin = await signed_in(world, world.people.admin, PAGE)
    for inviter, way_in in (
        (ann, "ask an administrator"),
        (admin, 'href="/manage/accounts#create"'),
    ):
        await inviter.submit(f"{PAGE}/invite", role="member", email="", label="new")
        assert way_in in inviter.text


async def test_the_command_for_an_invited_person_makes_an_account(
    world: World, ann: Browser
) -> None:
    await ann.submit(f"{PAGE}/invite", role="member", email="", label="new")
    [link] = re.findall(rf'value="({URL}/account/invitations#\w+)"', ann.text)
    page = (await Browser(world).open(link.removeprefix(URL))).text
    program = world.registry.settings.operator_program
    assert page.index(f"{program} account add NAME") < page.index(f"{program} signin-link NAME")


async def test_where_no_mail_leaves_the_owner_gets_the_link(world: World, ann: Browser) -> None:
    world.mailer.is_down = True
    await ann.submit(f"{PAGE}/invite", role="member", email="bob@example.org", label="")
    assert "The email could not be sent" in ann.text
    assert f"{URL}/account/invitations#" in ann.text


async def test_an_owner_withdraws_an_invitation(world: World, ann: Browser) -> None:
    await ann.submit(f"{PAGE}/invite", role="member", email="", label="for bob")
    [invitation] = await world.registry.organizations.invitations.pending(ACME, by=OPERATOR)
    await ann.submit(f"{PAGE}/withdraw", invitation=invitation.id)
    assert "for bob" not in ann.text


# --- what it says, deletion -----------------------------------------------------------


@pytest.mark.parametrize("decision", ["visibility", "delete", "keep", "role", "undo"])
async def test_permanent_decisions_take_a_fresh_sign_in(
    world: World, ann: Browser, decision: str
) -> None:
    world.clock.advance(LONG_AGO)
    new_owner = {"account": world.people.mia.account.id, "role": "owner"}
    answer = await ann.post(f"{PAGE}/{decision}", visibility="private", **new_owner)
    assert answer.status_code == 403
    assert 'href="/sign-in?for=again&to=/account/organizations/acme' in ann.text
    assert await roles(world) == {"ann": "owner", "mia": "member"}


async def test_a_pending_deletion_is_shown_until_it_is_done(world: World) -> None:
    await world.registry.organizations.deletion.delete(ACME, by=world.fresh(world.people.ann))
    mia = await signed_in(world, world.people.mia, PAGE)
    assert "This organization will be deleted" in mia.text
    assert f'action="{PAGE}/keep"' not in mia.text
    world.clock.advance(OWNER_CHANGE_DELAY)
    mia = await signed_in(world, world.people.mia)
    assert (await mia.open(PAGE)).status_code == 404


# --- with a fresh sign-in ----------------------------------------------------------------------


async def test_a_freshly_signed_in_owner_makes_an_owner_and_undoes_it(
    world: World, ann: Browser
) -> None:
    answer = await ann.submit(f"{PAGE}/role", account=world.people.mia.account.id, role="owner")
    assert answer.status_code == 303, ann.text
    assert "mia will become owner" in ann.text
    await ann.submit(f"{PAGE}/undo", account=world.people.mia.account.id)
    assert "mia will become owner" not in ann.text
    world.clock.advance(OWNER_CHANGE_DELAY)
    assert await roles(world) == {"ann": "owner", "mia": "member"}


async def test_a_freshly_signed_in_owner_deletes_the_organization_and_undoes_it(
    ann: Browser,
) -> None:
    await ann.open(f"{PAGE}/settings")
    assert (await ann.submit(f"{PAGE}/delete")).status_code == 303, ann.text
    assert "This organization will be deleted" in ann.text
    assert (await ann.submit(f"{PAGE}/keep")).status_code == 303, ann.text
    assert "This organization will be deleted" not in ann.text


async def test_a_freshly_signed_in_owner_sets_the_default_visibility(
    world: World, ann: Browser
) -> None:
    await ann.open(f"{PAGE}/settings")
    assert (await ann.submit(f"{PAGE}/visibility", visibility="private")).status_code == 303
    assert '<option value="private" selected>' in ann.text
    shown = await world.get(f"{URL}/api/v1/orgs/acme")
    assert shown.status_code == 404


async def test_a_freshly_signed_in_owner_invites_an_owner(world: World, ann: Browser) -> None:
    await ann.submit(f"{PAGE}/invite", role="owner", email="", label="")
    [path] = re.findall(rf'value="{URL}(/account/invitations#\w+)"', ann.text)
    bob = await signed_in(world, world.people.bob, path)
    await bob.submit(path, decision="accept")
    assert (await roles(world))["bob"] == "member"
    await bob.open(PAGE)
    assert "bob will become owner" in bob.text
    world.clock.advance(OWNER_CHANGE_DELAY)
    assert (await roles(world))["bob"] == "owner"
