"""Functions, records, objects, classes and the other declarations."""

import pytest

from shared.domain.api_docs.language import literal_type
from shared.domain.api_docs.model import FunctionDocs, Type
from tests.support.documented import documented

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


def test_a_function_says_its_parameters_and_what_it_returns() -> None:
    docs = function(SEND)
    assert (docs.name, docs.description, docs.description_sections) == ("send", "Sends.\n\n", ())
    assert docs.is_isolated
    assert not docs.is_remote | docs.is_resource | docs.is_extern
    assert [each.name for each in docs.parameters] == ["to", "n", "o", "more"]
    assert [each.description for each in docs.parameters] == ["Who,\nor what\n", "", "", ""]
    assert [each.default_value for each in docs.parameters] == ["", "3", "", ""]
    returned = docs.return_parameters[0]
    assert (returned.name, returned.description) == ("", "nil\n")
    assert returned.type == Type(name="error", category="builtin", is_nullable=True)
    bare = function("public function f() = external;")
    assert (bare.return_parameters, bare.is_extern) == ((), True)


def test_annotations_are_listed_on_parameters_with_a_default() -> None:
    to, n, o, more = function(SEND).parameters
    assert [each.annotation_attachments for each in (to, o, more)] == [None] * 3
    assert n.is_deprecated
    assert n.annotation_attachments
    found = n.annotation_attachments[0]
    place = (found.org_name, found.module_name, found.version, found.name)
    assert place == ("ballerina", "lang.annotations", "0.0.0", "deprecated")
    string = Type(name="string", category="builtin")
    rest = Type(name="more", category="builtin", is_rest_param=True, element_type=string)
    assert more.type == rest  # Named by its type, too.


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


def test_a_record_has_its_fields_in_source_order() -> None:
    record = documented(f"import ballerina/http;{RECORD}").records[2]
    assert [each.name for each in record.fields] == ["", "p", "d", "", "a", "b", "c", ""]
    shared, p, _, settings, a, b, c, _ = record.fields
    assert shared.type is None
    assert shared.inclusion_type
    assert (shared.inclusion_type.name, shared.inclusion_type.is_public) == ("Shared", True)
    member = shared.inclusion_type.member_types[0]
    assert (member.name, member.description) == ("s", "shared")
    assert settings.inclusion_type
    place = settings.inclusion_type.module_name, settings.inclusion_type.version
    assert place == ("http", "2.12.1")
    assert (p.default_value, p.description) == ('"x"', "private\n")
    assert (a.default_value, a.is_read_only) == ("1", True)  # Its own, not the included one.
    assert b.type
    assert b.type.is_optional
    assert b.description == b.documentation == "from the line\n"
    assert (b.annotation_attachments, c.is_deprecated) == ((), True)


def test_a_rest_field_opens_a_record() -> None:
    opened, closed, record, _ = documented(RECORD).records
    assert (opened.name, opened.is_closed) == ("Closed", True)
    assert (closed.name, closed.is_closed) == ("Open", False)
    assert not record.is_closed
    assert record.fields[-1].description == "Rest field"
    assert record.rest_type == Type(name="string", category="builtin")
    assert opened.rest_type is None


def test_the_rest_field_of_an_included_private_record_is_the_records() -> None:
    docs = documented("""
        public type R record {| *Hidden; int a; |};
        public type S record { *Hidden; };
        type Hidden record {| int b; string...; |};
    """)
    first, second = docs.records
    assert [each.name for each in first.fields] == ["b", "a", ""]
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


def test_included_methods_come_first_and_are_left_out_when_overridden() -> None:
    docs = documented(f"import ballerina/http;{CLASSES}").clients[0]
    names = [each.name or each.resource_path for each in docs.methods]
    assert names == [
        *("close", "items/[string... names]", "others", "check"),
        *("init", "save", "items/[string id]", "plain", "audit"),
    ]
    assert docs.is_isolated
    assert docs.init_method
    assert [each.name for each in docs.remote_methods] == ["save"]
    assert [each.resource_path for each in docs.resource_methods] == names[1:3] + names[6:7]
    assert [each.accessor for each in docs.resource_methods] == ["get"] * 3
    assert [each.name for each in docs.other_methods] == ["close", "check", "plain", "audit"]
    assert [each.name for each in docs.inclusions] == ["Closing", "Service"]
    close, check = docs.methods[0], docs.methods[3]
    assert close.inclusion_type
    assert (close.inclusion_type.name, close.inclusion_type.is_public) == ("Closing", True)
    assert (close.description, close.parameters[0].description) == ("Closes.", "at once\n")
    assert close.annotation_attachments is None
    assert check.inclusion_type is None  # Of a type that nobody else can name.
    entry, depth, size = docs.fields
    assert entry.inclusion_type
    assert [each.name for each in entry.inclusion_type.member_types] == ["name"]
    assert (depth.name, size.name, size.is_final) == ("depth", "size", True)


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


def test_an_object_type_has_its_public_members() -> None:
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
    assert (docs.is_client, docs.is_isolated, docs.is_service) == (True, True, False)
    assert [each.name for each in docs.fields] == ["a"]
    assert [each.name for each in docs.methods] == ["h", "f"]
    assert [each.annotation_attachments for each in docs.methods] == [None, None]
    assert docs.methods[1].is_deprecated


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


def test_an_enum_has_its_members_with_their_values() -> None:
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
    """).enums[0]
    red, green = docs.members
    assert (red.name, red.description, red.value) == ("RED", "from the line\n", "")
    assert (green.description, green.value) == ("Its own.\n\n", '"green"')
    assert (red.description_sections, len(green.description_sections)) == ((), 1)


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


def test_an_annotation_has_its_type_and_points() -> None:
    typed, plain = documented("""
        public annotation record {| int a; |} A on service, object function;
        public const annotation B on source type;
    """).annotations
    assert (typed.attachment_points, typed.type is not None) == ("service, object function", True)
    assert (plain.attachment_points, plain.type) == ("source type", None)


def test_variables_and_configurables_are_listed() -> None:
    docs = documented("""
        public final int limit = 3;
        int hidden = 4;
        # How much.
        configurable int size = ?;
        public configurable string name = "x";
    """)
    limit = docs.variables[0]
    assert (limit.name, limit.default_value, limit.is_final) == ("limit", "3", True)
    assert len(docs.variables) == 1
    name, size = docs.configurables
    assert (name.is_public, size.is_public, size.default_value) == (True, False, "?")
    assert size.description == "How much.\n"
