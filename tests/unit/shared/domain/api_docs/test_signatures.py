"""Declarations as source text: what is printed, what is linked, and reading it again."""

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.api_docs.model import (
    AliasDocs,
    AnnotationDocs,
    ConstantDocs,
    DeclarationDocs,
    Documented,
    ErrorDocs,
    MapTypeDocs,
    Type,
    VariableDocs,
    declarations_of,
)
from shared.domain.api_docs.signatures import declaration_source, signature, signature_text
from shared.domain.api_docs.type_parts import Part, PartKind, TypeTarget, type_parts
from tests.support.documented import documented, type_of

MODULE = """
import ballerina/http;
import ballerina/data.csv.parsing;
public type Item record {| string name; |};
public type Err error;
public type Obj object { };
"""


def only(text: str) -> list[str]:
    """Return the signatures of what a source declares, besides the module."""
    docs = documented(f"{MODULE}{text}")
    names = ("Item", "Err", "Obj")
    return [signature_text(each) for _, each in declarations_of(docs) if each.name not in names]


@pytest.mark.parametrize(
    "text",
    [
        "public function f()",
        'public isolated function f(int a, string b = "x", *Item c, int... d) returns error?',
        "public function f(http:Client c, parsing:Options o) returns map<http:Error>?",
        "public function f(Missing m, none:Thing t)",
        'public const string A = "a"',
        "public annotation A",
        "public annotation Item A on service, object function",
        "public const annotation A on source type",
        "public enum E",
        "public isolated client class C",
        "public distinct readonly service class C",
        "public type T readonly & record {|…|}",
        "public type T record {…}?",
        "public type T distinct isolated service object",
        "public type T client object?",
        "public type T error",
        "public type T distinct error<Item>",
        "public type T distinct Err",
        "public type T distinct (Err & error)",
        "public type T Err|error",
        "public type T table<Item> key(name)",
        "public type T table<Item> key<string>?",
        "public type T map<int>",
        "public type T float?",
        'public type T int|"a"|-1',
        "public type T distinct (Item & Obj)",
        "public type T [int, string...]?",
        "public type T readonly & int[]",
        "public type T typedesc<anydata>?",
        "public type T future<int>",
        "public type T int[4][*]",
        "public type T stream<int, error?>",
        "public type T xml<xml:Element>",
        "public type T function",
        "public type T isolated function (int a, *Item b, int... c) returns string?",
        "public type T function (int, string)",
        "public type T map<record {| int a; string b?; |}>",
        "public type T map<record {| int a; string...; |}>",
        "public final int v = 1",
        "configurable int v = ?",
        "public configurable map<int> v = {}",
        "public final var v = 1",
    ],
)
def test_a_signature_is_the_line_that_was_written(text: str) -> None:
    written = text.replace("{|…|}", "{| |}").replace("{…}", "{ }")
    if "function f" in text or " class " in text or " enum " in text or "object" in text:
        written += " { A }" if " enum " in text else " { }" if "annotation" not in text else ""
    if written.endswith("object? { }"):
        written = written.replace("object? { }", "object { }?")
    end = "" if "function f" in text or " class " in text or " enum " in text else ";"
    assert only(written + end) == [text]


def source_text(docs: Documented) -> str:
    source = declaration_source(docs)
    lines = [source.opening, *((Part("    "), *each.parts) for each in source.lines)]
    lines += [source.closing] if source.closing else []
    return "\n".join("".join(part.text for part in line) for line in lines)


def target_of(parts: tuple[Part, ...], text: str) -> TypeTarget | None:
    return next(part for part in parts if part.text == text).target


def test_parts_say_what_they_are_and_types_lead_to_their_documentation(
    snapshot: SnapshotAssertion,
) -> None:
    text = 'public function f(Item a, http:Client b, int c, json d, X e, string f = "a") { }'
    parts = signature(documented(f"{MODULE}{text}").functions[0])
    kinds = [each for each in parts if each.kind is not PartKind.TEXT]
    assert [f"{each.text} {each.kind.value} {each.target}" for each in kinds] == snapshot


def test_a_private_type_is_named_and_not_linked() -> None:
    docs = documented("""
        public function f(R a, O b, U c, S d) { }
        type R record {| |}; type O object { }; type U int|string; type S string;
    """)
    parts = signature(docs.functions[0])
    assert "".join(part.text for part in parts) == "public function f(R a, O b, U c, S d)"
    assert target_of(parts, "R") is None
    dependent = "public function f(typedesc<any> t = <>) returns stream<t, error?> = external;"
    parts = signature(documented(dependent).functions[0])
    assert [part.target for part in parts if part.text == "t"][1] is None
    parts = signature(documented("public function f(int a, anydata b) = external;").functions[0])
    for name, module in (("int", "lang.int"), ("anydata", "lang.value")):
        target = target_of(parts, name)
        assert target
        assert (target.module, target.name) == (module, name)


def test_what_a_document_of_central_lacks_is_left_out() -> None:
    assert signature_text(ErrorDocs(name="E")) == "public type E error"
    detail = Type(name="Other", category="errors", module_name="m")
    assert signature_text(ErrorDocs(name="E", detail_type=detail)) == "public type E Other"
    assert signature_text(ConstantDocs(name="C", value="x + y")) == "public const C = x + y"
    assert signature_text(MapTypeDocs(name="M")) == "public type M "
    assert signature_text(AnnotationDocs(name="A")) == "public annotation A"
    assert signature_text(VariableDocs(name="v")) == ""
    assert signature_text(DeclarationDocs(name="d")) == "d"
    assert signature_text(AliasDocs(name="T", is_array_type=True)) == "public type T "
    lengths = Type(is_array_type=True, element_type=Type(name="int", category="builtin"))
    assert "".join(part.text for part in type_parts(lengths)) == "int"
    empty = Type(category="inline_record", member_types=(Type(name="a"),))
    assert "".join(part.text for part in type_parts(empty)) == "record { }"


def test_sources_have_a_line_for_each_member(snapshot: SnapshotAssertion) -> None:
    docs = documented("""
        public type R record {| *S; readonly int a = 1; int b?; int...; |};
        public type S record { int s; };
        public enum E { A, B = "b" }
        public isolated client class C {
            *O;
            *Hidden;
            public final int a;
            public function init() { }
            remote function call() returns int = external;
            resource function get items/[string id]/all(int n) { }
        }
        public type O object { public int n; public function o(); }?;
        type Hidden object { };
        public function f() = external;
        public const int ONE = 1;
    """)
    found = {each.name: source_text(each) for _, each in declarations_of(docs)}
    assert found == snapshot


@pytest.mark.parametrize(
    "definition",
    [
        "public type X distinct A & error<D>;",
        "public type X distinct (A & error<D>);",
        "public type X distinct (A|B);",
        "public type X map<distinct A>;",
    ],
)
def test_a_distinct_type_stays_distinct(definition: str) -> None:
    base = "public type A error; public type B error; public type D record {| |};"
    module = documented(f"{base}{definition}")
    (docs,) = (each for _, each in declarations_of(module) if each.name == "X")
    assert source_text(docs) == definition


@pytest.mark.parametrize(
    "text",
    [
        'record {| int b = 3; record { string c = "x"; } d = {}; |}',
        "object { object { int a; } b; }",
        "distinct object { int a; }",
    ],
)
def test_types_that_have_no_name_are_written_with_their_defaults(text: str) -> None:
    assert "".join(part.text for part in type_parts(type_of(text))) == text
