"""Types as editors read them."""

import json
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.api_docs.editor_items import MAX_TYPES, connector_parts
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


TYPES = (
    "int",
    "string?",
    "error",
    "Name",
    "Pair",
    "LIMIT",
    "stream<int>",
    "typedesc<anydata>",
    "future<int>",
    "[int, string]",
    "int[][]",
    "map<int>",
    "table<Address> key(city)",
    "stream<int, error?>",
    "int|string",
    "Both",
    "Address & readonly",
    "Money",
    "(int|string)[]",
    "Person",
    "Address",
    "record {| int port = 80; |}",
    "Color",
    "Failure",
    "Failures",
    "Shape",
)


def test_a_type_has_the_form_that_editors_read(snapshot: SnapshotAssertion) -> None:
    """A record inside of itself is its name."""
    assert {each: json.dumps(parameter(each)) for each in TYPES} == snapshot
    assert [json.dumps(each) for each in parameters("*Address to, int... more")] == snapshot


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
