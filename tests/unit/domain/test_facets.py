"""Facets: what a package is counted by."""

import pytest

from shared.domain.facets import (
    MAX_SHARES,
    Facet,
    Facets,
    Shape,
    Share,
    Trait,
    facets_of,
    language_of,
    shape_of,
    traits_of,
)
from shared.domain.package import Listing, Texts
from tests.contract.samples import head, release


def listing(**fields: object) -> Listing:
    return Listing(head("acme/greet"), release("acme/greet:1.0.0", **fields), Texts())


def values(facet: Facet, **fields: object) -> list[str]:
    return [trait.value for trait in traits_of(listing(**fields)) if trait.facet is facet]


def test_a_package_is_counted_by_what_its_release_says() -> None:
    assert values(Facet.ORG) == ["acme"]
    assert values(Facet.PLATFORM, platform="java21") == ["java21"]
    assert values(Facet.LICENSE, licenses=("Apache-2.0", "MIT")) == ["Apache-2.0", "MIT"]
    assert values(Facet.LANGUAGE, ballerina_version="2201.8.3") == ["2201.8"]
    assert values(Facet.KIND) == ["library"]


def test_of_two_spellings_and_of_nothing_a_package_has_one_or_none() -> None:
    assert values(Facet.KEYWORD, keywords=("HTTP", "http ", " ", "")) == ["http"]
    assert values(Facet.LANGUAGE, ballerina_version="slbeta6") == []


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        ({}, Shape.LIBRARY),
        ({"template": True, "tools": ("t",)}, Shape.TEMPLATE),
        ({"tools": ("t",), "keywords": ("connector",)}, Shape.TOOL),
        ({"keywords": ("Type/Connector",)}, Shape.CONNECTOR),
        ({"keywords": ("Connector",)}, Shape.CONNECTOR),
        ({"keywords": ("connectors",)}, Shape.LIBRARY),
    ],
)
def test_each_package_is_one_kind_of_thing(fields: dict[str, object], shape: Shape) -> None:
    assert shape_of(release("acme/greet:1.0.0", **fields)) is shape


def test_a_snapshot_is_of_the_line_that_it_leads_to() -> None:
    made = release("acme/greet:1.0.0", ballerina_version="2201.7.0-SNAPSHOT")
    assert language_of(made) == "2201.7"


def shares(*counted: tuple[str, int]) -> Facets:
    return facets_of((Trait(Facet.KEYWORD, value), count) for value, count in counted)


def test_the_most_frequent_value_comes_first_and_ties_by_name() -> None:
    assert shares(("b", 1), ("a", 1), ("c", 2)) == {
        Facet.KEYWORD: (Share("c", 2), Share("a", 1), Share("b", 1))
    }


def test_spellings_are_one_value_written_as_most_of_them_are() -> None:
    assert shares(("http", 2), ("HTTP", 3), ("HTTP", 1)) == {Facet.KEYWORD: (Share("HTTP", 6),)}


def test_nothing_divides_into_nothing() -> None:
    assert shares() == {}


def test_nobody_reads_endless_lists() -> None:
    found = shares(*((f"k{number}", 1) for number in range(MAX_SHARES + 1)))
    assert len(found[Facet.KEYWORD]) == MAX_SHARES
