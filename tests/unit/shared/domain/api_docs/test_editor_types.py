"""Types as editors read them."""

import json
from typing import Any

import pytest

from shared.domain.api_docs.connectors import MAX_TYPES, connector_parts
from tests.support.documented import documented

DECLARED = """
public type Address record {| string city; |};
public type Person record {
    *Address;
    Person? parent = ();
    record {| int x; string...; |} point;
    string...;
};
public enum Color { RED, GREEN }
public type Failure distinct error<Address>;
public type Failures Failure|NotFound;
public type NotFound distinct error;
public type Name string;
public type Pair [int, string];
public type Both Address & readonly;
public type Shape object { public int sides; };
public type Money decimal|int;
public const LIMIT = 10;
"""


def parameters(listed: str, declared: str = DECLARED) -> list[dict[str, Any]]:
    """Return these parameters as editors read them."""
    source = f"{declared}\npublic client class Client {{ remote function get({listed}) {{}} }}"
    module = documented(source)
    known = {(module.org_name, module.id): module}
    [get] = connector_parts(module, "Client", known)["functions"]  # type: ignore[misc]
    return get["parameters"]


def parameter(type_: str, declared: str = DECLARED) -> dict[str, Any]:
    """Return a parameter of this type as editors read it."""
    [one] = parameters(f"{type_} it", declared)
    return one


def kinds(members: list[dict[str, Any]]) -> list[str]:
    return [each["typeName"] for each in members]


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("int", {"typeName": "int", "optional": False}),
        ("string?", {"typeName": "string", "optional": True}),
        ("error", {"typeName": "error", "isErrorUnion": False}),
        ("Name", {"typeName": "string"}),
        ("Pair", {"typeName": "shop:Pair"}),
        ("LIMIT", {"typeName": "shop:LIMIT"}),
        ("stream<int>", {"typeName": "stream"}),
        ("typedesc<anydata>", {"typeName": "typedesc<anydata>"}),
        ("future<int>", {"typeName": "future<int>"}),
        ("[int, string]", {"typeName": "[int, string]"}),
    ],
)
def test_a_simple_type_is_its_text(type_: str, expected: dict[str, Any]) -> None:
    found = parameter(type_)
    assert expected.items() <= found.items()
    assert found["name"] == "it"


def test_arrays_have_an_array_for_each_dimension() -> None:
    found = parameter("int[][]")
    assert found["typeName"] == "array"
    assert found["memberType"]["typeName"] == "array"
    assert found["memberType"]["memberType"]["typeName"] == "int"


def test_maps_tables_and_streams_have_their_parts() -> None:
    assert parameter("map<int>")["paramType"]["typeName"] == "int"
    table = parameter("table<Address> key(city)")
    assert (table["rowType"]["typeName"], table["typeName"]) == ("record", "table")
    stream = parameter("stream<int, error?>")
    assert stream["leftTypeParam"]["typeName"] == "int"
    assert stream["rightTypeParam"]["optional"] is True


def test_unions_and_intersections_have_members() -> None:
    assert kinds(parameter("int|string")["members"]) == ["int", "string"]
    assert parameter("Both")["typeName"] == "intersection"
    assert parameter("Address & readonly")["typeName"] == "intersection"
    assert kinds(parameter("Money")["members"]) == ["decimal", "int"]
    assert parameter("(int|string)[]")["memberType"]["typeName"] == "union"


def test_records_have_their_own_and_included_fields() -> None:
    person = parameter("Person")
    assert person["hasRestType"] is True
    fields = {each["name"]: each for each in person["fields"]}
    assert list(fields) == ["city", "parent", "point"]
    assert "fields" not in fields["parent"], "a record inside of itself is its name"
    assert fields["parent"]["defaultValue"] == "()"
    assert fields["point"]["typeName"] == "record"
    assert [each["name"] for each in fields["point"]["fields"]] == ["x"]
    assert parameter("Address")["hasRestType"] is False
    [port] = parameter("record {| int port = 80; |}")["fields"]
    assert (port["defaultable"], port["defaultValue"]) == (True, "80")


def test_enums_errors_and_objects_have_their_shape() -> None:
    assert [each["name"] for each in parameter("Color")["members"]] == ["RED", "GREEN"]
    assert parameter("Failure")["detailType"]["typeName"] == "record"
    assert len(parameter("Failures")["errorUnion"]) == 2
    assert [each["name"] for each in parameter("Shape")["fields"]] == ["sides"]


def test_rest_and_included_parameters_are_marked() -> None:
    to, more = parameters("*Address to, int... more")
    assert to["typeName"] == "inclusion"
    assert [each["name"] for each in to["inclusionType"]["fields"]] == ["city"]
    assert (more["typeName"], more["isRestType"]) == ("int", True)


@pytest.mark.measured
@pytest.mark.slow
def test_types_that_name_each_other_many_times_are_cut() -> None:
    names = [f"R{number}" for number in range(30)]
    declared = "\n".join(
        f"public type {one} record {{| {other} a; {other} b; {other} c; |}};"
        for one, other in zip(names, [*names[1:], "int"], strict=True)
    )
    found = json.dumps(parameter("R0", declared))
    assert found.count('"typeName"') <= 3 * MAX_TYPES
