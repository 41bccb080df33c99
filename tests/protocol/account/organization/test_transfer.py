"""/account/organizations/{org}/settings: organization transfer."""

import httpx
import pytest

from shared.domain.identity import OPERATOR
from shared.domain.member_rules import OWNER_CHANGE_DELAY
from tests.protocol.account.organization.test_members import ACME, LONG_AGO, roles
from tests.support.page_client import PageClient
from tests.support.world import World

ORG = "/account/organizations/acme"
PAGE = f"{ORG}/settings"
FORM = {"heir": "ID-OF-mia", "afterwards": "leave", "confirm": "Acme"}


@pytest.fixture
async def ann(world: World) -> PageClient:
    browser = await PageClient.of(world, world.people.ann)
    await browser.open(PAGE)
    return browser


async def transfer(ann: PageClient, **typed: str) -> httpx.Response:
    """Send the form, with what is typed besides."""
    fields = {name: ann.world.with_ids(text) for name, text in {**FORM, **typed}.items()}
    return await ann.send(f"{ORG}/transfer", **fields)


async def test_somebody_else_owns_it_two_days_later(ann: PageClient) -> None:
    answer = await transfer(ann)
    assert answer.status_code == 303, ann.text
    assert "Transfer scheduled." in ann.text
    assert await roles(ann.world) == {"ann": "owner", "mia": "member"}
    await ann.open(ORG)
    assert "mia will become owner" in ann.text
    assert "ann will be removed" in ann.text
    ann.world.clock.advance(OWNER_CHANGE_DELAY)
    assert await roles(ann.world) == {"mia": "owner"}
    ann = await PageClient.of(ann.world, ann.world.people.ann)
    assert (await ann.open(ORG)).status_code == 404


@pytest.mark.parametrize("then", ["maintainer", "member"])
async def test_the_former_owner_stays_with_a_lower_role(ann: PageClient, then: str) -> None:
    await transfer(ann, afterwards=then)
    ann.world.clock.advance(OWNER_CHANGE_DELAY)
    assert await roles(ann.world) == {"ann": then, "mia": "owner"}


async def test_it_is_undone_by_one_button(ann: PageClient) -> None:
    await transfer(ann)
    await ann.open(ORG)
    await ann.send(f"{ORG}/undo", account=ann.world.people.mia.account.id)
    assert "will become owner" not in ann.text
    assert "will be removed" not in ann.text
    ann.world.clock.advance(OWNER_CHANGE_DELAY)
    assert await roles(ann.world) == {"ann": "owner", "mia": "member"}


@pytest.mark.parametrize(
    ("typed", "status", "reason"),
    [
        ({"confirm": "acne"}, 400, "type its name"),
        ({"afterwards": "owner"}, 400, "Choose your role after the transfer"),
        ({"heir": "ID-OF-bob"}, 404, "is not a member of acme"),
        ({"heir": "mia"}, 404, "mia is not a member of acme"),
        ({"heir": "ID-OF-ann"}, 400, "ann owns acme already"),
    ],
)
async def test_an_invalid_choice_is_shown_again(
    ann: PageClient, typed: dict[str, str], status: int, reason: str
) -> None:
    answer = await transfer(ann, **typed)
    assert answer.status_code == status
    assert reason in ann.text
    assert f'value="{typed.get("confirm", "Acme")}"' in ann.text


async def test_it_takes_signing_in_again(ann: PageClient) -> None:
    ann.world.clock.advance(LONG_AGO)
    answer = await transfer(ann)
    assert answer.status_code == 403
    assert f'href="/sign-in?for=again&to={PAGE}"' in ann.text


async def test_the_only_member_has_to_invite_somebody_first(ann: PageClient) -> None:
    world = ann.world
    await world.registry.organizations.memberships.remove_member(
        ACME, world.people.mia.account, by=OPERATOR
    )
    await ann.open(PAGE)
    assert "There is no other member to transfer it to." in ann.text
    assert f'action="{ORG}/transfer"' not in ann.text


async def test_administrators_make_owners_instead(world: World) -> None:
    admin = await PageClient.of(world, world.people.admin)
    await admin.open(PAGE)
    assert "As an administrator of the registry" in admin.text
    assert f'action="{ORG}/transfer"' not in admin.text


async def test_owners_alone_see_the_settings(world: World) -> None:
    for person, status in ((world.people.mia, 403), (world.people.bob, 404)):
        browser = await PageClient.of(world, person)
        assert (await browser.open(PAGE)).status_code == status
