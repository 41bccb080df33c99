import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ballerina.declarations import read_source
from shared.ballerina.syntax import (
    AnnotationDefinition,
    ArrayType,
    AttachedAnnotation,
    BuiltinType,
    ClassDefinition,
    Declaration,
    EnumDefinition,
    FieldNode,
    FunctionNode,
    FunctionType,
    Inclusion,
    IntersectionType,
    ModuleImport,
    ObjectType,
    OptionalType,
    ParameterKind,
    ParameterNode,
    Position,
    RecordType,
    SourceFile,
    TypeDefinition,
    TypeReference,
    UnparsedLines,
    VariableDefinition,
    VariableKind,
)
from shared.ballerina.types import Member
from tests.sampling import examples
from tests.support.ballerina_types import read_type
from tests.support.edited_sources import case, fault_of
from tests.support.hostile_sources import HOSTILE_SOURCES

INT = BuiltinType("int")


def read(text: str) -> SourceFile:
    return read_source("main.bal", text)


def only(text: str) -> Declaration:
    """Read a source that has one declaration."""
    source = read(text)
    assert source.unread == ()
    [declaration] = source.declarations
    return declaration


def function(text: str) -> FunctionNode:
    found = only(text)
    assert isinstance(found, FunctionNode)
    return found


def variable(text: str) -> VariableDefinition:
    found = only(text)
    assert isinstance(found, VariableDefinition)
    return found


def members(text: str) -> tuple[Member, ...]:
    found = only(f"class C {{ {text} }}")
    assert isinstance(found, ClassDefinition)
    return found.members


def names(text: str) -> list[str]:
    return [each.name for each in read(text).declarations]


# --- Imports ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import ballerina/io;", ModuleImport("ballerina", "io", "io")),
        ("import ballerina/lang.'int;", ModuleImport("ballerina", "lang.int", "'int")),
        ("import acme/greet.words as w;", ModuleImport("acme", "greet.words", "w")),
        ("import greet.words;", ModuleImport("", "greet.words", "words")),
        ("import ballerina/http as _;", ModuleImport("ballerina", "http", "_")),
    ],
)
def test_an_import_names_organization_module_and_prefix(text: str, expected: ModuleImport) -> None:
    assert read(text).imports == (expected,)


# --- Functions ----------------------------------------------------------------------------------


def test_a_function_has_the_parts_of_its_signature() -> None:
    text = """
# Sends.
#
# + to - Who,
#        or what
# + return - nil
@deprecated
public isolated function send(string to, @untainted int n = 3 + f(1, 2), *Opts o)
        returns @tainted error? {
    foreach int i in 0 ..< 3 { io:println(string `}${"}"}`); } // }
}
"""
    sent = function(text)
    assert sent == FunctionNode(
        name="send",
        parameters=(
            ParameterNode(name="to", type=BuiltinType("string")),
            ParameterNode(
                name="n",
                type=INT,
                kind=ParameterKind.DEFAULTABLE,
                default="3 + f(1, 2)",
                annotations=(AttachedAnnotation("", "untainted"),),
            ),
            ParameterNode(name="o", type=TypeReference("", "Opts"), kind=ParameterKind.INCLUDED),
        ),
        returns=OptionalType(BuiltinType("error")),
        qualifiers=frozenset(("public", "isolated")),
        comment=sent.comment,
        annotations=(AttachedAnnotation("", "deprecated"),),
        position=Position("main.bal", 8),
    )
    assert sent.comment.description == "Sends.\n\n"
    assert sent.comment.parameters == (("to", "Who,\nor what\n"),)
    assert sent.comment.returns == "nil\n"


def test_a_rest_parameter_may_be_of_an_optional_type() -> None:
    [rest] = function("function f(anydata?... values) {}").parameters
    assert (rest.kind, rest.type) == (ParameterKind.REST, OptionalType(BuiltinType("anydata")))


@pytest.mark.parametrize(
    ("body", "is_extern"),
    [
        ("{}", False),
        ("{};", False),
        ("=> a(1, 2) + {b: 1}.b;", False),
        ("= external;", True),
        ('= @java:Method {name: "};"} external;', True),
        (";", False),
    ],
)
def test_a_body_is_skipped_whatever_its_form(body: str, is_extern: bool) -> None:
    source = read(f"function f() returns int {body} function g() {{}}")
    assert source.unread == ()
    found = [each for each in source.declarations if isinstance(each, FunctionNode)]
    assert [each.is_extern for each in found] == [is_extern, False]


