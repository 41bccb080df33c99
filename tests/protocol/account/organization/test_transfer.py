"""/account/organizations/{org}/settings: organization transfer."""

from datetime import timedelta

import httpx
import pytest

from shared.domain.memberships import OWNER_CHANGE_DELAY
from shared.domain.principals import OPERATOR
from tests.protocol.account.organization.test_members import ACME, LONG_AGO, roles
from tests.support.browsers import Browser, signed_in
from tests.support.world import World

ORG = "/account/organizations/acme"
PAGE = f"{ORG}/settings"
FORM = {"new_owner": "ID-OF-mia", "later_role": "leave", "confirm": "Acme"}


@pytest.fixture
async def ann(world: World) -> Browser:
    browser = await signed_in(world, world.people.ann)
    await browser.open(PAGE)
    return browser


def filled_in(world: World, **typed: str) -> dict[str, str]:
    """Return the fields of the form, with what is typed besides."""
    return {name: world.with_ids(text) for name, text in {**FORM, **typed}.items()}


async def transfer(ann: Browser, **typed: str) -> httpx.Response:
    return await ann.submit(f"{ORG}/transfer", **filled_in(ann.world, **typed))


async def test_somebody_else_owns_it_two_days_later(ann: Browser) -> None:
    answer = await transfer(ann)
    assert answer.status_code == 303, ann.text
    assert "Transfer scheduled." in ann.text
    assert await roles(ann.world) == {"ann": "owner", "mia": "member"}
    await ann.open(ORG)
    assert "mia will become owner" in ann.text
    assert "ann will be removed" in ann.text
    ann.world.clock.advance(OWNER_CHANGE_DELAY)
    assert await roles(ann.world) == {"mia": "owner"}
    ann = await signed_in(ann.world, ann.world.people.ann)
    assert (await ann.open(ORG)).status_code == 404


@pytest.mark.parametrize("then", ["maintainer", "member"])
async def test_the_former_owner_stays_with_a_lower_role(ann: Browser, then: str) -> None:
    await transfer(ann, later_role=then)
    ann.world.clock.advance(OWNER_CHANGE_DELAY)
    assert await roles(ann.world) == {"ann": then, "mia": "owner"}


async def test_one_button_undoes_a_transfer_of_ownership(ann: Browser) -> None:
    await transfer(ann)
    await ann.open(ORG)
    await ann.submit(f"{ORG}/undo", account=ann.world.people.mia.account.id)
    assert "will become owner" not in ann.text
    assert "will be removed" not in ann.text
    ann.world.clock.advance(OWNER_CHANGE_DELAY)
    assert await roles(ann.world) == {"ann": "owner", "mia": "member"}


async def test_the_former_owner_stays_where_the_other_part_alone_is_canceled(
    ann: Browser,
) -> None:
    await transfer(ann)
    await ann.open(ORG)
    await ann.submit(f"{ORG}/undo", account=ann.world.people.ann.account.id)
    ann.world.clock.advance(OWNER_CHANGE_DELAY)
    assert await roles(ann.world) == {"ann": "owner", "mia": "owner"}


async def test_the_former_owner_stays_where_the_new_one_leaves_before(ann: Browser) -> None:
    await transfer(ann)
    world = ann.world
    mia = await signed_in(ann.world, ann.world.people.mia)
    await mia.open(ORG)
    memberships = world.registry.organizations.memberships
    await memberships.remove_member(
        ACME, world.people.mia.account, by=OPERATOR, reason="They left."
    )
    world.clock.advance(OWNER_CHANGE_DELAY)
    assert await roles(world) == {"ann": "owner"}


async def test_the_former_owner_stays_where_the_new_one_is_erased(ann: Browser) -> None:
    await transfer(ann)
    world = ann.world
    erased = ann.world.people.mia.account
    erasures = world.registry.administration.account_erasures
    await erasures.erase_now(erased, "They asked for it.", by=OPERATOR)
    world.clock.advance(OWNER_CHANGE_DELAY)
    assert await roles(world) == {"ann": "owner"}


async def test_a_repeat_changes_nothing(ann: Browser) -> None:
    await transfer(ann)
    ann.world.clock.advance(timedelta(minutes=1))
    assert (await transfer(ann)).status_code == 303
    ann.world.clock.advance(OWNER_CHANGE_DELAY - timedelta(minutes=1))
    assert await roles(ann.world) == {"mia": "owner"}


async def test_a_transfer_that_stopped_halfway_is_completed_by_a_repeat(ann: Browser) -> None:
    world = ann.world
    mia = ann.world.people.mia.account
    await ann.open(ORG)
    await ann.submit(f"{ORG}/role", account=mia.id, role="owner")
    await ann.open(PAGE)
    assert (await transfer(ann)).status_code == 303
    world.clock.advance(OWNER_CHANGE_DELAY)
    assert await roles(world) == {"mia": "owner"}


async def test_a_former_owner_who_is_locked_hands_nothing_over_meanwhile(ann: Browser) -> None:
    await transfer(ann)
    world = ann.world
    people = ann.world.people
    accounts = world.registry.administration.accounts
    await accounts.lock(people.ann.account, "It was stolen.", by=OPERATOR)
    world.clock.advance(OWNER_CHANGE_DELAY)
    assert await roles(world) == {"ann": "owner", "mia": "member"}


@pytest.mark.parametrize(
    ("typed", "status", "reason"),
    [
        ({"confirm": "acne"}, 400, "type its name"),
        ({"later_role": "queen"}, 400, "Choose your role after the transfer"),
        ({"later_role": "owner"}, 400, "owns it no longer"),
        ({"new_owner": "ID-OF-bob"}, 404, "is not a member of acme"),
        ({"new_owner": "mia"}, 404, "mia is not a member of acme"),
        ({"new_owner": "ID-OF-ann"}, 400, "ann is an owner of acme already"),
    ],
)
async def test_an_invalid_choice_is_shown_again(
    ann: Browser, typed: dict[str, str], status: int, reason: str
) -> None:
    answer = await ann.post(f"{ORG}/transfer", **filled_in(ann.world, **typed))
    assert answer.status_code == status
    assert reason in ann.text
    assert f'value="{typed.get("confirm", "Acme")}"' in ann.text


async def test_a_transfer_of_ownership_takes_a_recent_sign_in(ann: Browser) -> None:
    ann.world.clock.advance(LONG_AGO)
    answer = await transfer(ann)
    assert answer.status_code == 403
    assert f'href="/sign-in?for=again&to={PAGE}"' in ann.text


async def test_the_only_member_has_to_invite_somebody_first(ann: Browser) -> None:
    world = ann.world
    await world.registry.organizations.memberships.remove_member(
        ACME, world.people.mia.account, by=OPERATOR, reason="Left."
    )
    await ann.open(PAGE)
    assert "There is no other member to transfer it to." in ann.text
    assert f'action="{ORG}/transfer"' not in ann.text


async def test_administrators_make_owners_instead(world: World) -> None:
    admin = await signed_in(world, world.people.admin)
    await admin.open(PAGE)
    assert "As an administrator of the registry" in admin.text
    assert f'action="{ORG}/transfer"' not in admin.text


async def test_owners_alone_see_the_settings(world: World) -> None:
    for person, status in ((world.people.mia, 403), (world.people.bob, 404)):
        browser = await signed_in(world, person)
        assert (await browser.open(PAGE)).status_code == status
