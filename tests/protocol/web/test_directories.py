"""The directories of organizations and keywords: counts, order, filter, pages, and visibility."""

import re
from html import unescape
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from functions.web.directories import VALUES_PER_PAGE
from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.protocol.web.page_reader import counted, main_of, opened
from tests.support.archives import bala
from tests.support.world import URL, World


async def listed(world: World, path: str, **options: Any) -> dict[str, int]:
    """Return the values of a page, and their numbers of packages."""
    text = (await opened(world, path, **options)).text.replace("<wbr>", "")
    entry = r'<li><a href="[^"]*" dir="auto">([^<]*)</a> <span class="count">([\d,]+)<'
    return {unescape(name): int(count) for name, count in re.findall(entry, text)}


@pytest.mark.parametrize(
    "path",
    ["/organizations", "/organizations?q=acm", "/keywords", "/keywords?q=nothing"],
    ids=["organizations", "filtered", "keywords", "none"],
)
async def test_a_directory(shelf: World, path: str, page: SnapshotAssertion) -> None:
    assert main_of(await opened(shelf, path)) == page


async def test_the_most_packages_come_first(world: World) -> None:
    await world.push(bala("acme/a:1.0.0", keywords=["http", "Web/Client"]))
    await world.push(bala("acme/b:1.0.0", keywords=["HTTP", "http"]))
    await world.push(bala("other/c:1.0.0", keywords=["http", "aws"]), by=world.people.admin)
    assert list((await listed(world, "/keywords")).items()) == [
        ("http", 3),  # Spellings that differ in case are one keyword.
        ("aws", 1),
        ("Web/Client", 1),
    ]
    assert await listed(world, "/organizations") == {"acme": 2, "other": 1}


async def test_a_filter_finds_names_that_contain_it_in_any_case(world: World) -> None:
    await world.push(bala("acme/a:1.0.0", keywords=["IT Operations/Cloud", "cost"]))
    assert list(await listed(world, "/keywords?q=OPERATIONS")) == ["IT Operations/Cloud"]
    assert await listed(world, "/organizations?q=nobody") == {}


async def test_an_entry_leads_to_as_many_packages_as_it_says(own_shelf: World) -> None:
    await own_shelf.push(bala("acme/old:1.0.0", keywords=["greeting"]))
    old = Coordinate.parse("acme", "old", "1.0.0")
    await own_shelf.registry.packages.deprecation.deprecate(old, "Use greet.", by=OPERATOR)
    assert (await listed(own_shelf, "/keywords"))["greeting"] == 2
    for name, count in (await listed(own_shelf, "/keywords")).items():
        found = await own_shelf.http.get(f"{URL}/search", params={"keyword": name})
        assert counted(found) == count, name
    for name, count in (await listed(own_shelf, "/organizations")).items():
        assert counted(await opened(own_shelf, f"/orgs/{name}")) == count, name


async def test_an_organization_is_listed_with_deprecated_packages_alone(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    greet = Coordinate.parse("acme", "greet", "1.0.0")
    await world.registry.packages.deprecation.deprecate(greet, "Use another.", by=OPERATOR)
    assert await listed(world, "/organizations") == {"acme": 1}


async def test_a_long_directory_comes_in_pages(world: World) -> None:
    keywords = [f"word{number:03}" for number in range(VALUES_PER_PAGE + 1)]
    await world.push(bala("acme/greet:1.0.0", keywords=keywords))
    first = (await opened(world, "/keywords")).text
    assert f"1\u2013{VALUES_PER_PAGE} of {VALUES_PER_PAGE + 1} keywords" in first
    assert '<a rel="next" href="/keywords?page=2">Next</a>' in first
    assert list(await listed(world, "/keywords?page=2")) == keywords[-1:]
    assert list(await listed(world, "/keywords?page=999")) == keywords[-1:]
