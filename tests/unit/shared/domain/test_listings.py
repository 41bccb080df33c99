"""Facets: what packages are divided by, and how values are counted."""

import pytest

from shared.domain.api_docs.item_summaries import ApiSummary
from shared.domain.listings import (
    MAX_FACET_VALUES,
    Facet,
    Listing,
    PackageShape,
    facet_values,
    group_facets,
    release_for_search,
    shape_of,
)
from shared.domain.packages import Texts
from tests.contract.sample_records import head, release


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        ({}, PackageShape.LIBRARY),
        ({"template": True, "tools": ("t",)}, PackageShape.TEMPLATE),
        ({"tools": ("t",), "keywords": ("connector",)}, PackageShape.TOOL),
        ({"keywords": ("Type/Connector",)}, PackageShape.CONNECTOR),
        ({"keywords": ("Connector",)}, PackageShape.CONNECTOR),
        ({"keywords": ("connectors",)}, PackageShape.LIBRARY),
    ],
)
def test_each_package_is_one_kind_of_thing(fields: dict[str, object], shape: PackageShape) -> None:
    assert shape_of(release("acme/greet:1.0.0", **fields)) is shape


@pytest.mark.parametrize(
    ("facet", "fields", "values"),
    [
        (Facet.KEYWORD, {"keywords": ("HTTP", "http ", " ", "")}, ["http"]),
        (Facet.LANGUAGE, {"ballerina_version": "slbeta6"}, []),
        (Facet.LANGUAGE, {"ballerina_version": "2201.7.0-SNAPSHOT"}, ["2201.7"]),
    ],
)
def test_values_of_a_facet_are_normalized_and_empty_ones_dropped(
    facet: Facet, fields: dict[str, object], values: list[str]
) -> None:
    listing = Listing(head("acme/greet"), release("acme/greet:1.0.0", **fields), Texts())
    assert [each.value for each in facet_values(listing) if each.facet is facet] == values


def shares(*counted: tuple[str, int]) -> list[tuple[str, int]]:
    """Return how often each keyword is counted, as facets list them."""
    return [
        (each.value, each.count) for each in group_facets({Facet.KEYWORD: counted})[Facet.KEYWORD]
    ]


def test_frequent_values_come_first_then_by_name_in_their_most_frequent_spelling() -> None:
    assert shares(("b", 1), ("a", 1), ("c", 2)) == [("c", 2), ("a", 1), ("b", 1)]
    assert shares(("http", 2), ("HTTP", 3), ("HTTP", 1)) == [("HTTP", 6)]


def test_nobody_reads_endless_lists() -> None:
    found = shares(*((f"k{number}", 1) for number in range(MAX_FACET_VALUES + 1)))
    assert len(found) == MAX_FACET_VALUES


def test_a_release_that_is_offered_again_keeps_its_documentation_and_the_newer_head() -> None:
    old, new = (head("acme/greet", revision=each) for each in (1, 2))
    api = ApiSummary()
    shown = Listing(new, release("acme/greet:1.0.0"), Texts(), api=api)
    offered = Listing(old, release("acme/greet:1.0.0"), Texts())
    assert release_for_search(shown, offered) == shown
    later = Listing(old, release("acme/greet:1.1.0", digest="b" * 64), Texts())
    found = release_for_search(shown, later)
    assert (found.release, found.head) == (later.release, new)
