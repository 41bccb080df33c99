"""A page says what a form has done, after each form that redirects to it."""

import re

import pytest

from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR, Role
from shared.services.organizations.invitations import InvitationRequest
from tests.support.page_client import PageClient
from tests.support.world import URL, World


def message(browser: PageClient) -> str:
    """Return what the page says after a form."""
    [found] = re.findall(r'<div class="notice good" role="status"><p>(.*?)</p></div>', browser.text)
    return found


@pytest.fixture
async def mia(world: World) -> PageClient:
    return await PageClient.at(world, world.people.mia, "/account/organizations")


async def test_an_organization_is_created_and_left(mia: PageClient) -> None:
    await mia.send("/account/organizations", name="globex")
    assert message(mia).startswith("Organization created.")
    await mia.send("/account/organizations/leave", org="acme")
    assert message(mia) == "You left the organization."


@pytest.mark.parametrize(
    ("decision", "said"), [("accept", "Invitation accepted."), ("decline", "Invitation declined.")]
)
async def test_an_invitation_is_answered(mia: PageClient, decision: str, said: str) -> None:
    registry, wanted = mia.world.registry, InvitationRequest(Role.MEMBER, None, "")
    invited = await registry.organizations.invitations.invite(
        parse_org("other"), wanted, by=OPERATOR
    )
    assert invited.link
    path = invited.link.reveal().removeprefix(URL)
    await mia.open(path)
    await mia.send(path, decision=decision)
    assert message(mia).startswith(said)


async def test_sessions_are_ended(world: World, mia: PageClient) -> None:
    for _ in range(2):
        await PageClient.of(world, world.people.mia)
    await mia.open("/account/sessions")
    [one, _] = re.findall(r'name="session" value="(\w+)"', mia.text)[1:]
    await mia.send("/account/sessions/end", session=one)
    assert message(mia).startswith("Session ended.")
    await mia.send("/account/sessions/end-others")
    assert message(mia).startswith("All other sessions ended.")


async def test_notices_and_read_only_mode_are_changed(world: World) -> None:
    admin = await PageClient.at(world, world.people.admin, "/manage/notices")
    await admin.send("/manage/notices", text="Hello.")
    assert message(admin).startswith("Notice published.")
    await admin.send("/manage/notices/end")
    assert message(admin) == "Notice removed."
    await admin.open("/manage/read-only")
    await admin.send("/manage/read-only/on", reason="maintenance")
    assert "Read-only mode turned on." in admin.text
    await admin.send("/manage/read-only/off")
    assert "Read-only mode turned off." in admin.text


async def test_an_unknown_message_is_not_shown(mia: PageClient) -> None:
    await mia.open("/account/organizations?done=<b>")
    assert 'class="notice good"' not in mia.text


async def test_the_sign_in_page_is_a_page_like_others(world: World) -> None:
    answer = await world.get(f"{URL}/sign-in")
    assert answer.status_code == 200
    assert "www-authenticate" not in answer.headers
    assert (await world.get(f"{URL}/account")).status_code == 401


async def test_the_overview_shows_the_mail_address_and_that_it_is_verified(
    world: World, mia: PageClient
) -> None:
    await mia.open("/account")
    assert "You get no notifications." in mia.text
    stored = await world.registry.identity.accounts.by_id(world.people.mia.account.id)
    await world.registry.adapters.directory.replace(
        stored.model_copy(update={"email": "mia@example.org"})
    )
    await mia.open("/account")
    assert "mia@example.org" in mia.text
    assert ">Verified<" in mia.text