@pytest.mark.parametrize(
    "body",
    [
        '"}"',
        '"\\"}"',
        '"unfinished }',
        "// }",
        "# }",
        "`}`",
        'xml `<a b="${f({})}">${`}`}</a>`',
        "string `$`",
        "'a\\{b",
        "a / b",
        "[({})]",
    ],
)
def test_brackets_that_are_no_brackets_do_not_end_a_body(body: str) -> None:
    assert names(f"function f() {{ {body}\n}}\nfunction g() {{}}") == ["f", "g"]


def test_a_default_may_hold_type_arguments_with_commas() -> None:
    first, second = function(
        "function f(S s = new stream<record {int[] a;}, map<error?>>(x), int b = a < b ? 1 : 2) {}"
    ).parameters
    assert first.default == "new stream<record {int[] a;}, map<error?>>(x)"
    assert second.default == "a < b ? 1 : 2"


def test_an_inferred_default_is_kept() -> None:
    [parameter] = function("function f(typedesc<anydata> t = <>) returns t = external;").parameters
    assert parameter.default == "<>"


# --- Types --------------------------------------------------------------------------------------


def test_a_type_definition_has_its_type() -> None:
    assert only("public type Id int|string;") == TypeDefinition(
        name="Id", type=read_type("int|string"), is_public=True, position=Position("main.bal", 1)
    )


# --- Classes ------------------------------------------------------------------------------------


def test_a_class_has_its_qualifiers_and_members() -> None:
    defined = only("""
# Talks.
public isolated client class Client {
    *Base;
    # Where
    public final string & readonly url = "a;b";
    private int[] counts;

    public isolated function init(string url) returns error? { self.url = url; }
    # Reads one.
    resource isolated function get users/[string id]/[int... rest](map<string> headers = {})
            returns json|error { return {}; }
    remote function send() = external;
    private function (int) returns int callback = x => x;
}
""")
    assert isinstance(defined, ClassDefinition)
    assert defined.qualifiers == {"public", "isolated", "client"}
    base, url, counts, init, read_one, send, callback = defined.members
    assert base == Inclusion(TypeReference("", "Base"))
    assert isinstance(url, FieldNode)
    assert (url.is_public, url.is_final, url.default) == (True, True, '"a;b"')
    assert url.type == IntersectionType((BuiltinType("string"), BuiltinType("readonly")))
    assert url.comment.description == "Where\n"
    assert isinstance(counts, FieldNode)
    assert (counts.is_public, counts.type) == (False, ArrayType(INT, ("",)))
    assert isinstance(init, FunctionNode)
    assert init.position.line == 9
    assert isinstance(read_one, FunctionNode)
    assert (read_one.name, read_one.accessor) == ("", "get")
    assert read_one.resource_path == "users/[string id]/[int... rest]"
    assert read_one.qualifiers == {"resource", "isolated"}
    assert isinstance(send, FunctionNode)
    assert send.is_extern
    assert isinstance(callback, FieldNode)
    assert isinstance(callback.type, FunctionType)


def test_the_path_of_a_resource_may_be_a_dot() -> None:
    [root] = members("resource function 'default .() {}")
    assert isinstance(root, FunctionNode)
    assert (root.accessor, root.resource_path) == ("'default", ".")


def test_a_field_may_hold_an_isolated_function() -> None:
    [field] = members("public isolated function () returns int make;")
    assert isinstance(field, FieldNode)
    assert field.type == FunctionType((), INT, frozenset(("isolated",)))
    assert field.is_public


@pytest.mark.parametrize(
    "qualifiers", ["service", "distinct service", "readonly", "client", "isolated", "distinct"]
)
def test_words_before_class_are_its_qualifiers(qualifiers: str) -> None:
    defined = only(f"{qualifiers} class C {{}}")
    assert isinstance(defined, ClassDefinition)
    assert defined.qualifiers == set(qualifiers.split())


# --- Enums, constants, variables, annotations ---------------------------------------------------


