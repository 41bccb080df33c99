"""Functions, records, objects, classes and the other declarations."""

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.api_docs.language import literal_type
from shared.domain.api_docs.model import FunctionDocs, Type
from tests.support.documented import documented, shown

SEND = """
# Sends.
#
# + to - Who,
#        or what
# + return - nil
public isolated function send(string to, @deprecated int n = 3, *Opts o, string... more)
        returns error? { }
public type Opts record {| int a; |};
"""


def function(source: str) -> FunctionDocs:
    return documented(source).functions[0]


def test_a_function_says_its_parameters_and_what_it_returns(snapshot: SnapshotAssertion) -> None:
    sources = (SEND, "public function f() = external;")
    assert [shown(function(each)) for each in sources] == snapshot


@pytest.mark.parametrize(
    ("attached", "place"),
    [
        ('@display {label: "x"}', ("ballerina", "lang.annotations", "0.0.0", "display")),
        ("@http:Payload", ("ballerina", "http", "2.12.1", "Payload")),
        ("@Own", ("acme", "shop", "1.2.0", "Own")),
        ("@other:Thing", ("", "other", "", "Thing")),
    ],
)
def test_an_annotation_leads_to_the_module_that_defines_it(
    attached: str, place: tuple[str, ...]
) -> None:
    before = "import ballerina/http;\nannotation Own on function;"
    attached_to = function(f"{before}\n{attached}\npublic function f() {{ }}")
    assert attached_to.annotation_attachments
    docs = attached_to.annotation_attachments[0]
    assert (docs.org_name, docs.module_name, docs.version, docs.name) == place
    assert docs.value == ('{label: "x"}' if "label" in attached else "")


def test_documentation_keeps_the_indentation_of_nested_lists() -> None:
    docs = function(
        "# - a\n#   - b\n# ```\n# + c - d\n# ```\n# + p - x\npublic function f(int p) { }"
    )
    assert docs.description == "- a\n- b\n```\n+ c - d\n```\n"
    assert docs.documentation == "- a\n  - b\n```\n+ c - d\n```\n"
    assert docs.position
    assert (docs.position.file, docs.position.line) == ("main.bal", 7)


# --- Records ------------------------------------------------------------------------------------

RECORD = """
# A record.
#
# + b - from the line
public type R record {|
    *Shared;
    *Private;
    *http:Settings;
    readonly int a = 1;
    string b?;
    @deprecated
    int[] c;
    string...;
|};
# + s - shared
public type Shared record {| int s; |};
# + a - overridden
# + p - private
type Private record {| int a; string p = "x"; *Deep; |};
type Deep record {| int d; |};
public type Open record { };
public type Closed record {| |};
"""


def test_a_record_has_its_own_fields_and_those_that_it_includes(
    snapshot: SnapshotAssertion,
) -> None:
    records = documented(f"import ballerina/http;{RECORD}").records
    assert [shown(each) for each in records] == snapshot


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


def test_the_types_of_an_included_method_are_those_of_the_file_that_declares_it() -> None:
    docs = documented("""
        public enum Kind { SOON, NOW }
        public type Closing object { public function close(Kind kind); };
        public class Store { *Closing; }
    """)
    [method] = docs.classes[0].methods
    [kind] = [each.type for each in method.parameters]
    assert kind
    assert (kind.name, kind.category) == ("Kind", "enums")


METHODS = "".join(
    f"public function {name}() {{ }}\n"
    for name in ("init", "attach", "detach", "'start", "gracefulStop", "immediateStop")
)


def test_a_class_with_the_methods_of_a_listener_is_one() -> None:
    docs = documented(f"public class Gate {{ {METHODS} }}").listeners[0]
    assert [each.name for each in docs.life_cycle_methods] == ["attach"]
    others = [each.name for each in docs.other_methods]
    assert others == ["detach", "'start", "gracefulStop", "immediateStop"]
    without = METHODS.replace("detach", "undo")
    module = documented(f"public readonly distinct service class Gate {{ {without} }}")
    (found,) = module.classes
    assert (found.is_service, found.is_read_only, found.is_distinct) == (True, True, True)
    assert found.init_method
    assert not module.listeners


def test_an_object_type_has_its_public_members(snapshot: SnapshotAssertion) -> None:
    docs = documented("""
        public type O isolated client object {
            *Base;
            public int a;
            int b;
            @deprecated
            public function f();
            function g();
        };
        public type Base object { public function h(); };
    """).object_types[1]
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


def test_enums_annotations_and_variables_say_what_they_are(snapshot: SnapshotAssertion) -> None:
    docs = documented("""
        # Colors.
        #
        # + RED - from the line
        public enum Color {
            RED,
            # Its own.
            #
            # # Deprecated
            # Use RED.
            GREEN = "green"
        }
        public annotation record {| int a; |} A on service, object function;
        public const annotation B on source type;
        public final int limit = 3;
        int hidden = 4;
        # How much.
        configurable int size = ?;
        public configurable string name = "x";
    """)
    listed = (*docs.enums, *docs.annotations, *docs.variables, *docs.configurables)
    assert [shown(each) for each in listed] == snapshot
