"""The search over the manual: `/docs?q=`."""

import re

import pytest

from tests.protocol.web.page_reader import main_of, opened
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

# What people ask, and the section that answers it.
QUESTIONS = {
    "revoke token": "/docs/tokens#create-rotate-and-revoke-a-token",
    "how do I make a package private": "/docs/private-packages#make-a-package-private",
    "corporate proxy": "/docs/clients-behind-proxies#behind-a-corporate-proxy",
    "first package": "/docs/tutorial",
    "restoring a backup": "/docs/run-backup",
    "who pulled what": "/docs/run-administration#who-pulled-what",
    "jenkins": "/docs/issuers#jenkins",
    "Azure cost": "/docs/run-cost",
}


@pytest.fixture(scope="module")
async def world(shared_worlds: OpenWorld) -> World:
    return await shared_worlds()


async def found(world: World, query: str) -> list[str]:
    text = main_of(await opened(world, f"/docs?q={query.replace(' ', '+')}"))
    return re.findall(
        r'<li><a href="(/docs/[^"]+)">', text.partition('<ol class="manual-list">')[2]
    )


@pytest.mark.parametrize("query", QUESTIONS)
async def test_a_question_leads_to_the_section_that_answers_it(world: World, query: str) -> None:
    assert QUESTIONS[query] in (await found(world, query))[:3]


async def test_each_result_leads_to_a_place_of_a_page(world: World) -> None:
    addresses = await found(world, "token")
    assert addresses
    for address in addresses:
        path, _, place = address.partition("#")
        page = await opened(world, path)
        assert page.status_code == 200
        assert not place or f'id="{place}"' in page.text


async def test_an_unknown_word_says_so_and_offers_a_way_on(world: World) -> None:
    page = main_of(await opened(world, "/docs?q=zyzzyva"))
    assert "No section found" in page
    assert 'href="/search?q=zyzzyva"' in page


async def test_what_was_searched_stays_in_the_box_and_is_text(world: World) -> None:
    page = (await opened(world, "/docs?q=%3Cscript%3Ealert(1)%3C/script%3E")).text
    assert "<script>alert" not in page
    assert 'name="q" type="search" value="&lt;script&gt;alert(1)&lt;/script&gt;"' in page


async def test_an_empty_search_lists_all_pages(world: World) -> None:
    assert 'href="/docs/run-backup"' in main_of(await opened(world, "/docs?q="))


async def test_single_letters_find_nothing(world: World) -> None:
    assert await found(world, "e t o n s r") == []
    assert await found(world, "e jenkins") == await found(world, "jenkins")


async def test_words_of_any_length_and_number_are_answered(world: World) -> None:
    assert (await opened(world, f"/docs?q={'a' * 3_000}")).status_code == 200
    assert (await opened(world, "/docs?q=" + "+".join(map(str, range(500))))).status_code == 200
