import pytest

from shared.ballerina.lexer import ParseError
from shared.ballerina.syntax import (
    ArrayType,
    AttachedAnnotation,
    BuiltinType,
    DistinctType,
    FieldNode,
    FunctionNode,
    FunctionType,
    Inclusion,
    IntersectionType,
    ObjectType,
    OptionalType,
    ParameterKind,
    ParameterNode,
    ParenthesizedType,
    RecordType,
    SingletonType,
    TableType,
    TupleType,
    TypeNode,
    TypeReference,
    UnionType,
)
from shared.ballerina.types import NESTING_LIMIT, PLAIN_TYPES
from tests.support.ballerina_types import read_type

INT = BuiltinType("int")
STRING = BuiltinType("string")
ERROR = BuiltinType("error")
READONLY = BuiltinType("readonly")
A = TypeReference("", "A")
B = TypeReference("", "B")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("()", BuiltinType("()")),
        ("A", A),
        ("'type", TypeReference("", "'type")),
        ("http:Client", TypeReference("http", "Client")),
        # A keyword before a colon is the prefix of a module of the language's library.
        ("error:StackFrame", TypeReference("error", "StackFrame")),
        ("object:RawTemplate", TypeReference("object", "RawTemplate")),
        ("function:Call", TypeReference("function", "Call")),
        ("transaction:Info", TypeReference("transaction", "Info")),
        ("map:A", TypeReference("map", "A")),
        ("map<int>", BuiltinType("map", (INT,))),
        ("error<A>", BuiltinType("error", (A,))),
        ("error<*>", ERROR),
        ("stream<A, error?>", BuiltinType("stream", (A, OptionalType(ERROR)))),
        ("map<map<int>>", BuiltinType("map", (BuiltinType("map", (INT,)),))),
        ("table<A>", TableType(A)),
        ("table<A> key(id, 'type)", TableType(A, ("id", "'type"))),
        ("table<A> key()", TableType(A, ())),
        ("table<A> key<int>", TableType(A, None, INT)),
        ("int?", OptionalType(INT)),
        ("int??", OptionalType(OptionalType(INT))),
        ("int[]", ArrayType(INT, ("",))),
        ("int[2][*][m:N][ ]", ArrayType(INT, ("2", "*", "m:N", ""))),
        ("int[]?[]", ArrayType(OptionalType(ArrayType(INT, ("",))), ("",))),
        ("int|A|string", UnionType((INT, A, STRING))),
        ("int|A & B|string", UnionType((INT, IntersectionType((A, B)), STRING))),
        ("(int|A)[]", ArrayType(ParenthesizedType(UnionType((INT, A))), ("",))),
        ("[int, A?]", TupleType((INT, OptionalType(A)))),
        ("[@a int, string...]", TupleType((INT,), STRING)),
        ("[int,]", TupleType((INT,))),
        ("distinct error", DistinctType(ERROR)),
        ("distinct A & B", IntersectionType((DistinctType(A), B))),
        ("distinct (A & B)", DistinctType(ParenthesizedType(IntersectionType((A, B))))),
        ("distinct error?", OptionalType(DistinctType(ERROR))),
        ('"a|b"', SingletonType('"a|b"')),
        ("-1", SingletonType("-1")),
        ("+ 0x1F", SingletonType("+0x1F")),
        ("1.5e-3f", SingletonType("1.5e-3f")),
        ("null|true", UnionType((SingletonType("null"), SingletonType("true")))),
    ],
)
def test_a_type_is_read_as_it_is_written(text: str, expected: TypeNode) -> None:
    assert read_type(text) == expected


@pytest.mark.parametrize("name", sorted(PLAIN_TYPES))
def test_a_keyword_is_a_type(name: str) -> None:
    assert read_type(name) == BuiltinType(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("function", FunctionType(None)),
        ("function ()", FunctionType(())),
        ("function () returns int|A", FunctionType((), UnionType((INT, A)))),
        (
            "isolated function (int, @a string... rest) returns @b A?",
            FunctionType(
                (
                    ParameterNode(name="", type=INT),
                    ParameterNode(
                        name="rest",
                        type=STRING,
                        kind=ParameterKind.REST,
                        annotations=(AttachedAnnotation("", "a"),),
                    ),
                ),
                OptionalType(A),
                frozenset(("isolated",)),
            ),
        ),
    ],
)
def test_a_function_type_may_have_a_signature(text: str, expected: TypeNode) -> None:
    assert read_type(text) == expected


def record(text: str) -> RecordType:
    found = read_type(text)
    assert isinstance(found, RecordType)
    return found