def test_an_enum_has_its_members_with_their_values() -> None:
    defined = only("""
public enum Level {
    # Low
    LOW = "l,{}",
    @deprecated
    HIGH
}
""")
    assert isinstance(defined, EnumDefinition)
    low, high = defined.members
    assert (low.name, low.value, low.comment.description) == ("LOW", '"l,{}"', "Low\n")
    assert (high.name, high.value) == ("HIGH", "")
    assert high.annotations == (AttachedAnnotation("", "deprecated"),)


@pytest.mark.parametrize(
    ("text", "kind", "type_", "value"),
    [
        ("const A = 1;", VariableKind.CONSTANT, None, "1"),
        ('public const string A = "a;";', VariableKind.CONSTANT, BuiltinType("string"), '"a;"'),
        ("int A;", VariableKind.VARIABLE, INT, ""),
        ("final var A = f();", VariableKind.VARIABLE, None, "f()"),
        ("configurable int A = ?;", VariableKind.CONFIGURABLE, INT, "?"),
        ("isolated int A = 1;", VariableKind.VARIABLE, INT, "1"),
        ("m:T A = {};", VariableKind.VARIABLE, TypeReference("m", "T"), "{}"),
        (
            "final readonly & int A = 1;",
            VariableKind.VARIABLE,
            IntersectionType((BuiltinType("readonly"), INT)),
            "1",
        ),
        (
            "isolated function () A = f;",
            VariableKind.VARIABLE,
            FunctionType((), None, frozenset(("isolated",))),
            "f",
        ),
        (
            "service object {} A = f();",
            VariableKind.VARIABLE,
            ObjectType((), frozenset(("service",)), "service object {}"),
            "f()",
        ),
    ],
)
def test_a_value_has_a_kind_a_type_and_its_text(
    text: str, kind: VariableKind, type_: object, value: str
) -> None:
    found = variable(text)
    assert (found.name, found.kind, found.type, found.value) == ("A", kind, type_, value)
    assert found.is_public == text.startswith("public")
    assert found.is_final == text.startswith("final")


@pytest.mark.parametrize(
    ("text", "type_", "points"),
    [
        ("annotation A;", None, ()),
        ("annotation A on function;", None, ("function",)),
        (
            "const annotation T[] A on source  type , service remote function;",
            ArrayType(TypeReference("", "T"), ("",)),
            ("source type", "service remote function"),
        ),
    ],
)
def test_an_annotation_has_a_type_and_points(
    text: str, type_: object, points: tuple[str, ...]
) -> None:
    found = only(text)
    assert isinstance(found, AnnotationDefinition)
    assert (found.name, found.type, found.points) == ("A", type_, points)


@pytest.mark.parametrize(
    "text",
    [
        "listener http:Listener l = new ({port: 1});",
        'xmlns "http://a;b" as p;',
        "service on l { resource function get .() { } }",
        'service Type /a/["b"] on new L({a: 1}), m { }',
        "isolated service / on l { };",
        "[int, string] [a, b] = f();",
        "int[] [a] = f();",
        "T {a, b} = f();",
        "var error(a) = f();",
        "# Documents nothing.",
        "",
    ],
)
def test_what_nobody_outside_can_refer_to_is_read_past(text: str) -> None:
    source = read(f"{text}\nfunction f() {{}}")
    assert source.unread == ()
    assert [each.name for each in source.declarations] == ["f"]


def test_a_comment_behind_a_value_is_no_part_of_it() -> None:
    defined = only('enum E {\n A = "//", // First\n B = "b" // Second\n}')
    assert isinstance(defined, EnumDefinition)
    assert [each.value for each in defined.members] == ['"//"', '"b"']


@pytest.mark.parametrize(("text", "names"), [("enum E { }", []), ("enum E { A, B, }", ["A", "B"])])
def test_a_list_of_enum_members_may_end_before_one(text: str, names: list[str]) -> None:
    defined = only(text)
    assert isinstance(defined, EnumDefinition)
    assert [each.name for each in defined.members] == names


def test_an_annotation_is_attached_with_its_prefix_and_value() -> None:
    found = function('@http:Config {a: "}"} @deprecated function f() {}')
    assert found.annotations == (
        AttachedAnnotation("http", "Config", '{a: "}"}'),
        AttachedAnnotation("", "deprecated"),
    )


