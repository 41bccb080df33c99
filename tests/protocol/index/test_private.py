"""Private packages in the index: for members alone."""

import pytest

from tests.support.archives import bala
from tests.support.world import URL, World

INDEX = f"{URL}/index"
SECRET, ABSENT = f"{INDEX}/acme/secret/index.json", f"{INDEX}/acme/absent/index.json"


@pytest.fixture(autouse=True)
async def published(world: World) -> None:
    """Publish a private package."""
    await world.push(bala("acme/secret:1.0.0", visibility="private"))


async def test_a_member_reads_it_and_no_cache_stores_it(world: World) -> None:
    answer = await world.get(SECRET, by=world.people.mia)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    assert '"visibility":"private"' in answer.text


async def test_a_copy_of_a_member_is_confirmed_to_members_only(world: World) -> None:
    mia = world.people.mia
    tag = (await world.get(SECRET, by=mia)).headers["etag"]
    known = {"if-none-match": tag}
    assert (await world.get(SECRET, by=mia, headers=known)).status_code == 304
    assert (await world.get(SECRET, headers=known)).status_code == 404
    assert (await world.get(SECRET, by=world.people.bob, headers=known)).status_code == 404
