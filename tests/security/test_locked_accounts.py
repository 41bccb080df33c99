"""An account in wrong hands is locked: nothing of it is good any more, within five seconds."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from shared.adapters.system import SystemRandomness
from shared.auth.access_tokens import AccessToken
from shared.domain.accounts import Account
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.domain.sessions import Session
from shared.services.organizations.invitations import InvitationRequest
from tests.support.browsers import Browser, signed_in
from tests.support.device_login import ask, decide, error, poll
from tests.support.sign_in import KINDS, open_sign_in
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

WITHIN = timedelta(seconds=5)
WHY = "Its laptop was stolen."
REFUSED = "The account ann is locked"


async def lock(world: World, account: Account) -> None:
    """Lock an account from the machine of the registry, so that no process of it knows at once."""
    await world.registry.administration.accounts.lock(account, WHY, by=OPERATOR)
    world.clock.advance(WITHIN)


async def unlock(world: World, account: Account) -> None:
    await world.registry.administration.accounts.unlock(account, by=OPERATOR)
    world.clock.advance(WITHIN)


# --- tokens ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/packages", f"{URL}/api/v1/whoami", f"{URL}/index/config.json", f"{URL}/mcp"]
)
async def test_a_token_is_answered_as_one_that_does_not_exist_by_every_face(
    world: World, path: str
) -> None:
    ann = world.people.ann
    before = await world.get(path, by=ann)
    environment = world.registry.settings.environment
    never_stored = AccessToken.mint(environment, ann.account.id, SystemRandomness())
    unknown = Person(ann.account, never_stored.text.reveal())
    await lock(world, ann.account)
    answer = await world.get(path, by=ann)
    missing = await world.get(path, by=unknown)
    assert (answer.status_code, answer.text) == (missing.status_code, missing.text)
    assert "locked" not in answer.text
    await unlock(world, ann.account)
    assert (await world.get(path, by=ann)).status_code == before.status_code


# --- sessions and signing in -------------------------------------------------------------------


async def test_a_session_ends_for_pages_and_for_the_api(world: World) -> None:
    thief = (await signed_in(world, world.people.ann)).copy()
    await lock(world, world.people.ann.account)
    assert (await thief.send("GET", "/account")).status_code == 401
    assert (await thief.api("GET", "/api/v1/orgs")).status_code == 401
    await unlock(world, world.people.ann.account)
    assert (await thief.send("GET", "/account")).status_code == 401


async def test_a_session_that_was_left_over_is_refused(world: World) -> None:
    ann = await signed_in(world, world.people.ann)
    directory = world.stores.directory
    # As a sign-in leaves it that began before the lock and ended after it.
    account = world.people.ann.account
    sessions = await directory.list_by_owner(Session, account.id)
    await lock(world, account)
    for each in sessions:
        await directory.add(each.model_copy(update={"revision": 1, "outbox": ()}))
    assert (await ann.send("GET", "/account")).status_code == 401
    assert (await ann.api("GET", "/api/v1/orgs")).status_code == 401


async def test_a_link_that_was_made_before_signs_nobody_in(world: World) -> None:
    link = (
        await world.registry.identity.sign_in_links.create(world.people.ann.account.id)
    ).reveal()
    path = link.removeprefix(URL)
    await lock(world, world.people.ann.account)
    thief = Browser(world)
    await thief.open(path)
    answer = await thief.submit(path)
    assert answer.status_code == 403
    assert REFUSED in thief.text
    assert (await thief.open("/account")).status_code == 401


@pytest.mark.parametrize("kind", KINDS)
async def test_no_provider_signs_anybody_in(worlds: OpenWorld, kind: str) -> None:
    sign_ins = await open_sign_in(worlds)
    await sign_ins.signed_in(kind)
    account = await sign_ins.world.registry.identity.accounts.by_name_or_id("kim")
    await lock(sign_ins.world, account)
    browser = sign_ins.browser()
    await browser.open(f"/sign-in/{kind}")
    assert browser.page.status_code == 403
    assert f"The account {account.name} is locked" in browser.page.text
    assert not browser.session
    await unlock(sign_ins.world, account)
    await browser.open(f"/sign-in/{kind}")
    assert browser.page.status_code == 200


# --- what was begun before ---------------------------------------------------------------------


async def test_a_machine_that_was_approved_gets_no_token(world: World) -> None:
    codes = await ask(world)
    ann = await signed_in(world, world.people.ann)
    await decide(ann, codes, "approve")
    await lock(world, world.people.ann.account)
    assert error(await poll(world, codes)) == "access_denied"


async def test_an_invitation_of_a_locked_account_is_not_accepted(world: World) -> None:
    ann = await signed_in(world, world.people.ann)
    offer = InvitationRequest.parse(Role.MAINTAINER, None, "an accomplice")
    authentication = world.registry.identity.session_authentication
    by = (await authentication.authenticate({"cookie": f"__Host-ballroom={ann.session}"})).principal
    invited = await world.registry.organizations.invitations.invite(parse_org("acme"), offer, by=by)
    assert invited.link
    await lock(world, world.people.ann.account)
    bob = await signed_in(world, world.people.bob)
    answer = await bob.open(invited.link.reveal().removeprefix(URL))
    assert answer.status_code == 404


@pytest.mark.parametrize("how", ["locked", "dismissed"])
async def test_a_link_of_an_administrator_who_is_one_no_more_signs_nobody_in(
    world: World, how: str
) -> None:
    mia = world.people.mia.account
    administration = world.registry.administration
    await administration.administrators.appoint(mia, by=OPERATOR)
    stolen = await signed_in(world, world.people.mia)
    await stolen.post(world.with_ids("/manage/accounts/ID-OF-ann/link"))
    found = re.search(r"/sign-in/link#\w+", stolen.text)
    assert found, stolen.text
    if how == "locked":
        await administration.accounts.lock(mia, WHY, by=OPERATOR)
    else:
        await administration.administrators.dismiss(mia, WHY, by=OPERATOR)
    thief = Browser(world)
    await thief.open(found[0])
    assert thief.page.status_code == 401
    assert "This sign-in link was used or has expired" in thief.text
    code = urlsplit(found[0]).fragment
    assert (await thief.submit("/sign-in/link", code=code)).status_code == 401
    assert (await thief.open("/account")).status_code == 401


async def test_an_administrator_who_is_locked_manages_nothing(world: World) -> None:
    await world.registry.administration.administrators.appoint(
        world.people.ann.account, by=OPERATOR
    )
    ann = await signed_in(world, world.people.ann)
    assert (await ann.open("/manage/accounts")).status_code == 200
    await world.registry.administration.accounts.lock(world.people.ann.account, WHY, by=OPERATOR)
    # At once, and not only when this process has heard of it.
    await ann.post(world.with_ids("/manage/accounts/ID-OF-ann/unlock"))
    account = await world.registry.identity.accounts.by_name_or_id("ann")
    assert account.is_locked