def test_a_byte_order_mark_and_carriage_returns_are_no_part_of_a_source() -> None:
    found = function("\ufeff# One.\r\n# Two.\r\nfunction f() {\r\n}\r\n")
    assert found.comment.description == "One.\nTwo.\n"
    assert found.position.line == 3


# --- Recovery -----------------------------------------------------------------------------------


def test_an_unread_declaration_is_reported_and_the_next_one_is_read() -> None:
    source = read(
        "function f() {}\n\ntype X record {\n    int int;;\n};\n\n# G.\nfunction g() {}\n"
    )
    assert [each.name for each in source.declarations] == ["f", "g"]
    assert source.unread == (UnparsedLines("main.bal", 3, 5, "expected a type, found `;`"),)
    assert source.declarations[1].comment.description == "G.\n"


def test_a_member_of_a_class_that_cannot_be_read_hides_no_other() -> None:
    source = read("class C {\n int a;\n function f(int int;) { }\n what is this;\n int b;\n}\n")
    [defined] = source.declarations
    assert isinstance(defined, ClassDefinition)
    assert [each.name for each in defined.members if isinstance(each, FieldNode)] == ["a", "b"]
    assert [(each.first, each.last) for each in source.unread] == [(3, 3), (4, 4)]


def test_unread_members_are_not_reported_twice() -> None:
    source = read(
        "type\n\nclass C {\n what is this;\n int a;\n}\nclass D {\n what is this;\n a)\n}\n"
    )
    assert [(each.first, each.last) for each in source.unread] == [(1, 1), (4, 4), (7, 10)]


@pytest.mark.parametrize(
    ("text", "names", "unread"),
    [
        (
            "function f() {\n  if a {\n}\npublic function g() {}\n",
            ["g"],
            (1, 3, "expected `}`, found the end of the file"),
        ),
        (
            "class C {\n int a;\n what is\n}\nfunction f() {}\n",
            ["C", "f"],
            (3, 3, "expected `;`, found `}`"),
        ),
        ("service on l }\nfunction f() {}\n", ["f"], (1, 1, "expected `{`, found `}`")),
        ("type\ntype\ntype\n", [], (1, 3, "expected a type, found `type`")),
    ],
    ids=["function without an end", "last member", "service without a body", "one stretch"],
)
def test_what_cannot_be_read_hides_no_other(
    text: str, names: list[str], unread: tuple[int, int, str]
) -> None:
    source = read(text)
    assert [each.name for each in source.declarations] == names
    assert source.unread == (UnparsedLines("main.bal", *unread),)


def test_a_generated_file_of_two_megabytes_is_read() -> None:
    line = f"public type T int; // {'x' * 1_000}\n"
    source = read(line * 2_300)
    assert len(source.declarations) == 2_300
    assert not source.unread


def test_a_record_may_have_fields_of_each_form() -> None:
    defined = only("type R record {| *B; readonly int a; readonly b = 1; int c?; int...; |};")
    assert isinstance(defined, TypeDefinition)
    assert isinstance(defined.type, RecordType)
    assert defined.type.rest == INT


# --- Bad input ----------------------------------------------------------------------------------

NEITHER_UNREAD_NOR_READ = {  # What has nothing to read, or nothing that is not read.
    "blanks",
    "line feeds",
    "carriage returns",
    "comments",
    "lines of #",
    "comments of one line",
    "lines like parameters",
    "a long line like a parameter",
    "headings",
    "fences",
    "imports",
    "patterns",
}


@pytest.mark.parametrize("name", HOSTILE_SOURCES)
def test_a_source_that_was_made_to_be_slow_can_be_read(name: str) -> None:
    source = read(HOSTILE_SOURCES[name](1_000))
    assert bool(source.unread or source.declarations) != (name in NEITHER_UNREAD_NOR_READ)


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    read(text)


def test_edited_sources_are_read_without_a_fault() -> None:
    seeds = range(examples(400, 400))  # Of a property, of which `make test` tries ten as well.
    assert {seed: fault for seed in seeds if (fault := fault_of(case(seed)))} == {}
