"""/account/organizations and the link of an invitation: found, join and leave organizations."""

import re
from base64 import urlsafe_b64encode

import pytest

from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR, Role
from shared.services.organizations.invitations import InvitationRequest
from tests.support.page_client import PageClient
from tests.support.world import URL, Person, World

pytestmark = pytest.mark.measured

PAGE = "/account/organizations"


async def invited(world: World, role: Role = Role.MAINTAINER) -> str:
    """Invite somebody to `acme`, and return the path of the page."""
    offer = InvitationRequest.parse(role, None, "the new one")
    invitation = await world.registry.organizations.invitations.invite(
        parse_org("acme"), offer, by=OPERATOR
    )
    assert invitation.link
    return invitation.link.reveal().removeprefix(world.registry.settings.base_url)


async def role_of(world: World, person: Person, org: str = "acme") -> str:
    members = await world.registry.organizations.memberships.members(parse_org(org), by=OPERATOR)
    roles = {each.name: each.membership.role.value for each in members}
    return roles.get(person.account.name, "")


async def test_an_organization_is_created_by_its_name(world: World) -> None:
    mia = await PageClient.at(world, world.people.mia, PAGE)
    answer = await mia.send(PAGE, name="miasorg")
    assert answer.status_code == 303
    assert "Organization created." in mia.text
    assert "miasorg" in mia.text
    assert await role_of(world, world.people.mia, "miasorg") == "owner"


@pytest.mark.parametrize(
    ("name", "status"), [("acme", 409), ("a b", 400), ("", 400), ("ballerinax", 403)]
)
async def test_a_name_that_cannot_be_had_is_shown_again_with_the_reason(
    world: World, name: str, status: int
) -> None:
    bob = await PageClient.at(world, world.people.bob, PAGE)
    answer = await bob.send(PAGE, name=name)
    assert answer.status_code == status
    form = bob.text[bob.text.index("Create an organization") :]
    is_at_the_field = 'aria-invalid="true"' in form
    assert is_at_the_field == (status != 403)
    assert ('id="name-error"' in form) == is_at_the_field
    assert form.count('role="alert"') == 1
    assert f'value="{name}"' in form


async def test_a_member_leaves(world: World) -> None:
    mia = await PageClient.at(world, world.people.mia, PAGE)
    answer = await mia.send(f"{PAGE}/leave", org="acme")
    assert answer.status_code == 303
    assert await role_of(world, world.people.mia) == ""
    assert "You left the organization." in mia.text
    await mia.open(f"{PAGE}?done=<b>")
    assert 'class="notice good"' not in mia.text, "an unknown message"


async def test_the_last_owner_stays(world: World) -> None:
    ann = await PageClient.at(world, world.people.ann, PAGE)
    answer = await ann.send(f"{PAGE}/leave", org="acme")
    assert answer.status_code == 409
    assert 'role="alert"' in ann.text
    assert await role_of(world, world.people.ann) == "owner"


async def test_an_invitation_is_accepted(world: World) -> None:
    path, bob = await invited(world), await PageClient.of(world, world.people.bob)
    await bob.open(path)
    answer = await bob.send(path, decision="accept")
    assert answer.headers["location"] == f"{PAGE}?done=joined"
    assert await role_of(world, world.people.bob) == "maintainer"
    assert "Invitation accepted." in bob.text


async def test_an_invitation_is_declined(world: World) -> None:
    path, bob = await invited(world), await PageClient.of(world, world.people.bob)
    await bob.open(path)
    await bob.send(path, decision="decline")
    assert "Invitation declined." in bob.text
    assert await role_of(world, world.people.bob) == ""
    assert (await bob.open(path)).status_code == 404


async def test_a_member_who_is_invited_reads_that_they_are_one(world: World) -> None:
    path, mia = await invited(world), await PageClient.of(world, world.people.mia)
    await mia.open(path)
    answer = await mia.send(path, decision="accept")
    assert answer.status_code == 409
    assert "Join acme?" in mia.text
    assert 'role="alert"' in mia.text


async def test_an_invalid_code_shows_nothing(world: World) -> None:
    bob = await PageClient.of(world, world.people.bob)
    answer = await bob.open("/account/invitations/guess")
    assert answer.status_code == 404
    assert "acme" not in bob.text


async def test_an_invitation_says_who_invites_to_what_before_the_sign_in(world: World) -> None:
    path = await invited(world)
    stranger = PageClient(world)
    assert (await stranger.open(path)).status_code == 401
    words = " ".join(re.sub("<[^>]+>", "", stranger.text).split()).lower()
    offer = "invites you to join acme as maintainer. Sign in to accept or decline."
    assert f"The operator {offer}".lower() in words
    assert "Accept invitation" not in stranger.text


async def test_a_sign_in_by_a_link_comes_back_to_the_invitation(world: World) -> None:
    path = await invited(world)
    bob = PageClient(world)
    await bob.open(path)
    link = await world.registry.identity.sign_in_links.create(world.people.bob.account.id)
    await bob.open(link.reveal().removeprefix(URL))
    answer = await bob.send(link.reveal().removeprefix(URL))
    assert answer.headers["location"] == path
    assert "Join acme?" in bob.text
    assert bob.cookies["__Host-ballroom-return"] == ""  # The next sign-in leads elsewhere.


@pytest.mark.parametrize("page", ["https://evil.example/account", "//evil.example", "\x00", ""])
async def test_a_page_to_return_to_is_one_of_the_registry(world: World, page: str) -> None:
    value = urlsafe_b64encode(page.encode()).decode().rstrip("=") or "%"
    bob = PageClient(world, {"__Host-ballroom-return": value})
    link = await world.registry.identity.sign_in_links.create(world.people.bob.account.id)
    await bob.open(link.reveal().removeprefix(URL))
    answer = await bob.send(link.reveal().removeprefix(URL))
    assert answer.headers["location"] == "/account"


async def test_a_guessed_invitation_shows_nothing_and_is_counted(world: World) -> None:
    stranger = PageClient(world)
    answer = await stranger.open("/account/invitations/guess")
    assert answer.status_code == 401
    assert "invites you" not in stranger.text
    for number in range(200):
        answer = await stranger.open(f"/account/invitations/guess{number}")
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
