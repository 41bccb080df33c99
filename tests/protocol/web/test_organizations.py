"""Public pages of organizations."""

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.protocol.web.page_reader import main_of, opened
from tests.protocol.web.sample_packages import SCRIPT
from tests.support.page_client import PageClient
from tests.support.world import URL, World

pytestmark = pytest.mark.measured


async def test_an_organization_for_anonymous_readers(shelf: World, page: SnapshotAssertion) -> None:
    assert main_of(await opened(shelf, "/orgs/acme")) == page


async def test_an_organization_to_its_owner(own_shelf: World, page: SnapshotAssertion) -> None:
    ann = await PageClient.of(own_shelf, own_shelf.people.ann)
    assert main_of(await ann.open("/orgs/acme?sort=name")) == page


async def test_an_organization_that_has_nothing(world: World, page: SnapshotAssertion) -> None:
    assert main_of(await opened(world, "/orgs/other")) == page


async def test_others_do_not_learn_who_is_in_it(world: World) -> None:
    bob = await PageClient.of(world, world.people.bob)
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
