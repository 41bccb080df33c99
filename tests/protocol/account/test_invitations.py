"""/account/invitations: the page of an invitation, whose code is the fragment of its link."""

import re
from base64 import urlsafe_b64encode

import pytest

from shared.domain.invitations import INVITATION_LIFETIME_MS
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.domain.times import MS
from shared.services.organizations.invitations import InvitationRequest
from tests.protocol.account.test_organizations import PAGE, role_of
from tests.support.browsers import Browser, signed_in
from tests.support.sign_in import open_sign_in
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

INVITATION = "/account/invitations"
KEPT = "__Host-ballroom-invitation"


async def invited(world: World, role: Role = Role.MAINTAINER) -> str:
    """Invite somebody to `acme`, and return the link without the address of the registry."""
    offer = InvitationRequest.parse(role, None, "the new one")
    invitation = await world.registry.organizations.invitations.invite(
        parse_org("acme"), offer, by=OPERATOR
    )
    assert invitation.link
    return invitation.link.reveal().removeprefix(URL)


async def signed_in_by_link(world: World, browser: Browser) -> str:
    """Sign Bob in by a link in the browser, and return where it leads."""
    link = await world.registry.identity.sign_in_links.create(world.people.bob.account.id)
    path = link.reveal().removeprefix(URL)
    await browser.open(path)
    return str((await browser.submit(path)).headers["location"])


def words(browser: Browser) -> str:
    """Return the words of the page in one line."""
    return " ".join(re.sub("<[^>]+>", "", browser.text).split())


async def test_the_code_is_the_fragment_of_the_link(world: World) -> None:
    assert re.fullmatch(r"/account/invitations#[0-9A-Za-z]{32}", await invited(world))


@pytest.mark.parametrize("who", ["", "bob"])
async def test_the_page_has_a_field_for_the_code(world: World, who: str) -> None:
    browser = await signed_in(world, world.people.bob) if who else Browser(world)
    assert (await browser.open(INVITATION)).status_code == 200
    assert 'name="code"' in browser.text
    assert f'action="{INVITATION}"' in browser.text


async def test_an_invitation_is_accepted(world: World) -> None:
    link = await invited(world)
    bob = await signed_in(world, world.people.bob)
    assert (await bob.open(link)).status_code == 200
    assert "Join acme?" in bob.text
    answer = await bob.submit(link, decision="accept")
    assert answer.headers["location"] == f"{PAGE}?done=joined"
    assert await role_of(world, world.people.bob) == "maintainer"
    assert "Invitation accepted." in bob.text


async def test_who_is_invited_as_owner_reads_when_they_become_one(world: World) -> None:
    bob = await signed_in(world, world.people.bob)
    await bob.open(await invited(world))
    assert "48 hours" not in bob.text
    await bob.open(await invited(world, Role.OWNER))
    assert "You become an owner 48 hours after you accept" in bob.text


async def test_posting_the_code_alone_decides_nothing(world: World) -> None:
    link = await invited(world)
    bob = await signed_in(world, world.people.bob)
    for _ in range(2):
        await bob.open(link)
        assert await role_of(world, world.people.bob) == ""
    await bob.post(INVITATION, code=link.partition("#")[2], decision="something")
    assert "Join acme?" in bob.text
    assert await role_of(world, world.people.bob) == ""


async def test_the_whole_link_may_be_pasted_into_the_field(world: World) -> None:
    link = await invited(world)
    bob = await signed_in(world, world.people.bob)
    await bob.open(INVITATION)
    assert (await bob.submit(INVITATION, code=f" {URL}{link}\n")).status_code == 200
    assert "Join acme?" in bob.text


async def test_an_invitation_is_declined(world: World) -> None:
    link = await invited(world)
    bob = await signed_in(world, world.people.bob)
    await bob.open(link)
    await bob.submit(link, decision="decline")
    assert "Invitation declined." in bob.text
    assert await role_of(world, world.people.bob) == ""
    assert (await bob.open(link)).status_code == 404


async def test_a_member_who_is_invited_reads_that_they_are_one(world: World) -> None:
    link = await invited(world)
    mia = await signed_in(world, world.people.mia)
    await mia.open(link)
    answer = await mia.submit(link, decision="accept")
    assert answer.status_code == 409
    assert "Join acme?" in mia.text
    assert 'role="alert"' in mia.text


