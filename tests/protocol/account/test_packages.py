"""/account/packages: the packages of the account's organizations."""

import re

from functions.account.overview import PACKAGES_PER_PAGE
from tests.support.archives import bala
from tests.support.page_client import PageClient
from tests.support.world import World

PAGE = "/account/packages"


def names(browser: PageClient) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/packages/([^"]+)"', browser.text)


async def test_the_packages_of_ones_organizations_private_ones_too(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    mia = await PageClient.at(world, world.people.mia, PAGE)
    assert sorted(names(mia)) == ["acme/greet", "acme/secret"]
    assert "Private" in mia.text
    assert "Manage" not in mia.text  # She reads, and no more.
    ann = await PageClient.at(world, world.people.ann, PAGE)
    assert 'href="/account/organizations/acme/packages/greet"' in ann.text


async def test_others_have_packages_of_their_own(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    bob = await PageClient.at(world, world.people.bob, PAGE)
    assert names(bob) == []
    assert "No packages yet" in bob.text


async def test_a_long_list_has_pages(world: World) -> None:
    for number in range(PACKAGES_PER_PAGE + 1):
        await world.push(bala(f"acme/greet{number:02}:1.0.0"))
    ann = await PageClient.at(world, world.people.ann, PAGE)
    first = names(ann)
    assert (len(first), f"{PAGE}?page=2" in ann.text) == (PACKAGES_PER_PAGE, True)
    await ann.open(f"{PAGE}?page=2")
    assert len({*first, *names(ann)}) == PACKAGES_PER_PAGE + 1
    await ann.open(f"{PAGE}?page=9")
    assert "No more packages" in ann.text
