"""Which list a declaration is in."""

import json

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.support.documented import documented, said

BASE = """
import ballerina/http;
public type Rec record {| |};
public type Obj object { };
public type Err distinct error;
public type Hard error<map<int>>;
"""


def filed(definition: str) -> list[str]:
    """Return the lists that have the type `X`."""
    docs = documented(f"{BASE}\npublic type X {definition};")
    lists = ((name, listed) for name, listed in docs if isinstance(listed, tuple))
    return [name for name, listed in lists if any(each.name == "X" for each in listed)]


@pytest.mark.parametrize(
    ("name", "definitions"),
    [
        (
            "records",
            "record {| int a; |} / record { }? / readonly & record { } / record { } & readonly",
        ),
        ("object_types", "object { } / client object { } / readonly & object { }"),
        ("service_types", "service object { }"),
        ("errors", "error / error<Rec> / distinct error / distinct Err / distinct (Err & Hard)"),
        ("errors", "distinct http:ClientError / Err / Err|Hard / (Err|Hard)?"),
        ("union_types", 'Err|string / "a"'),
        ("intersection_types", "Err & Hard / readonly & string / readonly & Rec & Obj"),
        ("tuple_types", "[int, string]"),
        ("table_types", "table<Rec>"),
        ("map_types", "map<int>"),
        ("type_descriptor_types", "typedesc<anydata>"),
        ("function_types", "function () returns int"),
        ("stream_types", "stream<int>"),
        ("array_types", "int[]"),
        ("any_data_types", "anydata"),
        ("any_types", "any"),
        ("string_types", "string"),
        ("integer_types", "int"),
        ("decimal_types", "decimal"),
        ("xml_types", "xml / xml<xml:Element>"),
        ("boolean_types", "boolean"),
        ("types", "distinct Obj / distinct (Obj & Rec)"),
        ("simple_name_reference_types", "Rec / http:ClientError"),
        # Central drops these.
        ("simple_name_reference_types", "float / json / future<int> / readonly"),
    ],
)
def test_a_type_definition_is_in_one_list(name: str, definitions: str) -> None:
    for definition in definitions.split(" / "):
        assert filed(definition) == [name], definition


ALIASES = """
public type X distinct (Err & Hard);
# An array.
public type Array int[]?;
public type Both readonly & string;
public type Tuple [int];
public type Descriptor typedesc<anydata>;
public type Table table<Rec> key(a);
public type Map map<int>?;
public type Fixed (readonly & record { })?;
public type Shape distinct object { };
"""


def test_a_type_definition_says_what_it_is_made_of(snapshot: SnapshotAssertion) -> None:
    lists = (listed for _, listed in documented(BASE + ALIASES) if isinstance(listed, tuple))
    assert [json.dumps(said(each)) for listed in lists for each in listed] == snapshot


def test_only_public_declarations_are_documented() -> None:
    docs = documented("""
        type A int; class B { } enum C { D } const E = 1; int f = 2;
        annotation G on type; function h() { }
    """)
    lists = [listed for _, listed in docs if isinstance(listed, tuple)]
    assert lists
    assert not any(lists)


@pytest.mark.parametrize("annotation", ["typeParam", "builtinSubtype"])
def test_types_of_the_language_need_not_be_public(annotation: str) -> None:
    docs = documented(f"@{annotation}\ntype Type anydata;")
    assert [each.name for each in docs.any_data_types] == ["Type"]


def test_declarations_are_sorted_by_name_without_case() -> None:
    docs = documented("""
        public function beta() { }
        public function Alpha() { }
        public function 'gamma() { }
        public type B [int]; public type a [int];
    """)
    assert [each.name for each in docs.functions] == ["'gamma", "Alpha", "beta"]
    assert [each.name for each in docs.tuple_types] == ["a", "B"]
