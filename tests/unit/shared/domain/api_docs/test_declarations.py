"""Functions, records, objects, classes and the other declarations."""

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.api_docs.language import literal_type
from shared.domain.api_docs.model import Type
from tests.support.documented import documented, shown

# --- Records ------------------------------------------------------------------------------------


def test_the_rest_field_of_an_included_private_record_is_the_records() -> None:
    docs = documented("""
        public type R record {| *Hidden; int a; |};
        public type S record { *Hidden; };
        type Hidden record {| int b; string...; |};
    """)
    first, second = docs.records
    assert [each.name for each in first.fields] == ["b", "a", ""]
    assert first.fields[-1].description == "Rest field"  # As Central has it.
    assert first.rest_type == Type(name="string", category="builtin")
    assert (first.is_closed, second.is_closed, second.rest_type) == (False, False, None)


def test_a_field_that_is_included_twice_is_listed_once() -> None:
    record = documented("""
        public type R record {| *A; *B; *A; *C; |};
        type A record {| int a; |};
        type B record {| int a; int b; |};
        type C (readonly & D)?;
        type D record {| int d; |};
    """).records[0]
    assert [each.name for each in record.fields] == ["a", "b", "d"]


@pytest.mark.slow
def test_many_inclusions_in_one_record_take_little_time() -> None:
    record = documented(f"public type R record {{| {'*A; ' * 20_000} |}}; type A record {{| |}};")
    assert record.records[0].fields == ()


# --- Objects and classes ------------------------------------------------------------------------

CLASSES = """
public isolated client class Store {
    *Closing;
    *Hidden;
    *http:Service;
    public final int size = 1;
    private int count = 0;

    public isolated function init() { }
    remote isolated function save(string text) { }
    resource function get items/[string id]() returns string { }
    public function plain() { }
    function secret() { }
    private function hidden() { }
    public function audit() { }
}
public type Closing object {
    public string name;
    # Closes.
    #
    # + now - at once
    public function close(boolean now) returns error?;
    public function plain();
    resource function get items/[ string  name ]() returns string;
    resource function get items/[string... names]() returns string;
    resource function get others() returns string;
};
type Hidden object {
    public int depth;
    public function audit();
    public function check();
};
"""


def test_included_methods_come_first_and_are_left_out_when_overridden(
    snapshot: SnapshotAssertion,
) -> None:
    docs = documented(f"import ballerina/http;{CLASSES}").clients[0]
    assert shown(docs) == snapshot


def test_what_is_included_and_has_no_members_adds_none() -> None:
    docs = documented("""
        public type R record {| *Missing; *int; *E; *Empty; *Int; |};
        public enum E { A }
        public type Empty record {| |};
        public type Int int;
        public class C { *Missing; *E; *K; }
        class K { public int k = 1; }
    """)
    assert [each.inclusion_type for each in docs.records[1].fields if each.name] == []
    assert docs.classes[0].methods == ()
    assert [each.name for each in docs.classes[0].fields] == ["k"]


# --- The others ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ('"abc"', "string"),
        ("string `a`", "string"),
        ("true", "boolean"),
        ("-1", "int"),
        ("0xFF", "int"),
        ("1e10", "float"),
        ("1.5f", "float"),
        ("2.5d", "decimal"),
        ("OTHER", ""),
        ("trueish", ""),
    ],
)
def test_the_type_of_a_constant_is_the_type_of_its_literal(value: str, name: str) -> None:
    assert literal_type(value) == name
    docs = documented(f"public const C = {value};").constants[0]
    assert (docs.value, docs.type) == (value, Type(name=name, category="builtin"))