def test_a_record_has_fields_inclusions_and_a_rest() -> None:
    found = record("""record {|
        *Base;
        # The id
        @display {label: "}"}
        readonly int id;
        A? a?;
        string s = "a;b";
        anydata...;
    |}""")
    base, id_, a, s = found.members
    assert found.is_exclusive
    assert found.rest == BuiltinType("anydata")
    assert base == Inclusion(TypeReference("", "Base"))
    assert isinstance(id_, FieldNode)
    assert (id_.name, id_.type, id_.is_readonly) == ("id", INT, True)
    assert id_.comment.description == "The id\n"
    assert id_.annotations == (AttachedAnnotation("", "display", '{label: "}"}'),)
    assert isinstance(a, FieldNode)
    assert (a.name, a.type, a.is_optional) == ("a", OptionalType(A), True)
    assert isinstance(s, FieldNode)
    assert (s.default, s.is_optional) == ('"a;b"', False)


@pytest.mark.parametrize(
    ("text", "type_", "is_readonly"),
    [
        ("readonly int a;", INT, True),
        ("readonly T? a?;", OptionalType(TypeReference("", "T")), True),
        ("readonly a;", READONLY, False),
        ("readonly a = 1;", READONLY, False),
        ("readonly & int a;", IntersectionType((READONLY, INT)), False),
        ("readonly|int a;", UnionType((READONLY, INT)), False),
        ("readonly? a;", OptionalType(READONLY), False),
        ("readonly[] a;", ArrayType(READONLY, ("",)), False),
        ("readonly [int, A] a;", TupleType((INT, A)), True),
    ],
)
def test_readonly_is_a_qualifier_or_a_type(
    text: str, type_: TypeNode, *, is_readonly: bool
) -> None:
    [field] = record(f"record {{ {text} }}").members
    assert isinstance(field, FieldNode)
    assert (field.name, field.type, field.is_readonly) == ("a", type_, is_readonly)


def test_the_rest_of_a_record_may_be_readonly() -> None:
    assert record("record {| readonly...; |}").rest == READONLY


def test_a_record_may_be_optional_after_a_blank() -> None:
    assert read_type("record {| |} ?") == OptionalType(RecordType((), None, is_exclusive=True))


def test_an_object_has_qualifiers_members_and_its_text() -> None:
    text = """service isolated object {
        *Base;
        public int[] counts;
        # Reads.
        resource function get users/[string id]() returns A;
        remote isolated function send(int n = 1) returns error?;
    }"""
    found = read_type(text)
    assert isinstance(found, ObjectType)
    assert found.qualifiers == {"service", "isolated"}
    assert found.text == text
    base, counts, get, send = found.members
    assert isinstance(base, Inclusion)
    assert isinstance(counts, FieldNode)
    assert counts.is_public
    assert isinstance(get, FunctionNode)
    assert (get.accessor, get.resource_path) == ("get", "users/[string id]")
    assert get.comment.description == "Reads.\n"
    assert isinstance(send, FunctionNode)
    assert send.qualifiers == {"remote", "isolated"}


def test_only_the_two_outermost_objects_have_their_text() -> None:
    found = read_type("object { object { object {} b; } a; }|object {}")
    assert isinstance(found, UnionType)
    outer, second = found.members
    assert isinstance(outer, ObjectType)
    assert isinstance(second, ObjectType)
    [field] = outer.members
    assert isinstance(field, FieldNode)
    assert isinstance(field.type, ObjectType)
    assert field.type.text == "object { object {} b; }"
    [inner] = field.type.members
    assert isinstance(inner, FieldNode)
    assert inner.type == ObjectType(())
    assert second.text == "object {}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a type, found the end of the file"),
        ("public", "expected a type, found `public`"),
        ("int int", "expected the end of the type, found `int`"),
        ("map<int", "expected `>`, found the end of the file"),
        ("isolated int", "expected `object` or `function`, found `int`"),
        ("- A", "expected a type, found `A`"),
        ("!A", "expected a type, found `!`"),
        ("[int; A]", "expected `]`, found `;`"),
        ("m:1", "expected a name, found `1`"),
        ("record { readonly int; }", "expected a name, found `;`"),
        ("record { readonly m:a; }", "expected a name, found `;`"),
        ('record { @a {"} int a; }', "expected `}`, found the end of the file"),
        ("record { @a { ( } ) } int a; }", "expected `)`, found `}`"),
        ("record { @a { ] int a; }", "expected `}`, found `]`"),
        ("a\u202eb", "expected the end of the type, found `\\u{202E}`"),
    ],
)
def test_a_text_that_is_no_type_is_unreadable(text: str, reason: str) -> None:
    with pytest.raises(ParseError) as raised:
        read_type(text)
    assert str(raised.value) == reason


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("map<", ">"),
        ("[", "]"),
        ("(", ")"),
        ("record { ", " a; }"),
        ("", "?"),
        ("object { function f(", " x); }"),
    ],
)
def test_types_nest_as_deep_as_the_limit_and_no_deeper(start: str, end: str) -> None:
    deepest = NESTING_LIMIT - 1
    read_type(start * deepest + "int" + end * deepest)
    with pytest.raises(ParseError, match="nested more than 60 levels"):
        read_type(start * (NESTING_LIMIT + 1) + "int" + end * (NESTING_LIMIT + 1))
