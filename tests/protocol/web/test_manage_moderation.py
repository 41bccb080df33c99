"""/manage/releases/many, /manage/proposals and /manage/packages: what administrators do there."""

import re
from datetime import timedelta

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.world import World, limited

pytestmark = pytest.mark.measured


GREET = Coordinate.parse("acme", "greet", "1.0.0")
MANY = "/manage/releases/many"
PROPOSALS = "/manage/proposals"
PACKAGE = "/manage/packages/acme/greet"


@pytest.fixture
async def admin(world: World) -> Browser:
    """Return the browser of an administrator where two packages are published."""
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("other/app:1.0.0"), by=world.people.bob)
    return await signed_in(world, world.people.admin)


async def state(world: World, coordinate: Coordinate = GREET) -> State:
    return (await world.registry.publishing.moderation.find(coordinate, by=OPERATOR)).state


def hidden_field(admin: Browser, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', admin.text)
    assert found
    return found[1]


async def test_the_page_lists_what_somebody_published_and_quarantines_it(
    world: World, admin: Browser
) -> None:
    await admin.open(f"{MANY}?account=ann")
    assert "acme/<wbr>greet" in admin.text
    assert "other/<wbr>app" not in admin.text
    until = hidden_field(admin, "until")
    answer = await admin.submit(
        MANY, act="quarantine", account="ann", until=until, reason="A stolen laptop."
    )
    assert answer.status_code == 303
    assert await state(world) is State.QUARANTINED
    assert await state(world, Coordinate.parse("other", "app", "1.0.0")) is State.LIVE


async def test_nothing_is_decided_that_was_published_after_the_list(
    world: World, admin: Browser
) -> None:
    await admin.open(f"{MANY}?of=acme")
    until = hidden_field(admin, "until")
    world.clock.advance(timedelta(seconds=1))
    await world.push(bala("acme/greet:1.1.0"))
    await admin.submit(MANY, act="quarantine", of="acme", until=until, reason="x")
    assert await state(world, Coordinate.parse("acme", "greet", "1.1.0")) is State.LIVE


async def test_many_are_removed_if_their_number_is_typed(world: World, admin: Browser) -> None:
    await admin.open(f"{MANY}?of=acme/greet")
    fields = {
        "act": "remove",
        "of": "acme/greet",
        "until": hidden_field(admin, "until"),
        "reason": "x",
    }
    answer = await admin.submit(MANY, **fields, name="remove 2")
    assert answer.status_code == 400
    assert await state(world) is State.LIVE
    await admin.open(f"{MANY}?of=acme/greet")
    await admin.submit(MANY, **fields, name="remove 1")
    assert await state(world) is State.REMOVED


async def test_a_proposal_waits_on_its_page_and_is_confirmed_there(
    world: World, admin: Browser
) -> None:
    await admin.open(PROPOSALS)
    assert "No proposals" in admin.text
    scanner = await limited(world, world.people.admin, "moderate")
    url = "https://registry.test/api/v1/moderation/releases/acme/greet/1.0.0/remove"
    await world.send("POST", url, by=scanner, json={"reason": "It mines coins."})
    await admin.open(PROPOSALS)
    assert "Remove acme/greet:1.0.0 permanently" in admin.text
    assert "It mines coins." in admin.text
    await admin.submit(f"{PROPOSALS}/confirm", id=hidden_field(admin, "id"))
    assert await state(world) is State.REMOVED


async def test_a_proposal_to_erase_a_release_is_confirmed_with_a_receipt(
    world: World, admin: Browser
) -> None:
    scanner = await limited(world, world.people.admin, "moderate")
    url = "https://registry.test/api/v1/moderation/releases/acme/greet/1.0.0/erase"
    await world.send("POST", url, by=scanner, json={"reason": "It mines coins."})
    await admin.open(PROPOSALS)
    assert "Erase acme/greet:1.0.0 permanently, with all that is stored of it" in admin.text
    await admin.submit(f"{PROPOSALS}/confirm", id=hidden_field(admin, "id"))
    assert "Receipt for acme/greet:1.0.0" in admin.text
    assert await state(world) is State.REMOVED


async def test_a_proposal_is_rejected_with_a_reason(world: World, admin: Browser) -> None:
    scanner = await limited(world, world.people.admin, "moderate")
    url = "https://registry.test/api/v1/moderation/releases/acme/greet/1.0.0/remove"
    await world.send("POST", url, by=scanner, json={"reason": "It mines coins."})
    await admin.open(PROPOSALS)
    proposal = hidden_field(admin, "id")
    answer = await admin.submit(f"{PROPOSALS}/reject", id=proposal, reason="")
    assert answer.status_code == 400
    await admin.submit(f"{PROPOSALS}/reject", id=proposal, reason="It does not.")
    await admin.open(PROPOSALS)
    assert "No proposals" in admin.text
    assert await state(world) is State.LIVE


async def test_a_package_is_held_on_its_page_and_released_there(
    world: World, admin: Browser
) -> None:
    await admin.open(PACKAGE)
    await admin.submit(f"{PACKAGE}/hold", reason="Case 4711.")
    await world.push_held(bala("acme/greet:1.1.0"))
    await admin.open(PACKAGE)
    assert "Case 4711." in admin.text
    await admin.submit(f"{PACKAGE}/release")
    assert await state(world, Coordinate.parse("acme", "greet", "1.1.0")) is State.LIVE


async def test_a_hold_of_a_package_takes_a_reason(admin: Browser) -> None:
    await admin.open(PACKAGE)
    answer = await admin.submit(f"{PACKAGE}/hold", reason=" ")
    assert (answer.status_code, "Enter a reason" in admin.text) == (400, True)


async def test_only_administrators_are_offered_a_token_that_moderates(
    world: World, admin: Browser
) -> None:
    await admin.open("/account/tokens")
    assert 'value="moderate"' in admin.text
    ann = await signed_in(world, world.people.ann)
    await ann.open("/account/tokens")
    assert 'value="moderate"' not in ann.text


# --- owners ------------------------------------------------------------------------------------

OWN = "/account/organizations/acme/packages/greet"


async def test_an_owner_holds_restores_and_erases_a_version_on_the_page_of_its_package(
    world: World, admin: Browser
) -> None:
    assert admin
    ann = await signed_in(world, world.people.ann)
    await ann.open(OWN)
    await ann.submit(f"{OWN}/versions/hold", version="1.0.0", reason="It holds a password.")
    assert await state(world) is State.HELD
    await ann.open(OWN)
    assert "By an owner" in ann.text
    await ann.submit(f"{OWN}/versions/restore", version="1.0.0")
    assert await state(world) is State.LIVE
    fields = {"version": "1.0.0", "reason": "It holds a password."}
    answer = await ann.submit(f"{OWN}/versions/erase", **fields, confirm="1.0")
    assert answer.status_code == 400
    await ann.submit(f"{OWN}/versions/erase", **fields, confirm="1.0.0")
    assert await state(world) is State.REMOVED
    assert "Receipt for acme/greet:1.0.0" in ann.text
    assert "- its archive of " in ann.text
    assert "until you delete them" in ann.text
