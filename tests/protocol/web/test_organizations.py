"""Public pages of organizations."""

import json
import re

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.protocol.web.page_reader import main_of, opened
from tests.protocol.web.sample_packages import SCRIPT
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import URL, World

pytestmark = pytest.mark.measured


async def test_an_organization_for_anonymous_readers(shelf: World, page: SnapshotAssertion) -> None:
    assert main_of(await opened(shelf, "/orgs/acme")) == page


async def test_an_organization_to_its_owner(own_shelf: World, page: SnapshotAssertion) -> None:
    ann = await signed_in(own_shelf, own_shelf.people.ann)
    assert main_of(await ann.open("/orgs/acme?sort=name")) == page


async def test_an_organization_that_has_nothing(world: World, page: SnapshotAssertion) -> None:
    assert main_of(await opened(world, "/orgs/other")) == page


async def test_others_do_not_see_the_members_of_an_organization(world: World) -> None:
    bob = await signed_in(world, world.people.bob)
    text = (await bob.open("/orgs/acme")).text
    assert "mia" not in text


async def test_the_description_of_an_organization_is_shown_as_text(world: World) -> None:
    ann = world.people.ann
    body = b'{"displayName": "Acme <b>", "description": "%s"}' % SCRIPT.replace('"', "'").encode()
    changed = await world.send("PATCH", f"{URL}/api/v1/orgs/acme", by=ann, content=body)
    assert changed.status_code == 200
    text = (await opened(world, "/orgs/acme")).text
    assert "<script>" not in text
    assert "<b>" not in text
    assert "Acme &lt;b&gt;" in text


async def test_its_packages_are_searched_narrowed_and_sorted_on_its_page(world: World) -> None:
    await world.push(bala("acme/beta:1.0.0", keywords=["sql"], summary="Reads tables."))
    await world.push(bala("acme/alpha:1.0.0", keywords=["sql"]))
    await world.push(bala("acme/gamma:1.0.0", keywords=["mail"]))
    await world.push(bala("other/delta:1.0.0", keywords=["sql"]), by=world.people.bob)
    by_name = (await opened(world, "/orgs/acme?sort=name&keyword=sql")).text
    assert names_of(by_name) == ["acme/alpha", "acme/beta"]
    assert 'href="/orgs/acme?keyword=sql&amp;sort=updated"' in by_name
    assert 'href="/orgs/acme?sort=name"><span class="unseen">Remove </span>' in by_name
    assert names_of((await opened(world, "/orgs/acme?q=tables")).text) == ["acme/beta"]
    nothing = (await opened(world, "/orgs/acme?q=zzzz&org=other")).text
    assert "No packages found" in nothing
    assert "delta" not in nothing


def names_of(page: str) -> list[str]:
    return re.findall(r'href="/packages/([^"/]+/[^"/]+)"', page)


async def test_links_and_the_number_of_members_are_on_its_page(world: World) -> None:
    links = ["https://acme.example/", "https://github.com/acme"]
    body = json.dumps({"links": links}).encode()
    ann = world.people.ann
    path = f"{URL}/api/v1/orgs/acme"
    assert (await world.send("PATCH", path, by=ann, content=body)).json()["links"] == links
    page = (await opened(world, "/orgs/acme")).text
    assert "<li>2 members</li>" in page
    shown = '<a href="https://acme.example/" rel="nofollow noopener">acme.example</a>'
    assert shown in page
    browser = await signed_in(world, ann, "/account/organizations/acme/settings")
    assert ">https://acme.example/\nhttps://github.com/acme</textarea>" in browser.text
    form = "/account/organizations/acme/describe"
    await browser.submit(form, display_name="", description="", links="https://acme.example/docs")
    assert "Profile saved." in browser.text
    assert "acme.example/docs" in (await opened(world, "/orgs/acme")).text


@pytest.mark.parametrize(
    "links",
    [
        ["http://acme.example"],
        ["javascript:alert(1)"],
        ["https://kim:secret@acme.example"],
        ['https://acme.example/"onclick="x'],
        ["https://acme.example/" + "a" * 200],
        [f"https://acme.example/{each}" for each in "abcdef"],
    ],
)
async def test_a_link_is_the_address_of_a_web_page(world: World, links: list[str]) -> None:
    ann = await signed_in(world, world.people.ann, "/account/organizations/acme/settings")
    form = "/account/organizations/acme/describe"
    answer = await ann.submit(form, display_name="", description="", links="\n".join(links))
    assert answer.status_code == 400
    assert 'id="links-error"' in ann.text
    assert links[0] in ann.text
    assert "nofollow" not in main_of(await opened(world, "/orgs/acme"))
