"""Facets: what packages are divided by, and how values are counted."""

import pytest

from shared.domain.listings import (
    MAX_FACET_VALUES,
    Facet,
    FacetCount,
    Facets,
    Listing,
    PackageShape,
    facet_values,
    group_facets,
    language_of,
    shape_of,
)
from shared.domain.packages import Texts
from tests.contract.sample_records import head, release


def listing(**fields: object) -> Listing:
    return Listing(head("acme/greet"), release("acme/greet:1.0.0", **fields), Texts())


def values(facet: Facet, **fields: object) -> list[str]:
    return [trait.value for trait in facet_values(listing(**fields)) if trait.facet is facet]


def test_values_of_a_facet_are_normalized_and_empty_ones_dropped() -> None:
    assert values(Facet.KEYWORD, keywords=("HTTP", "http ", " ", "")) == ["http"]
    assert values(Facet.LANGUAGE, ballerina_version="slbeta6") == []


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


def test_a_snapshot_is_of_the_line_that_it_leads_to() -> None:
    made = release("acme/greet:1.0.0", ballerina_version="2201.7.0-SNAPSHOT")
    assert language_of(made) == "2201.7"


def shares(*counted: tuple[str, int]) -> Facets:
    return group_facets({Facet.KEYWORD: counted})


def test_the_most_frequent_value_comes_first_and_ties_by_name() -> None:
    assert shares(("b", 1), ("a", 1), ("c", 2)) == {
        Facet.KEYWORD: (FacetCount("c", 2), FacetCount("a", 1), FacetCount("b", 1))
    }


def test_spellings_are_one_value_written_as_most_of_them_are() -> None:
    assert shares(("http", 2), ("HTTP", 3), ("HTTP", 1)) == {
        Facet.KEYWORD: (FacetCount("HTTP", 6),)
    }


def test_nobody_reads_endless_lists() -> None:
    found = shares(*((f"k{number}", 1) for number in range(MAX_FACET_VALUES + 1)))
    assert len(found[Facet.KEYWORD]) == MAX_FACET_VALUES
