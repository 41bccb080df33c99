"""The search page: exact counts, facets that filter to what they count, and pagination."""

import re
from html import unescape
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from functions.web.search import RESULTS_PER_PAGE, corrected_text
from shared.domain.coordinates import Package
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from tests.protocol.web.page_reader import counted, listed, main_of, opened
from tests.protocol.web.sample_packages import SCRIPT
from tests.support.archives import bala
from tests.support.world import URL, OpenWorld, World


async def names(world: World, path: str, **options: Any) -> list[str]:
    """Return the packages on a page of results."""
    found = listed(await opened(world, path, **options))
    return [each.partition("/")[2] for each in found]


@pytest.mark.parametrize(
    "path",
    [
        "/search",
        "/search?q=greet",
        "/search?q=greet&explain=true",
        "/search?q=gretings",
        "/search?q=zzzzzz",
        "/search?org=acme&kind=tool",
        "/search?deprecated=true&license=none",
    ],
    ids=["all", "found", "explained", "mistyped", "nothing", "narrowed", "deprecated"],
)
async def test_a_page_of_results(shelf: World, path: str, page: SnapshotAssertion) -> None:
    assert main_of(await opened(shelf, path)) == page


async def test_scores_are_shown_on_request_alone(shelf: World) -> None:
    plain = (await opened(shelf, "/search?q=greet")).text
    assert "Score:" not in plain
    assert 'href="/search?q=greet&amp;explain=true"' in plain
    explained = (await opened(shelf, "/search?q=greet&explain=true")).text
    assert 'href="/search?q=greet"' in explained
    [first, *_] = re.findall(r"Score: <[^>]*>([\d.]+)</span>(.*?)</details>", explained, re.DOTALL)
    parts = [float(each) for each in re.findall(r"[+-][\d.]+", first[1])]
    assert sum(parts) == pytest.approx(float(first[0]))


@pytest.mark.parametrize(
    ("standard", "first"), [("Zulu, other", "zulu"), ("ballerina", "acme"), ("", "acme")]
)
async def test_packages_of_standard_organizations_are_listed_higher(
    worlds: OpenWorld, standard: str, first: str
) -> None:
    world = await worlds(standard_organizations=standard)
    ann = world.people.ann.account
    await world.registry.organizations.organizations.create(parse_org("zulu"), ann, by=OPERATOR)
    for org in ("zulu", "acme"):
        await world.push(bala(f"{org}/greet:1.0.0"))
    found = listed(await opened(world, "/search?q=greet"))
    assert found[0] == f"{first}/greet"


async def test_deprecated_packages_are_marked_and_last_except_by_their_exact_names(
    own_shelf: World,
) -> None:
    words = Package.parse("acme", "words")
    await own_shelf.registry.packages.deprecation.deprecate_package(
        words, "Use greet.", by=OPERATOR
    )
    assert (await names(own_shelf, "/search"))[-1] == "words"
    assert (await names(own_shelf, "/search?sort=name"))[-1] == "words"
    assert (await names(own_shelf, "/search?q=words"))[0] == "words"
    assert "Deprecated</" in main_of(await opened(own_shelf, "/search?q=words"))
    central = await own_shelf.http.get(f"{URL}/2.0/registry/search-packages", params={"q": "words"})
    assert "words" not in [each["name"] for each in central.json()["packages"]]


@pytest.mark.parametrize("page", ["search", "symbols", "keywords", "organizations"])
async def test_the_typed_query_is_shown_as_text(world: World, page: str) -> None:
    await world.push(bala("acme/greet:1.0.0", keywords=[SCRIPT]))
    answer = await world.http.get(f"{URL}/{page}", params={"q": SCRIPT, "org": SCRIPT})
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "<img" not in answer.text
    assert SCRIPT in unescape(answer.text)


async def test_each_value_of_a_facet_leads_to_as_many_as_it_says(shelf: World) -> None:
    text = (await opened(shelf, "/search")).text
    links = re.findall(
        r'<li><a href="(/search\?[^"]+)"><span dir="auto">.*?<span class="count">([\d,]+)<', text
    )
    assert len(links) > 10
    for address, count in links:
        assert counted(await opened(shelf, unescape(address))) == int(count), address


async def test_a_second_filter_leaves_the_typed_query(shelf: World) -> None:
    text = (await opened(shelf, "/search?q=greet&org=acme&sort=name")).text
    assert 'href="/search?q=greet&amp;sort=name"><span class="unseen">Remove </span>' in text
    assert 'href="/search?q=greet&amp;org=acme"' in text  # The order that goes without saying.


async def test_results_come_in_pages_that_links_lead_through(world: World) -> None:
    for number in range(RESULTS_PER_PAGE + 1):
        await world.push(bala(f"acme/p{number:02}:1.0.0"), by=world.people.admin)
    first = (await opened(world, "/search?sort=name")).text
    assert f"1\u2013{RESULTS_PER_PAGE} of {RESULTS_PER_PAGE + 1} packages" in first
    assert '<a rel="next" href="/search?sort=name&amp;page=2">Next</a>' in first
    assert await names(world, "/search?sort=name&page=2") == ["p20"]
    assert (
        f"{RESULTS_PER_PAGE + 1}\u2013{RESULTS_PER_PAGE + 1} of {RESULTS_PER_PAGE + 1}"
        in (await opened(world, "/search?page=999")).text
    )


async def test_without_words_the_most_pulled_comes_first(shelf: World) -> None:
    assert await names(shelf, "/search") == await names(shelf, "/search?sort=pulls")


@pytest.mark.parametrize("sort", ["pulls", "updated", "new", "name", "relevance", "nonsense"])
async def test_every_order_shows_the_same_packages(shelf: World, sort: str) -> None:
    assert sorted(await names(shelf, f"/search?sort={sort}")) == sorted(
        await names(shelf, "/search")
    )


@pytest.mark.parametrize(
    "query", ["page=-1", "page=x", "page=99999999999", "explain=maybe", "kind=nothing", "x=y"]
)
async def test_nonsense_is_no_error(shelf: World, query: str) -> None:
    assert (await opened(shelf, f"/search?{query}")).status_code == 200


def test_a_suggestion_uses_the_words_that_were_typed() -> None:
    meant = (("kafak", "kafka"), ("jav", "java"))
    assert corrected_text("  Kafak stream  jav ", meant) == "kafka stream java"
    assert corrected_text("kafka", ()) == ""
    assert corrected_text('"kafak"', meant) == ""


async def test_search_fields_of_browsers_get_names_during_typing(shelf: World) -> None:
    answer = await opened(shelf, "/search?q=gre&form=suggestions")
    assert answer.headers["content-type"] == "application/x-suggestions+json"
    typed, names, summaries, addresses = answer.json()
    assert (typed, names[0]) == ("gre", "acme/greet")
    assert summaries[0].startswith("Greets people")
    assert addresses[0] == f"{URL}/packages/acme/greet"
    assert "secret" not in answer.text
