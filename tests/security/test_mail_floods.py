"""Mail as a weapon: whoever invites somebody again and again does not fill their mailbox."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.bootstrap.build import build_registry
from shared.domain.errors.requests import TooMany
from shared.domain.grants import Grant
from shared.domain.names import parse_org
from shared.domain.principals import Principal
from shared.domain.scopes import Role
from shared.services.organizations.invitations import InvitationRequest
from tests.support.browsers import Browser, signed_in
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

VICTIM = "victim@example.org"
INVITATIONS = "/api/v1/orgs/acme/invitations"


async def invite(browser: Browser, email: str = VICTIM, path: str = INVITATIONS) -> httpx.Response:
    return await browser.api("POST", path, {"role": "member", "email": email})


def code(answer: httpx.Response) -> Any:
    return answer.json()["error"]["code"]


async def test_sixty_renewals_in_a_second_are_one_mail(world: World) -> None:
    ann = await signed_in(world, world.people.ann)
    answers = [await invite(ann) for _ in range(60)]
    assert [each.status_code for each in answers] == [201] + [429] * 59
    assert len(world.mailer.to(VICTIM)) == 1
    assert code(answers[1]) == "mailed-lately"
    shown = answers[1].json()["error"]["message"]
    assert shown.startswith("v\N{HORIZONTAL ELLIPSIS}@example.org got an invitation by mail")
    assert "Wait 600 seconds to send another one, or invite without an address" in shown
    assert answers[1].headers["retry-after"] == "600"


async def test_ten_minutes_later_it_is_sent_again(world: World) -> None:
    ann = await signed_in(world, world.people.ann)
    await invite(ann)
    world.clock.advance(timedelta(minutes=9, seconds=59))
    assert (await invite(ann)).headers["retry-after"] == "1"
    world.clock.advance(timedelta(seconds=1))
    assert (await invite(ann)).status_code == 201
    assert len(world.mailer.to(VICTIM)) == 2


@pytest.mark.parametrize("email", [VICTIM, "VICTIM@example.org", "victim+2@example.org"])
async def test_an_address_in_any_spelling_gets_one_mail_from_all_organizations(
    world: World, email: str
) -> None:
    ann = await signed_in(world, world.people.ann)
    bob = await signed_in(world, world.people.bob)
    assert (await invite(ann)).status_code == 201
    assert code(await invite(bob, email, "/api/v1/orgs/other/invitations")) == "mailed-lately"
    assert len(world.mailer.sent) == 1


async def test_exactly_one_of_concurrent_instances_sends_the_mail(world: World) -> None:
    registries = [build_registry(world.registry.settings, world.stores) for _ in range(4)]
    now_ms = world.clock.now_ms()
    ann = Principal(world.people.ann.account.id, "session", (Grant(),), signed_in_ms=now_ms)
    offer = InvitationRequest.parse(Role.MEMBER, VICTIM, "")
    acme = parse_org("acme")
    results = await asyncio.gather(
        *(each.organizations.invitations.invite(acme, offer, by=ann) for each in registries),
        return_exceptions=True,
    )
    assert sum(isinstance(each, TooMany) for each in results) == 3
    assert len(world.mailer.to(VICTIM)) == 1


async def test_a_refused_renewal_leaves_the_invitation_that_was_mailed(world: World) -> None:
    ann = await signed_in(world, world.people.ann)
    await invite(ann)
    before = (await ann.api("GET", INVITATIONS)).json()
    await invite(ann)
    assert (await ann.api("GET", INVITATIONS)).json() == before
    [mail] = world.mailer.to(VICTIM)
    link = next(word for word in mail.text.split() if "/account/invitations#" in word)
    bob = await signed_in(world, world.people.bob)
    await bob.open(link)
    await bob.submit(link, decision="accept")
    assert bob.page.status_code == 200


async def test_security_notices_are_not_held_back_by_invitations(world: World) -> None:
    """Whoever knows the address of an owner could otherwise keep them from being told."""
    account = world.people.ann.account.model_copy(update={"email": VICTIM})
    await world.stores.directory.replace(account)
    bob = await signed_in(world, world.people.bob)
    await invite(bob, path="/api/v1/orgs/other/invitations")
    await signed_in(world, world.people.ann, agent="Another browser")
    await world.registry.identity.authentication.close()
    subjects = [each.subject for each in world.mailer.to(VICTIM)]
    assert len(subjects) == 2
    assert "new sign-in" in " ".join(subjects)


async def test_invitations_to_many_addresses_are_limited_renewed_or_not(worlds: OpenWorld) -> None:
    world = await worlds(limit_invitation="account=3")
    ann = await signed_in(world, world.people.ann)
    answers = [await invite(ann, f"v{each}@example.org") for each in range(3)]
    world.clock.advance(timedelta(minutes=10))
    answers.append(await invite(ann, "v0@example.org"))
    assert [each.status_code for each in answers] == [201, 201, 201, 429]
    assert "too many invitations by this account: 3 are taken in 60" in answers[3].text
