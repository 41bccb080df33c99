import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ballerina.declarations import read_source
from shared.ballerina.syntax import (
    BuiltinType,
    ClassDefinition,
    Declaration,
    FieldNode,
    FunctionNode,
    FunctionType,
    IntersectionType,
    ObjectType,
    SourceFile,
    TypeReference,
    UnparsedLines,
    VariableDefinition,
    VariableKind,
)
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


def variable(text: str) -> VariableDefinition:
    found = only(text)
    assert isinstance(found, VariableDefinition)
    return found


def names(text: str) -> list[str]:
    return [each.name for each in read(text).declarations]


# --- Functions ----------------------------------------------------------------------------------


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


# --- Enums, constants, variables, annotations ---------------------------------------------------


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


# --- Recovery -----------------------------------------------------------------------------------


def test_a_member_of_a_class_that_cannot_be_read_hides_no_other() -> None:
    source = read("class C {\n int a;\n function f(int int;) { }\n what is this;\n int b;\n}\n")
    [defined] = source.declarations
    assert isinstance(defined, ClassDefinition)
    assert [each.name for each in defined.members if isinstance(each, FieldNode)] == ["a", "b"]
    assert [(each.first, each.last) for each in source.unread] == [(3, 3), (4, 4)]


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
    assert {seed: fault for seed in range(400) if (fault := fault_of(case(seed)))} == {}
