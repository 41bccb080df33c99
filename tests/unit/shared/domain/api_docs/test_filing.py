"""Which list a declaration is in."""

import pytest

from shared.domain.api_docs.model import ModuleDocs, Type
from tests.support.documented import documented

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


def last(source: str) -> ModuleDocs:
    return documented(f"{BASE}\n{source}")


def test_a_distinct_error_says_what_it_is_made_of() -> None:
    errors = {each.name: each for each in last("public type X distinct (Err & Hard);").errors}
    assert errors["X"].is_distinct
    assert errors["X"].detail_type
    assert errors["X"].detail_type.is_intersection_type
    assert errors["Err"].detail_type is None
    assert errors["Hard"].detail_type
    assert errors["Hard"].detail_type.category == "map"
    assert not errors["Hard"].is_distinct


def test_an_alias_of_one_type_has_it_as_its_member() -> None:
    docs = last("# An array.\npublic type X int[]?;").array_types[0]
    assert (docs.is_anonymous_union_type, docs.is_nullable) == (True, True)
    assert docs.member_types[0].is_array_type
    assert docs.description == "An array.\n"


def test_intersections_tuples_and_descriptors_have_their_own_flag() -> None:
    docs = last("public type X readonly & string;\npublic type Y [int];")
    descriptor = last("public type X typedesc<anydata>;").type_descriptor_types[0]
    assert descriptor.is_type_desc
    assert descriptor.element_type == Type(name="anydata", category="builtin")
    assert descriptor.member_types == ()
    shapes = docs.intersection_types[0], docs.tuple_types[0]
    assert [each.is_anonymous_union_type for each in shapes] == [False, False]
    assert shapes[0].is_intersection_type
    assert shapes[1].is_tuple


def test_a_table_and_a_map_have_the_whole_type() -> None:
    docs = last("public type X table<Rec> key(a);\npublic type Y map<int>?;")
    table, found = docs.table_types[0], docs.map_types[0]
    assert table.row_parameter_type
    assert table.row_parameter_type.category == "table"
    assert table.key_constraint
    assert table.key_constraint.category == "key"
    assert found.map_parameter_type
    assert (found.map_parameter_type.category, found.map_parameter_type.is_nullable) == (
        "map",
        True,
    )


def test_flags_around_a_record_or_object_are_kept() -> None:
    docs = last("""
        public type A (readonly & record { })?;
        public type B distinct object { };
    """)
    record, other = docs.records[0], docs.object_types[0]
    assert (record.is_read_only, record.is_nullable) == (True, True)
    assert (other.is_distinct, other.is_read_only, other.is_nullable) == (True, False, False)


def test_only_public_declarations_are_documented() -> None:
    docs = documented("""
        type A int; class B { } enum C { D } const E = 1; int f = 2;
        annotation G on type; function h() { }
    """)
    assert not any(listed for _, listed in docs if isinstance(listed, tuple))


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
