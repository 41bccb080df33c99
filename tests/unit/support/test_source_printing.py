import pytest
from hypothesis import given

from shared.ballerina.declarations import read_source
from shared.ballerina.syntax import Declaration, TypeNode
from tests.support.ballerina_types import read_type
from tests.support.source_printing import signature, source_text, type_text
from tests.unit.shared.ballerina.strategies import DECLARATIONS, TYPES, without_positions


@given(TYPES)
def test_a_printed_type_can_be_read_again(type_: TypeNode) -> None:
    # Comments are left out of a line; source texts of declarations have them.
    text = type_text(type_)
    assert type_text(read_type(text)) == text


@pytest.mark.measured
@given(DECLARATIONS)
def test_a_printed_declaration_can_be_read_again(declaration: Declaration) -> None:
    source = read_source("main.bal", source_text(declaration))
    assert source.unread == ()
    [again] = source.declarations
    assert without_positions(again) == declaration


@given(DECLARATIONS)
def test_a_signature_is_one_line(declaration: Declaration) -> None:
    assert "\n" not in signature(declaration)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "# Sends.\nisolated public  function s(string to,@a int n=3,*O o)returns @b error?{}",
            "public isolated function s(string to, int n = 3, *O o) returns error?",
        ),
        ("class C { resource function get users/[string id](int... n) {} }", "class C"),
        ("isolated client public class C {}", "public isolated client class C"),
        ("public enum E { A, B }", "public enum E"),
        (
            "public type R record {\n  # Doc\n  int a = 1;\n  B?...;\n};",
            "public type R record { int a = 1; B?...; }",
        ),
        ("configurable int port = ?;", "configurable int port = ?"),
        ("public const A = 1;", "public const A = 1"),
        ("const A = {\n    a: 1,\n    b: 2\n};", "const A = { a: 1, b: 2 }"),
        ("final var a = f();", "final var a = f()"),
        (
            "public annotation T a on type,source function;",
            "public annotation T a on type, source function",
        ),
    ],
)
def test_a_signature_is_written_as_people_write_it(text: str, expected: str) -> None:
    [declaration] = read_source("main.bal", text).declarations
    assert signature(declaration) == expected


@pytest.mark.parametrize(
    "text",
    [
        "public annotation record {| string text; |} code on source external",
        "type Cloneable readonly|xml|Cloneable[]|map<Cloneable>",
        "public type 'anydata ()|'anydata[]|table<map<'anydata>>",
        "type E distinct error<record {| int code; |}>",
        "type O readonly & object { *F; int a; function f() returns T?; }",
        "isolated function f(any func) returns function (T) returns boolean",
        "function f(object { function next() returns T?; } it = new E()) returns stream<T, C>",
        "function f() returns object { function a(); }|object { function b(); }",
        "function map(T[] arr, function (T) returns boolean func) returns T[]",
        "transactional function start(typedesc<T?> td = (typeof ())) returns td|error",
        "final (int|string)[] x = []",
        "final table<map<int>> key(a) y = table []",
        "final record {| int a; |} z = {a: 1}",
        "const map<string> M = {a: `${b}`}",
        "const byte[] B = base16 `aa bb`",
        # No valid source has all of these words; they are read wherever they are.
        "public distinct readonly isolated transactional client service configurable final class C",
    ],
)
def test_a_declaration_may_be_unusual(text: str) -> None:
    source = read_source("main.bal", f"{text}{' {}' if text.endswith('class C') else ';'}")
    assert source.unread == ()
    assert [signature(each) for each in source.declarations] == [text]


@pytest.mark.parametrize(
    "text",
    [
        "int",
        "map<int[]>?",
        "table<Row> key(a, b)",
        "table<Row> key<string>",
        "table<Row> key()",
        "stream<int, error?>",
        "[int, string...]",
        "[int...]",
        "[]",
        "record {}",
        "record {| int a; never...; |}",
        "isolated function (int, string... rest) returns (A & readonly)|error",
        "function",
        "client object { *B; public final int a; remote function f(); resource function get .(); }",
        "(distinct A & readonly)[2][]",
        '"x"|-1|true|null|()',
    ],
)
def test_a_type_is_written_as_people_write_it(text: str) -> None:
    assert type_text(read_type(text)) == text
