"""What names refer to."""

import pytest

from shared.ballerina.declarations import read_source
from shared.ballerina.syntax import TypeReference
from shared.domain.api_docs.resolving import CHAIN_LIMIT, FileScope, PackageNames
from tests.support.documented import GRAPH


def names_of(source: str) -> tuple[PackageNames, FileScope]:
    names = PackageNames.of("acme", "1.2.0", ("shop", "shop.parts"), GRAPH)
    scope = names.add(names.modules["shop"], read_source("main.bal", source))
    parts = read_source("parts.bal", "public type Part record {| int a; |};")
    names.add(names.modules["shop.parts"], parts)
    return names, scope


def category(source: str) -> str:
    """Return the category of the type `X`."""
    names, scope = names_of(source)
    definition = names.definition(TypeReference("", "X"), scope)
    assert definition
    return names.category(definition)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("type X error & Y; type Y error;", "errors"),
        ("type X readonly & record { };", "records"),
        ("type X readonly & readonly;", "types"),
        ("type X (distinct Y); type Y object { };", "objectTypes"),
        ("import acme/shop.parts; type X parts:Part;", "records"),
        ("import shop.parts; type X parts:Part;", "records"),
        ("type X Missing;", "types"),
        ("type X X|error;", "types"),
        ("listener class X { }", "listeners"),
    ],
)
def test_a_type_has_the_category_of_what_it_stands_for(source: str, name: str) -> None:
    assert category(source) == name


def test_a_chain_that_is_too_long_has_no_category() -> None:
    chain = "".join(f"type T{i} T{i + 1};" for i in range(CHAIN_LIMIT + 10))
    assert category(f"type X T0; {chain} type T{CHAIN_LIMIT + 10} record {{ }};") == "types"


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("type X record { };", True),
        ("type X Y?; type Y readonly & Z; type Z distinct object { };", True),
        ("type X Y; class Y { }", True),
        ("type X Y; enum Y { A }", False),
        ("type X int;", False),
        ("type X Missing;", False),
        ("type X X;", False),
        ("type X Y & Z; type Y record { }; type Z record { };", False),
    ],
)
def test_members_are_found_through_aliases(source: str, is_found: bool) -> None:
    names, scope = names_of(source)
    definition = names.definition(TypeReference("", "X"), scope)
    assert definition
    assert (names.structure(definition) is not None) is is_found


def test_a_prefix_may_be_quoted_and_hide_a_predeclared_one() -> None:
    names, scope = names_of("import ballerina/http as 'map; import acme/lang.'int as 'int;")
    address = names.module_at("map", scope)
    assert address
    assert (address.org, address.name) == ("ballerina", "http")
    address = names.module_at("'int", scope)
    assert address
    assert (address.name, address.version) == ("lang.int", None)  # Of another organization.
