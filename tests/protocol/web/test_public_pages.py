"""Public pages: caching for anonymous visitors, and the menu of signed-in visitors."""

import re
from datetime import timedelta

import httpx
import pytest

from functions.html.public_pages import PAGE_CACHE_TIME
from tests.protocol.web.page_reader import main_of, opened
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

PATHS = ["/", "/search", "/about", "/about/api", "/about/policies", "/about/status"]
FILES = ["/robots.txt"]


@pytest.fixture(scope="module")
async def world(shared_world: World) -> World:
    """Return a registry without packages, which no test changes."""
    return shared_world


async def asked(world: World, path: str, **headers: str) -> httpx.Response:
    """Return the answer to a request with these headers."""
    return await world.get(URL + path, headers=headers)


@pytest.mark.parametrize("path", [*PATHS, *FILES])
async def test_pages_for_anonymous_readers_may_be_kept_for_a_moment_and_are_confirmed(
    world: World, path: str
) -> None:
    answer = await asked(world, path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=5"
    assert answer.headers["vary"].startswith("Accept, Authorization, Cookie")
    again = await asked(world, path, **{"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_signed_in_account_sees_its_name_and_no_cache_stores_the_page(
    world: World, path: str
) -> None:
    ann = await signed_in(world, world.people.ann)
    page = await ann.open(path)
    assert page.headers["cache-control"] == "no-store"
    assert "etag" not in page.headers
    assert '<span class="menu-name">ann</span>' in page.text
    assert '<form method="post" action="/sign-out">' in page.text


async def test_an_anonymous_reader_returns_to_the_page_after_signing_in(world: World) -> None:
    page = await opened(world, "/search?q=http&org=acme")
    assert 'href="/sign-in?to=/search%3Fq%3Dhttp%26org%3Dacme"' in page.text


FURTHER_PATHS = (
    "/orgs/acme",
    "/orgs/nobody",
    "/organizations",
    "/keywords",
    "/symbols?q=greet",
    "/compare",
    "/compare?packages=acme/none",
    "/search?q=zzzz",
    "/packages/acme/greet",
    "/packages/acme/none",
    "/packages/acme/greet/versions",
    "/packages/acme/greet/9.9.9",
    "/about/policies/names",
    "/nothing-here",
)


@pytest.mark.parametrize("path", [*PATHS, *FURTHER_PATHS])
async def test_no_link_of_a_page_asks_a_signed_out_reader_for_an_account(
    worlds: OpenWorld, path: str
) -> None:
    world = await worlds()
    await world.push(bala("acme/greet:1.0.0"))
    content = main_of(await opened(world, path))
    assert not re.findall(r'href="/(?:account|device|manage|sign-in)[^"]*"', content)


async def test_a_token_is_known_but_is_nobody_at_a_screen(world: World) -> None:
    page = await opened(world, "/", by=world.people.ann)
    assert page.headers["cache-control"] == "no-store"
    assert "menu-name" not in page.text


async def test_an_invalid_token_is_refused_with_that_reason(world: World) -> None:
    answer = await asked(world, "/", Authorization="Bearer nonsense")
    assert answer.status_code == 401
    assert answer.headers["cache-control"] == "no-store"


async def test_a_reader_with_an_invalid_cookie_is_anonymous(world: World) -> None:
    answer = await asked(world, "/", Cookie="__Host-ballroom=guess; a=b")
    assert answer.headers["cache-control"] == "public, max-age=5"


async def test_a_refusal_is_shown_in_the_layout_of_the_signed_in_account(world: World) -> None:
    ann = await signed_in(world, world.people.ann)
    assert '<span class="menu-name">ann</span>' in (await ann.open("/about/nothing")).text
    assert "menu-name" not in (await opened(world, "/about/nothing")).text


async def test_a_change_is_shown_after_a_moment(worlds: OpenWorld) -> None:
    world = await worlds()
    before = (await opened(world, "/")).text
    assert "No packages yet" in before
    await world.push(bala("acme/greet:1.0.0"))
    world.clock.advance(PAGE_CACHE_TIME)
    assert "acme" in (await opened(world, "/")).text


async def test_time_goes_on_for_pages_that_are_given_again(worlds: OpenWorld) -> None:
    world = await worlds()
    await world.push(bala("acme/greet:1.0.0"))
    assert "just now" in (await opened(world, "/search")).text
    world.clock.advance(timedelta(hours=2))
    assert "2 hours ago" in (await opened(world, "/search")).text
