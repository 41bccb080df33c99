"""Trees of types."""

import json
from collections.abc import Iterable

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.api_docs.model import Type
from shared.domain.api_docs.type_parts import type_parts
from shared.domain.api_docs.types import DEPTH_LIMIT, EXPANSION_LIMIT
from tests.support.documented import documented, module_of, package_docs, said

NAMES = """
import ballerina/http;
import ballerina/data.csv.parsing as csv;
import ballerina/data;
import other/unknown;
import ballerina/http as 'map;
import acme/lang.'int as 'float;
import ballerina/lang.'int as ints;

public type Item record {| string name; |};
public type Worker object { };
public class Clerk { }
public client class Till { }
public class Listener { }
public type Broken distinct error;
public type Lost Broken|error;
public type Both Item|string;
public type Alias Item;
public type Fixed readonly & Item;
public type Wrapped (Item);
public enum Size { SMALL, LARGE }
public const ONE = "1";
const HIDDEN = "h";
public type Loop Loop2;
public type Loop2 Loop;
"""


def type_of(text: str, more: str = "") -> Type:
    """Return the tree of a parameter's type."""
    docs = documented(f"{NAMES}{more}\npublic function f({text} p) {{ }}")
    found = docs.functions[0].parameters[0].type
    assert found
    return found


def trees(texts: Iterable[str], more: str = "") -> dict[str, str]:
    """Return what the trees of some types say."""
    return {text: json.dumps(said(type_of(text, more))) for text in texts}


BUILT = (
    "int",
    "()",
    "readonly",
    "xml<int>",
    "int?",
    "int[]",
    "int[][]",
    "int[4]",
    "int|string",
    "int & string",
    "[int, string...]",
    "(int)",
    "map<int>",
    "*Item",
    "distinct error",
    "table<int>",
    "table<int> key(a, b)",
    "table<int> key<string>",
    "stream<int, string>",
    "stream",
    "future<int>",
    "future",
    "typedesc<int>",
    "typedesc",
    '"x"',
    "object { public int i; }",
    "record { int a; string b?; }",
    "record {| |}",
    "record {| int a; string...; |}",
    "isolated function (int, string name) returns int?",
    "function (int... all)",
    "function",
)
OWN = (
    "Item",
    "Worker",
    "Clerk",
    "Till",
    "Listener",
    "Broken",
    "Lost",
    "Both",
    "Alias",
    "Fixed",
    "Wrapped",
    "Size",
    "SMALL",
    "ONE",
    "Loop",
)
OF_OTHERS = (
    "http:Client",
    "csv:Options",  # Of the package with the longest name.
    "data:Options",
    "error:StackFrame",
    "ints:Signed32",
    "map:Client",  # A prefix may hide a predeclared one.
    "unknown:Thing",  # Of no locked version, so without a link.
    "float:Thing",  # The same, of a module that is named like one of the language.
)


@pytest.mark.parametrize("texts", [BUILT, OWN, OF_OTHERS], ids=["built", "own", "of others"])
def test_a_type_becomes_its_tree(texts: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    assert trees(texts) == snapshot


@pytest.mark.parametrize(
    ("source", "category"),
    [
        ("type X error & Y; type Y error;", "errors"),
        ("type X readonly & record { };", "records"),
        ("type X readonly & readonly;", "types"),
        ("type X (distinct Y); type Y object { };", "objectTypes"),
        ("type X Missing;", "types"),
        ("type X X|error;", "types"),
        ("listener class X { }", "listeners"),
    ],
)
def test_a_type_has_the_category_of_what_it_stands_for(source: str, category: str) -> None:
    assert type_of("X", f"public {source}").category == category


def test_a_type_in_parentheses_is_shown_in_them() -> None:
    assert "".join(part.text for part in type_parts(type_of("(int)"))) == "(int)"


def test_parts_of_a_module_may_be_quoted() -> None:
    found = type_of("t:Thing", "import other/big.'type.'int as t;")
    assert found.module_name == "big.type.int"


@pytest.mark.measured
@pytest.mark.slow
def test_a_module_name_of_any_length_is_looked_up_in_no_time() -> None:
    more = f"import ballerina/{'a.' * 100_000}b as long;"
    assert type_of("long:T", more).version is None


@pytest.mark.parametrize("text", ["missing:Thing", "Missing", "HIDDEN"])
def test_a_name_that_nothing_defines_is_only_a_name(text: str) -> None:
    found = type_of(text)
    assert not found.generate_user_defined_type_link
    assert "".join(part.text for part in type_parts(found)) == text


def test_a_type_of_another_module_of_the_package_has_its_version() -> None:
    docs = package_docs(
        module_of("import shop.parts;\npublic function f(parts:Part p) { }"),
        module_of("public type Part record {| |};", "shop.parts", exported=False),
    )
    found = docs.modules[0].functions[0].parameters[0].type
    assert found
    assert (found.module_name, found.version, found.category) == ("shop.parts", "1.2.0", "libs")


def test_a_return_type_may_be_an_argument(snapshot: SnapshotAssertion) -> None:
    types = ("t|error", "stream<t, error?>")  # In a stream, it is written as Central writes it.
    docs = documented(
        "".join(
            f"public function f(typedesc<anydata> t = <>) returns {each} = external;"
            for each in types
        )
    )
    found = (each.return_parameters[0].type for each in docs.functions)
    assert [said(each.member_types[0]) for each in found] == snapshot


# --- Types that are not public ------------------------------------------------------------------


RECORD = """
    # About it.
    #
    # + a - the first
    type Hidden record {| int a;
        # the second
        string b; *More; Item...; |};
    type More record {| int a; int c; |};
"""
OBJECT = """
    type Hidden client object {
        public int size;
        int secret;
        # Calls.
        remote isolated function call(int n) returns string;
        resource function get items/[string id](*Item i);
        public function plain(int... n);
        function secret();
    };
"""
ALIASES = ("string", "Item", "Missing", "int|string", "record {| |}?")
PRIVATE = (RECORD, OBJECT, 'enum Hidden { A, B = "b" }', *(f"type Hidden {x};" for x in ALIASES))


def test_a_private_type_is_expanded_where_it_is_used(snapshot: SnapshotAssertion) -> None:
    assert [trees(["Hidden"], each)["Hidden"] for each in PRIVATE] == snapshot


@pytest.mark.parametrize(
    "private",
    [
        "type Hidden record {| Hidden next; |};",
        "type Hidden Other[]; type Other Hidden?;",
        "type Hidden record {| *Other; Other a; |}; type Other record {| *Hidden; Hidden b; |};",
        "type Hidden Hidden;",
        "class Hidden { public Hidden? next; public function f() returns Hidden { } }",
        "type Hidden distinct (Hidden & readonly);",
    ],
)
def test_types_that_lead_back_to_themselves_end(private: str) -> None:
    assert "Hidden" in repr(type_of("Hidden", private))


def test_a_type_is_cut_at_a_depth_that_every_reader_can_parse() -> None:
    depth = 0
    found: Type | None = type_of("map<" * 55 + "int" + ">" * 55)
    while found and found.constraint:
        depth = depth + 1
        found = found.constraint
    assert depth == DEPTH_LIMIT
    assert found
    assert found.name == "…"


def test_expansions_do_not_multiply() -> None:
    layers = "".join(
        f"type H{i} record {{| {' '.join(f'H{i + 1} f{j};' for j in range(10))} |}};\n"
        for i in range(40)
    )
    found = type_of("H0", f"{layers}type H40 record {{| |}};")
    assert repr(found).count("inline_record") <= EXPANSION_LIMIT + 10
