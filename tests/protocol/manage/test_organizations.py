"""/manage/organizations: list, create and delete organizations."""

import re
from datetime import timedelta

import pytest

from functions.account.organization import MEMBER_TABS, OWNER_TABS
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.world import URL, World

pytestmark = pytest.mark.measured

PAGE = "/manage/organizations"


@pytest.fixture
async def admin(world: World) -> Browser:
    """Return a browser in which an administrator has just signed in; it shows the page."""
    return await signed_in(world, world.people.admin, PAGE)


def listed(browser: Browser) -> list[str]:
    """Return the organizations that the page lists."""
    return re.findall(r'<th scope="row"><a href="/manage/organizations/(\w+)">', browser.text)


async def test_a_long_list_goes_on_where_it_stopped(world: World, admin: Browser) -> None:
    for number in range(26):
        name = parse_org(f"b{chr(97 + number)}x")
        await world.registry.organizations.organizations.create(
            name, world.people.ann.account, by=OPERATOR
        )
    await admin.open(PAGE)
    assert len(listed(admin)) == 25
    [further] = re.findall(r'rel="next" href="([^"]+)"', admin.text)
    await admin.open(further)
    assert listed(admin) == ["byx", "bzx", "other"]


async def test_organizations_are_found_by_how_their_names_begin(admin: Browser) -> None:
    await admin.open(f"{PAGE}?q=AC")
    assert listed(admin) == ["acme"]
    await admin.open(f"{PAGE}?q=zoo")
    assert "No organizations found" in admin.text


async def test_an_organization_is_created_for_another_account(world: World, admin: Browser) -> None:
    answer = await admin.submit(PAGE, name="globex", owner="MIA")
    assert answer.headers["location"] == f"{PAGE}/globex?done=found"
    assert "Organization created." in admin.text
    assert f'<a href="/manage/accounts/{world.people.mia.account.id}">mia</a>' in admin.text
    mia = await signed_in(world, world.people.mia, "/account/organizations/globex")
    assert mia.page
    assert mia.page.status_code == 200


@pytest.mark.parametrize(
    ("name", "owner", "status"),
    [("acme", "ann", 409), ("a b", "ann", 400), ("globex", "zoe", 404), ("ballerinax", "ann", 403)],
)
async def test_a_refused_creation_is_shown_again_with_the_reason(
    admin: Browser, name: str, owner: str, status: int
) -> None:
    assert (await admin.submit(PAGE, name=name, owner=owner)).status_code == status
    form = admin.text[admin.text.index("Create an organization") :]
    assert 'role="alert"' in form
    assert f'value="{name}"' in form


async def test_an_empty_one_is_deleted_at_once_after_typing_its_name(
    world: World, admin: Browser
) -> None:
    await admin.open(f"{PAGE}/other")
    assert (
        await admin.submit(f"{PAGE}/other/delete", name="otter", reason="Unused.")
    ).status_code == 400
    assert (
        await admin.submit(f"{PAGE}/other/delete", name="other", reason="Unused.")
    ).status_code == 303
    world.clock.advance(timedelta(seconds=1))
    assert (await world.get(f"{URL}/orgs/other")).status_code == 404


async def test_an_organization_with_packages_is_not_deleted(world: World, admin: Browser) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await admin.open(f"{PAGE}/acme")
    assert (
        await admin.submit(f"{PAGE}/acme/delete", name="acme", reason="Unused.")
    ).status_code == 409
    assert "acme has packages" in admin.text


async def test_a_pending_deletion_is_undone(world: World, admin: Browser) -> None:
    bob = await signed_in(world, world.people.bob, "/account/organizations/other/settings")
    [path] = re.findall(r'action="([^"]+/delete)"', bob.text)
    await bob.submit(path)
    await admin.open(PAGE)
    assert "Deletion scheduled" in admin.text
    assert (await admin.open(f"{PAGE}/nowhere")).status_code == 404
    await admin.open(f"{PAGE}/other")
    assert (await admin.submit(f"{PAGE}/other/keep")).status_code == 303
    assert "Deletion canceled." in admin.text
    assert (await admin.post(f"{PAGE}/other/keep")).status_code == 409


# --- what administrators do on the pages of an organization that they do not belong to -----------

OWN = "/account/organizations/acme"


@pytest.mark.parametrize("tab", ["", *(f"/{name}" for name, _ in (*MEMBER_TABS[1:], *OWNER_TABS))])
async def test_every_page_of_an_organization_is_there_for_administrators(
    world: World, admin: Browser, tab: str
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    assert (await admin.open(OWN + tab)).status_code == 200


@pytest.mark.parametrize(
    ("page", "form", "fields"),
    [
        ("", "role", {"account": "ID-OF-mia", "role": "owner", "reason": "Ann left."}),
        ("", "remove", {"account": "ID-OF-mia", "reason": "She left."}),
        ("/settings", "describe", {"display_name": "Acme", "description": "Makes things."}),
        ("/settings", "visibility", {"visibility": "private"}),
        ("/packages/greet", "packages/greet/deprecate", {"message": "Use another."}),
        (
            "/packages/greet",
            "packages/greet/visibility",
            {"visibility": "private", "confirm": "greet", "reason": "A leak."},
        ),
    ],
)
async def test_forms_of_an_organization_are_taken_from_administrators(
    world: World, admin: Browser, page: str, form: str, fields: dict[str, str]
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await admin.open(OWN + page)
    sent = {name: world.with_ids(value) for name, value in fields.items()}
    assert (await admin.submit(f"{OWN}/{form}", **sent)).status_code == 303, admin.text


async def test_administrators_invite_and_make_tokens(admin: Browser) -> None:
    await admin.open(OWN)
    assert (await admin.submit(f"{OWN}/invite", role="member", label="Sam")).status_code == 200
    await admin.open(f"{OWN}/tokens")
    answer = await admin.submit(f"{OWN}/tokens", name="ci", scope="read", days="30")
    assert answer.status_code == 200


async def test_administrators_are_led_to_where_they_delete(admin: Browser) -> None:
    await admin.open(f"{OWN}/settings")
    assert f'<a href="{PAGE}/acme">delete it in Manage the registry</a>' in admin.text
    assert f'action="{OWN}/delete"' not in admin.text


async def test_administrators_who_own_one_read_that_their_changes_take_effect_at_once(
    world: World, admin: Browser
) -> None:
    await world.create_organization("mine")
    path = "/account/organizations/mine"
    await admin.open(f"{path}/settings")
    assert f'<a href="{PAGE}/mine">delete it in Manage the registry</a>' in admin.text
    assert f'action="{path}/delete"' not in admin.text
    await admin.open(path)
    assert "Your changes to owners take effect immediately" in admin.text
    assert "take effect in 48 hours" not in admin.text
    await world.registry.organizations.memberships.set_member(
        parse_org("mine"), world.people.ann.account, Role.MEMBER, by=OPERATOR
    )
    await admin.open(path)
    await admin.submit(f"{path}/role", "Make owner")
    assert "Role changed. A change of owners that has to wait is shown as pending." in admin.text
    assert "Pending change" not in admin.text
