"""Declarations as source text: what is printed, what is linked, and reading it again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.api_docs.documents import read_document
from shared.domain.api_docs.model import (
    AliasDocs,
    AnnotationDocs,
    ConstantDocs,
    DeclarationDocs,
    ErrorDocs,
    MapTypeDocs,
    ModuleDocs,
    Type,
    VariableDocs,
    declarations_of,
)
from shared.domain.api_docs.signatures import signature, signature_text, source, source_text
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
        "public type T int",
        "public type T float?",
        'public type T int|"a"|-1',
        "public type T (int|string)?",
        "public type T distinct (Item & Obj)",
        "public type T distinct Obj",
        "public type T [int, string...]?",
        "public type T readonly & int[]",
        "public type T typedesc<anydata>?",
        "public type T typedesc",
        "public type T future<int>",
        "public type T future",
        "public type T int[4][*]",
        "public type T (int|string)[]",
        "public type T stream<int, error?>",
        "public type T xml<xml:Element>",
        "public type T function",
        "public type T isolated function (int a, *Item b, int... c) returns string?",
        "public type T function (int, string)",
        "public type T map<record {| int a; string b?; |}>",
        "public type T map<record { int a; }>",
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


def test_methods_and_fields_have_signatures() -> None:
    client = documented(f"""{MODULE}
        public client class C {{
            public final string name = "x";
            remote isolated function call() returns Item {{ }}
            resource function get items/[string id]/all(int n) {{ }}
            public function f() {{ }}
        }}
    """).clients[0]
    assert [signature_text(each) for each in client.methods] == [
        "remote isolated function call() returns Item",
        "resource function get items/[string id]/all(int n)",
        "public function f()",
    ]
    assert signature_text(client.fields[0]) == 'final string name = "x"'


def test_members_of_records_and_enums_have_signatures() -> None:
    docs = documented("""
        public type R record {| *S; readonly int a = 1; string b?; int...; |};
        public type S record {| int c; |};
        public enum E { A, B = "b" }
    """)
    assert [signature_text(each) for each in docs.records[0].fields] == [
        *("*S", "readonly int a = 1", "string b?", "int...")
    ]
    assert [signature_text(each) for each in docs.enums[0].members] == ["A", 'B = "b"']


def target_of(parts: tuple[Part, ...], text: str) -> TypeTarget | None:
    return next(part for part in parts if part.text == text).target


def test_types_lead_to_their_documentation() -> None:
    docs = documented(f"{MODULE}public function f(Item a, http:Client b, int c, json d, X e) {{ }}")
    parts = signature(docs.functions[0])
    assert target_of(parts, "Item") == TypeTarget("acme", "shop", "1.2.0", "Item", "records")
    client = TypeTarget("ballerina", "http", "2.12.1", "Client", "libs")
    assert target_of(parts, "http:Client") == client
    number = TypeTarget("ballerina", "lang.int", "0.0.0", "int", "builtin")
    assert target_of(parts, "int") == number
    assert target_of(parts, "json") == TypeTarget(
        "ballerina", "lang.value", "0.0.0", "json", "builtin"
    )
    assert target_of(parts, "X") is None


def test_a_dependent_type_has_no_target() -> None:
    docs = documented(
        "public function f(typedesc<any> t = <>) returns stream<t, error?> = external;"
    )
    assert signature_text(docs.functions[0]).endswith("returns stream<t, error?>")
    assert [part.target for part in signature(docs.functions[0]) if part.text == "t"][1] is None


def test_parts_say_what_they_are() -> None:
    parts = signature(documented('public const string A = "a";').constants[0])
    assert [(part.text, part.kind) for part in parts if part.kind is not PartKind.TEXT] == [
        ("public", PartKind.KEYWORD),
        ("const", PartKind.KEYWORD),
        ("string", PartKind.TYPE),
        ("A", PartKind.NAME),
        ('"a"', PartKind.STRING),
    ]


def test_a_private_type_is_named_and_not_linked() -> None:
    docs = documented("""
        public function f(R a, O b, U c, S d) { }
        type R record {| |}; type O object { }; type U int|string; type S string;
    """)
    parts = signature(docs.functions[0])
    assert "".join(part.text for part in parts) == "public function f(R a, O b, U c, S d)"
    assert target_of(parts, "R") is None


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


def test_sources_have_a_line_for_each_member() -> None:
    docs = documented("""
        public type R record {| *S; int a; int...; |};
        public type S record { int s; };
        public enum E { A, B = "b" }
        public isolated client class C {
            *O;
            *Hidden;
            public int a;
            public function init() { }
            remote function call() returns int = external;
            public function o() { }
        }
        public type O object { public int n; public function o(); public function p(); }?;
        type Hidden object { };
        public function f() = external;
        public const int ONE = 1;
    """)
    assert source_text(docs.records[0]) == (
        "public type R record {|\n    *S;\n    int a;\n    int...;\n|};"
    )
    assert source_text(docs.enums[0]) == 'public enum E {\n    A,\n    B = "b"\n}'
    assert source_text(docs.clients[0]) == (
        "public isolated client class C {\n    *O;\n    public int a;\n"
        "    public function init() {}\n"
        "    remote function call() returns int = external;\n"
        "    public function o() {}\n}"
    )
    assert source_text(docs.object_types[0]) == (
        "public type O object {\n    public int n;\n    public function o();\n"
        "    public function p();\n}?;"
    )
    assert source_text(docs.functions[0]) == "public function f() = external;"
    assert source_text(docs.constants[0]) == "public const int ONE = 1;"
    assert "".join(part.text for part in source(docs.constants[0])) == "public const int ONE = 1;"


# --- Reading what was printed -------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "'type", "größe", "f_1"])
PLAIN = st.sampled_from(
    (
        *("int", "string", "()", "json", "error", "xml<xml:Element>", "Item", "http:Client"),
        *('"x"', "-1", "typedesc", "stream", "function", "readonly", "map<int>", "handle"),
        *("parsing:Options", "Err", "future"),
    )
)


def _types(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    atoms = inner.map(lambda text: f"({text})")
    pairs = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(atoms, st.sampled_from(["[]", "[][]", "[3]", "?", "?[]"])).map("".join),
        st.tuples(atoms, atoms).map("|".join),
        st.tuples(atoms, atoms).map(" & ".join),
        pairs.map(lambda each: f"[{each[0]}, {each[1]}...]"),
        inner.map(lambda text: f"map<{text}>"),
        inner.map(lambda text: f"table<{text}> key(a, b)"),
        inner.map(lambda text: f"table<{text}> key<string>"),
        pairs.map(lambda each: f"stream<{each[0]}, {each[1]}>"),
        inner.map(lambda text: f"typedesc<{text}>"),
        inner.map(lambda text: f"future<{text}>"),
        inner.map(lambda text: f"error<{text}>"),
        pairs.map(lambda each: f"record {{| {each[0]} a; {each[1]} b?; |}}"),
        pairs.map(lambda each: f"record {{| {each[0]} a; {each[1]}...; |}}"),
        inner.map(lambda text: f"record {{ {text} 'type; }}"),
        pairs.map(lambda each: f"(isolated function ({each[0]} a) returns {each[1]})"),
        pairs.map(lambda each: f"(function ({each[0]}, {each[1]}... b))"),
    )


TYPES = st.recursive(PLAIN, _types, max_leaves=6)


@st.composite
def functions(draw: st.DrawFn, *, body: str = "{ }") -> str:
    parameters = draw(
        st.lists(st.tuples(TYPES, st.sampled_from(["", " = 1", " = <>"])), max_size=3)
    )
    listed = [f"{kind} p{index}{value}" for index, (kind, value) in enumerate(parameters)]
    listed += draw(st.sampled_from([[], ["*Item i"], ["int... more"]]))
    isolated = draw(st.sampled_from(["", "isolated "]))
    returned = draw(st.one_of(st.just(""), TYPES.map("returns {} ".format)))
    return f"{isolated}function {draw(NAMES)}({', '.join(listed)}) {returned}{body}"


FIELDS = st.lists(
    st.tuples(st.sampled_from(["", "readonly "]), TYPES, st.sampled_from(["", "?", " = 1"])),
    max_size=3,
).map(lambda found: " ".join(f"{r}{t} f{i}{d};" for i, (r, t, d) in enumerate(found)))

DECLARATIONS = st.one_of(
    functions().map("public {}".format),
    functions(body="= external;").map("public {}".format),
    TYPES.map("public type T {};".format),
    TYPES.map("public type T distinct {};".format),
    FIELDS.map("public type T record {{| {} |}};".format),
    FIELDS.map("public type T readonly & record {{ {} }};".format),
    FIELDS.map("public type T record {{| *Item; {} int...; |}}?;".format),
    functions(body=";").map("public type T distinct service object {{ remote {} }};".format),
    functions().map(
        "public isolated client class T {{ public final int a = 1; remote {} }}".format
    ),
    TYPES.map("public const {} T = 1;".format),
    TYPES.map("public {} t = 1;".format),
    TYPES.map("configurable {} t = ?;".format),
    TYPES.map("public annotation {} T on type, class;".format),
    st.just('public enum T { A, B = "b" }'),
    st.just("public const T = 1 + 2;"),
    st.just("public class T { *Obj; public function init() { } function f() { } }"),
)


def without_positions(docs: ModuleDocs) -> ModuleDocs:
    """Return a module without the lines of its declarations."""
    return read_document(
        b'{"docsData": {"modules": ['
        + docs.model_dump_json(
            by_alias=True,
            exclude={
                name: {"__all__": {"position": True, "fields": POSITIONS, **METHODS}}
                for name, value in docs
                if isinstance(value, tuple)
            },
        ).encode()
        + b"]}}"
    )


POSITIONS = {"__all__": {"position"}}
METHODS = {
    "methods": POSITIONS,
    "other_methods": POSITIONS,
    "remote_methods": POSITIONS,
    "resource_methods": POSITIONS,
    "members": POSITIONS,
    "init_method": {"position"},
}


@given(DECLARATIONS)
def test_a_printed_declaration_is_read_as_the_same(text: str) -> None:
    docs = documented(f"{MODULE}{text}")
    printed = "\n".join(source_text(each) for _, each in declarations_of(docs))
    imports = "import ballerina/http;\nimport ballerina/data.csv.parsing;\n"
    again = documented(f"{imports}{printed}")
    assert without_positions(again) == without_positions(docs), printed


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


def test_an_object_type_within_an_object_type_is_written() -> None:
    source = "public type X object { public object { public int a; } inner; };"
    assert "public object { public int a; } inner;" in source_text(
        documented(source).object_types[0]
    )


@pytest.mark.parametrize(
    "text", ['record {| int b = 3; record { string c = "x"; } d = {}; |}', "object { int a; }"]
)
def test_types_that_have_no_name_are_written_with_their_defaults(text: str) -> None:
    assert "".join(part.text for part in type_parts(type_of(text))) == text
