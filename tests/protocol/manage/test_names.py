"""/manage/names: reserved names."""

import pytest

from tests.support.browsers import Browser, signed_in
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

PAGE = "/manage/names"


@pytest.fixture
async def admin(world: World) -> Browser:
    """Return a browser in which an administrator has just signed in; it shows the page."""
    return await signed_in(world, world.people.admin, PAGE)


async def test_names_are_reserved_until_they_are_released(world: World, admin: Browser) -> None:
    bob = await signed_in(world, world.people.bob, "/account/organizations")
    assert (await admin.submit(f"{PAGE}/new", pattern="init*", reason="Theirs.")).status_code == 303
    assert "Names reserved." in admin.text
    assert (await bob.submit("/account/organizations", name="initech")).status_code == 403
    await admin.submit(f"{PAGE}/remove", pattern="init*")
    assert "<code>init*</code>" not in admin.text
    assert (await bob.submit("/account/organizations", name="initech")).status_code == 303


@pytest.mark.parametrize(
    ("pattern", "reason", "status"), [("*", "Why.", 400), ("a b", "Why.", 400), ("a*", "", 400)]
)
async def test_an_invalid_pattern_is_shown_again_with_the_reason(
    admin: Browser, pattern: str, reason: str, status: int
) -> None:
    answer = await admin.submit(f"{PAGE}/new", pattern=pattern, reason=reason)
    assert answer.status_code == status
    assert 'role="alert"' in admin.text
    assert f'value="{pattern}"' in admin.text


async def test_a_name_that_is_not_reserved_here_cannot_be_released(admin: Browser) -> None:
    assert (await admin.post(f"{PAGE}/remove", pattern="ballerina*")).status_code == 404
    assert 'role="alert"' in admin.text


async def test_names_that_the_setting_reserves_are_shown(worlds: OpenWorld) -> None:
    world = await worlds(reserved_names="wso2*,admin")
    admin = await signed_in(world, world.people.admin, PAGE)
    for pattern in ("wso2*", "admin"):
        assert f"<code>{pattern}</code>" in admin.text
    assert "BALLROOM_RESERVED_NAMES" in admin.text