@pytest.mark.parametrize("decision", ["", "accept"])
async def test_an_invalid_code_shows_nothing(world: World, decision: str) -> None:
    bob = await signed_in(world, world.people.bob)
    await bob.open(INVITATION)
    answer = await bob.post(INVITATION, code="guess", decision=decision)
    assert answer.status_code == 404
    assert "This invitation is not valid" in bob.text
    assert 'aria-invalid="true"' in bob.text
    assert "acme" not in bob.text
    assert "guess" not in bob.text


async def test_an_invitation_says_who_invites_to_what_before_the_sign_in(world: World) -> None:
    link = await invited(world)
    stranger = Browser(world)
    assert (await stranger.open(link)).status_code == 401
    offer = "The operator invites you to join acme as maintainer. Sign in to accept or decline."
    assert offer in words(stranger)
    assert "Accept invitation" not in stranger.text


async def test_a_form_of_another_page_is_refused_before_the_code_is_looked_up(world: World) -> None:
    code = (await invited(world)).partition("#")[2]
    for csrf in ("", "guess"):
        stranger = Browser(world)
        await stranger.open(INVITATION)
        assert (await stranger.post(INVITATION, csrf=csrf, code=code)).status_code == 400
        assert "acme" not in stranger.text
        assert KEPT not in stranger.cookies


async def test_a_sign_in_by_a_link_comes_back_to_the_invitation(world: World) -> None:
    link = await invited(world)
    bob = Browser(world)
    await bob.open(link)
    assert await signed_in_by_link(world, bob) == INVITATION
    assert "Join acme?" in bob.text
    assert "__Host-ballroom-return" not in bob.cookies  # The next sign-in leads elsewhere.


async def test_a_sign_in_with_a_provider_comes_back_to_the_invitation(worlds: OpenWorld) -> None:
    sign_ins = await open_sign_in(worlds)
    link = URL + await invited(sign_ins.world)
    kim = Browser(sign_ins.world, sign_ins.issuer)
    await kim.choose(link, "oidc")
    assert "Join acme?" in kim.page.text
    assert str(kim.page.url) == f"{URL}{INVITATION}"
    await kim.submit(INVITATION, decision="accept")
    assert "Invitation accepted." in kim.page.text


async def test_the_browser_keeps_the_code_until_the_sign_in_ends(world: World) -> None:
    link = await invited(world)
    bob = Browser(world)
    await bob.open(link)
    assert bob.cookies[KEPT] == link.partition("#")[2]
    await bob.open(INVITATION)  # Again, before the sign-in.
    assert "invites you to join acme" in words(bob)
    await signed_in_by_link(world, bob)
    assert "Join acme?" in bob.text
    assert KEPT not in bob.cookies
    await bob.open(INVITATION)
    assert "Join acme?" not in bob.text


async def test_a_kept_code_that_has_expired_says_so_and_is_forgotten(world: World) -> None:
    link = await invited(world)
    bob = Browser(world)
    await bob.open(link)
    world.clock.advance(INVITATION_LIFETIME_MS * MS)
    assert (await bob.open(INVITATION)).status_code == 404
    assert KEPT not in bob.cookies
    assert (await bob.open(INVITATION)).status_code == 200


@pytest.mark.parametrize("page", ["https://evil.example/account", "//evil.example", "\x00", ""])
async def test_a_page_to_return_to_is_one_of_the_registry(world: World, page: str) -> None:
    value = urlsafe_b64encode(page.encode()).decode().rstrip("=") or "%"
    bob = Browser(world, cookies={"__Host-ballroom-return": value})
    assert await signed_in_by_link(world, bob) == "/account"


async def test_a_guessed_invitation_shows_nothing_and_is_counted(world: World) -> None:
    stranger = Browser(world)
    answer = await stranger.open(f"{INVITATION}#guess")
    assert answer.status_code == 404
    assert "acme" not in stranger.text
    for number in range(200):
        answer = await stranger.open(f"{INVITATION}#guess{number}")
        if answer.status_code == 429:
            break
    assert answer.status_code == 429


@pytest.mark.parametrize("who", ["", "bob"])
async def test_a_link_of_an_earlier_version_says_that_it_does_not_work(
    world: World, who: str
) -> None:
    code = (await invited(world)).partition("#")[2]
    browser = await signed_in(world, world.people.bob) if who else Browser(world)
    for path in (f"{INVITATION}/{code}", f"/sign-in/link/{code}"):
        assert (await browser.open(path)).status_code == 404
        assert "This link is from an earlier version of the registry" in browser.text
        assert code not in browser.text
