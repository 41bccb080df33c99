"""/account/organizations/{org}/packages: deprecation, visibility and rights to push."""

import pytest

from shared.domain.coordinates import Coordinate, Package
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.services.packages.deprecation import MAX_MESSAGE_LENGTH
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.world import URL, World

ACME = parse_org("acme")
LIST = "/account/organizations/acme/packages"
PAGE = f"{LIST}/greet"
PUBLIC = "/packages/acme/greet"


@pytest.fixture
async def greet(world: World) -> World:
    """Return a registry with two versions of a package."""
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/greet:1.1.0"))
    return world


@pytest.fixture
async def ann(greet: World) -> Browser:
    return await signed_in(greet, greet.people.ann, PAGE)


async def text_of(world: World, path: str) -> str:
    """Return a page as strangers read it."""
    return (await world.get(URL + path)).text


# --- who sees what -----------------------------------------------------------------------------


async def test_members_cannot_open_the_page_that_manages_a_package(greet: World) -> None:
    mia = await signed_in(greet, greet.people.mia)
    assert (await mia.open(PAGE)).status_code == 403
    assert "only maintainers and owners of acme can do this" in mia.text


async def test_maintainers_deprecate_and_decide_nothing_else(greet: World) -> None:
    mia = greet.people.mia
    memberships = greet.registry.organizations.memberships
    await memberships.set_member(ACME, mia.account, Role.MAINTAINER, by=OPERATOR)
    browser = await signed_in(greet, mia)
    assert (await browser.open(PAGE)).status_code == 200
    assert "<h2>Versions</h2>" in browser.text
    for heading in ("Visibility", "Publishing access"):
        assert f"<h2>{heading}</h2>" not in browser.text
    assert (await browser.submit(f"{PAGE}/deprecate", message="Gone.")).status_code == 303
    await browser.open(PAGE)
    answer = await browser.post(f"{PAGE}/visibility", visibility="private", confirm="greet")
    assert answer.status_code == 403


async def test_a_missing_package_is_reported_as_missing(ann: Browser) -> None:
    assert (await ann.open(f"{LIST}/nothing")).status_code == 404


async def test_the_list_goes_on_after_a_name(ann: Browser) -> None:
    await ann.world.push(bala("acme/words:1.0.0", visibility="private"))
    await ann.open(f"{LIST}?after=Greet")
    assert f'href="{LIST}/words"' in ann.text
    assert f'href="{PAGE}"' not in ann.text
    await ann.open(f"{LIST}?after=words")
    assert "No more packages" in ann.text
    assert (await ann.open(f"{LIST}?after=no+name")).status_code == 400


# --- deprecating -------------------------------------------------------------------------------


async def test_a_package_is_deprecated_and_that_is_taken_back(ann: Browser) -> None:
    answer = await ann.submit(f"{PAGE}/deprecate", message="Use acme/hello.")
    assert answer.headers["location"] == f"{PAGE}?done=account_organization_packages_deprecate"
    assert "Package deprecated." in ann.text
    assert "Use acme/hello." in await text_of(ann.world, PUBLIC)
    await ann.submit(f"{PAGE}/undeprecate")
    assert "Use acme/hello." not in await text_of(ann.world, PUBLIC)


async def test_a_deprecation_whose_message_is_refused_changes_no_successor(
    ann: Browser,
) -> None:
    await ann.world.push(bala("acme/hello:1.0.0"))
    too_long = "x" * (MAX_MESSAGE_LENGTH + 1)
    answer = await ann.post(f"{PAGE}/deprecate", message=too_long, successor="acme/hello")
    assert answer.status_code == 400
    head = await ann.world.stores.metadata.head(Package.parse("acme", "greet"))
    assert head
    assert (head.successor, head.deprecation) == ("", None)


async def test_a_version_is_deprecated_and_that_is_taken_back(ann: Browser) -> None:
    await ann.submit(f"{PAGE}/versions/deprecate", version="1.0.0", message="Use the next one.")
    assert "Use the next one." in await text_of(ann.world, f"{PUBLIC}/1.0.0")
    assert "Use the next one." not in await text_of(ann.world, f"{PUBLIC}/1.1.0")
    await ann.submit(f"{PAGE}/versions/undeprecate", version="1.0.0")
    assert "Use the next one." not in await text_of(ann.world, f"{PUBLIC}/1.0.0")


async def test_a_version_of_a_deprecated_package_is_not_taken_back_alone(ann: Browser) -> None:
    await ann.submit(f"{PAGE}/deprecate", message="Gone.")
    answer = await ann.post(f"{PAGE}/versions/undeprecate", version="1.0.0")
    assert answer.status_code == 400
    assert 'role="alert"' in ann.text


async def test_a_held_release_is_marked_and_has_no_form(ann: Browser) -> None:
    held = Coordinate.parse("acme", "greet", "1.1.0")
    await ann.world.registry.publishing.moderation.hold(held, "Looked at.", by=OPERATOR)
    await ann.open(PAGE)
    assert ">Held</span>" in ann.text
    assert "Deprecate 1.1.0" not in ann.text
    assert "latest version 1.0.0" in ann.text
    await ann.open(LIST)
    assert "1 version held" in ann.text


# --- who sees it, who publishes it -------------------------------------------------------------


async def test_a_package_becomes_private_and_public_again(ann: Browser) -> None:
    answer = await ann.submit(f"{PAGE}/visibility", visibility="private", confirm="Greet")
    assert answer.status_code == 303, ann.text
    assert (await ann.world.get(URL + PUBLIC)).status_code == 404
    await ann.submit(f"{PAGE}/visibility", visibility="public")
    assert (await ann.world.get(URL + PUBLIC)).status_code == 200


async def test_nobody_hides_a_package_by_a_slip(ann: Browser) -> None:
    answer = await ann.submit(f"{PAGE}/visibility", visibility="private", confirm="greeet")
    assert answer.status_code == 400
    assert 'value="greeet"' in ann.text
    assert (await ann.world.get(URL + PUBLIC)).status_code == 200


@pytest.mark.parametrize("form", [("visibility", "some"), ("pushers", "all")])
async def test_an_invalid_choice_is_refused(ann: Browser, form: tuple[str, str]) -> None:
    answer = await ann.post(f"{PAGE}/{form[0]}", **{form[0]: form[1]})
    assert answer.status_code == 400
    assert "Choose " in ann.text


async def test_a_package_without_publishers_is_not_left_to_them(ann: Browser) -> None:
    answer = await ann.submit(f"{PAGE}/pushers", pushers="publishers")
    assert answer.status_code == 400
    assert "Add one first." in ann.text
