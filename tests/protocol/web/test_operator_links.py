"""What the operator publishes is linked below every page, and on the page to sign in."""

import re

import pytest

from shared.settings import Settings
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

NAMED = {
    "privacy_url": "https://example.org/privacy?lang=en#data",
    "terms_url": "https://example.org/terms",
    "imprint_url": "https://example.org/imprint",
    "abuse_contact": "abuse@example.org",
}
LINKS = [
    ("https://example.org/privacy?lang=en#data", "Privacy"),
    ("https://example.org/terms", "Terms of use"),
    ("https://example.org/imprint", "Imprint"),
    ("mailto:abuse@example.org", "Report abuse"),
]


@pytest.fixture
async def named(worlds: OpenWorld) -> World:
    return await worlds(**NAMED)


def links_of(html: str) -> list[tuple[str, str]]:
    return re.findall(r'<a href="((?:https|mailto):[^"]+)">([^<]+)</a>', html)


@pytest.mark.parametrize("path", ["/", "/search?q=greet", "/about/policies", "/packages/no/such"])
async def test_the_links_of_the_operator_are_below_every_page(named: World, path: str) -> None:
    page = await named.get(f"{URL}{path}")
    footer = page.text.partition('<footer class="site">')[2]
    assert links_of(footer) == LINKS


async def test_the_links_of_the_operator_are_on_the_page_to_sign_in(named: World) -> None:
    page = await named.get(f"{URL}/sign-in")
    main = page.text.partition("<main")[2].partition("</main>")[0]
    assert links_of(main) == LINKS


async def test_a_registry_whose_operator_names_nothing_links_to_nothing(world: World) -> None:
    page = await world.get(f"{URL}/sign-in")
    assert "operator of this registry:" not in page.text
    assert links_of(page.text.partition('<footer class="site">')[2]) == []


@pytest.mark.parametrize("setting", ["privacy_url", "terms_url", "imprint_url"])
@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/privacy",
        "example.org/privacy",
        "javascript:alert(1)",
        "https://",
        "https://example.org/a b",
        "https://user@example.org/",
        'https://example.org/"onclick="x',
        "https://example.org/\nSet-Cookie: a=b",
        "https://example.org/" + "x" * 1_000,
    ],
)
def test_an_address_that_is_no_https_page_is_refused(setting: str, address: str) -> None:
    with pytest.raises(ValueError, match=r"such as https://example\.org/privacy"):
        Settings.model_validate({setting: address})
