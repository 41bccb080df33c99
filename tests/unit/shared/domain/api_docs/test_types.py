"""Trees of types."""

import pytest

from shared.domain.api_docs.model import Type
from shared.domain.api_docs.type_parts import type_parts
from shared.domain.api_docs.types import DEPTH_LIMIT, EXPANSION_LIMIT
from tests.support.documented import documented, module_of, package_docs

DEFAULTS = Type().model_dump()

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


def said(of: Type) -> dict[str, object]:
    """Return what differs from the defaults, with members alike."""
    found: dict[str, object] = {}
    for name, value in of:
        if value != DEFAULTS[name]:
            members = isinstance(value, tuple) and all(isinstance(each, Type) for each in value)
            found[name] = (
                said(value)
                if isinstance(value, Type)
                else [said(each) for each in value]
                if members
                else value
            )
    return found


def tree(name: str = "", category: str = "", **more: object) -> dict[str, object]:
    named = {"name": name, "category": category}
    return {key: value for key, value in named.items() if value} | more


INT, STRING = tree("int", "builtin"), tree("string", "builtin")
FUNCTION: dict[str, object] = {"is_lambda": True, "is_isolated": False, "is_extern": False}


def array(dimensions: int, **more: object) -> dict[str, object]:
    return {"is_array_type": True, "array_dimensions": dimensions, "element_type": INT, **more}


def rest(of: dict[str, object]) -> dict[str, object]:
    return {"is_rest_param": True, "element_type": of}


def ours(name: str, category: str) -> dict[str, object]:
    place = {"org_name": "acme", "module_name": "shop", "version": "1.2.0"}
    return {**place, "name": name, "category": category}


def other(text: str, category: str = "other") -> dict[str, object]:
    return tree(text, category, generate_user_defined_type_link=False)


KEYS = tree("key", "key", member_types=[other("a"), other("b")])
KEY_TYPE = tree("key", "key", constraint=STRING)
FIELDS = [tree("a", element_type=INT), tree("b", element_type={**STRING, "is_optional": True})]
REST_FIELD = tree(element_type=rest(STRING))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int", INT),
        ("()", tree("()", "builtin")),
        ("readonly", tree("readonly", "builtin")),
        ("xml<int>", tree("xml", "builtin", type_parameters=[INT])),
        ("int?", {**INT, "is_nullable": True}),
        ("int[]", array(1)),
        ("int[][]", array(2)),
        ("int[4]", array(1, array_lengths=("4",))),
        ("int|string", tree(is_anonymous_union_type=True, member_types=[INT, STRING])),
        ("int & string", tree(is_intersection_type=True, member_types=[INT, STRING])),
        ("[int, string...]", tree(is_tuple=True, member_types=[INT, rest(STRING)])),
        ("(int)", tree(is_parenthesised_type=True, element_type=INT)),
        ("map<int>", tree("map", "map", constraint=INT)),
        ("*Item", ours("Item", "records") | {"is_inclusion": True}),
        ("distinct error", tree("error", "builtin", is_distinct=True)),
        ("table<int>", tree("table", "table", constraint=INT)),
        ("table<int> key(a, b)", tree("table", "table", constraint=INT, key_constraint=KEYS)),
        ("table<int> key<string>", tree("table", "table", constraint=INT, key_constraint=KEY_TYPE)),
        ("stream<int, string>", tree("stream", "stream", member_types=[INT, STRING])),
        ("stream", tree("stream", "builtin")),
        ("future<int>", tree(category="future", element_type=INT)),
        ("future", tree(category="future")),
        ("typedesc<int>", tree(is_type_desc=True, element_type=INT)),
        ("typedesc", tree(is_type_desc=True)),
        ('"x"', other('"x"')),
        ("object { public int i; }", other("object { public int i; }")),
        ("record { int a; string b?; }", tree(category="inline_record", member_types=FIELDS)),
        ("record {| |}", tree(category="inline_closed_record")),
        (
            "record {| int a; string...; |}",
            tree(category="inline_record", member_types=[FIELDS[0], REST_FIELD]),
        ),
        (
            "isolated function (int, string name) returns int?",
            {
                **FUNCTION,
                "is_isolated": True,
                "param_types": [INT, STRING],
                "param_names": ("", "name"),
                "return_type": {**INT, "is_nullable": True},
            },
        ),
        (
            "function (int... all)",
            {
                **FUNCTION,
                "param_types": [tree("all", "builtin", **rest(INT))],
                "param_names": ("all",),
            },
        ),
        ("function", {**FUNCTION, "name": "function", "param_types": []}),
    ],
)
def test_a_type_becomes_its_tree(text: str, expected: dict[str, object]) -> None:
    assert said(type_of(text)) == expected


@pytest.mark.parametrize(
    ("name", "category"),
    [
        *(
            ("Item", "records"),
            ("Worker", "objectTypes"),
            ("Clerk", "classes"),
            ("Till", "clients"),
        ),
        *(("Listener", "listeners"), ("Broken", "errors"), ("Lost", "errors"), ("Both", "types")),
        *(("Alias", "records"), ("Fixed", "records"), ("Wrapped", "records"), ("Size", "enums")),
        *(("SMALL", "constants"), ("ONE", "constants"), ("Loop", "types")),
    ],
)
def test_a_name_of_the_module_leads_to_its_list(name: str, category: str) -> None:
    assert said(type_of(name)) == ours(name, category)


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
    assert said(type_of("X", f"public {source}")) == ours("X", category)


@pytest.mark.parametrize(
    ("text", "module", "version"),
    [
        ("http:Client", "http", "2.12.1"),
        ("csv:Options", "data.csv.parsing", "0.4.0"),  # Of the package with the longest name.
        ("data:Options", "data", "3.0.0"),
        ("error:StackFrame", "lang.error", "0.0.0"),
        ("ints:Signed32", "lang.int", "0.0.0"),
        ("map:Client", "http", "2.12.1"),  # A prefix may hide a predeclared one.
    ],
)
def test_a_name_of_another_module_leads_to_its_locked_version(
    text: str, module: str, version: str
) -> None:
    place = {"org_name": "ballerina", "module_name": module, "version": version}
    assert said(type_of(text)) == place | tree(text.partition(":")[2], "libs")


def test_a_module_that_is_not_locked_has_no_version_and_no_link() -> None:
    place = {"org_name": "other", "module_name": "unknown"}
    assert said(type_of("unknown:Thing")) == place | other("Thing", "libs")
    place = {"org_name": "acme", "module_name": "lang.int"}  # Of another organization.
    assert said(type_of("float:Thing")) == place | other("Thing", "libs")


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
    assert said(found) == {**ours("Part", "libs"), "module_name": "shop.parts"}


def returned(signature: str) -> Type:
    docs = documented(f"{NAMES}public function f{signature} = external;")
    return docs.functions[0].return_parameters[0].type


def test_a_return_type_may_be_an_argument() -> None:
    found = returned("(typedesc<anydata> t = <>) returns t|error")
    assert said(found.member_types[0]) == other("t", "reference")


def test_an_argument_in_a_stream_is_written_as_central_writes_it() -> None:
    found = returned("(typedesc<anydata> t = <>) returns stream<t, error?>")
    place = {"org_name": "UNK_ORG", "module_name": "UNK_MOD", "version": "UNK_VER"}
    assert said(found.member_types[0]) == place | tree("t", "reference")


# --- Types that are not public ------------------------------------------------------------------


def test_a_private_record_is_expanded_where_it_is_used() -> None:
    private = """
        # About it.
        #
        # + a - the first
        type Hidden record {| int a;
            # the second
            string b; *More; Item...; |};
        type More record {| int a; int c; |};
    """
    assert said(type_of("Hidden", private)) == {
        "name": "Hidden",
        "description": "About it.",
        "category": "inline_record",
        "member_types": [
            {"name": "a", "description": "the first", "element_type": INT},
            {"name": "b", "description": "the second", "element_type": STRING},
            {"name": "c", "element_type": INT},
            {"element_type": {"is_rest_param": True, "element_type": ours("Item", "records")}},
        ],
    }


def test_a_private_object_is_expanded_with_its_methods() -> None:
    private = """
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
    found = type_of("Hidden", private)
    assert found.category is None
    assert [each.name for each in found.member_types] == ["size"]
    functions = found.function_types
    assert functions
    kinds = [(f.function_kind, f.name, f.accessor, f.resource_path) for f in functions]
    assert kinds == [
        ("REMOTE", "call", "", ""),
        ("RESOURCE", "", "get", "items/[string id]"),
        ("OTHER", "plain", "", ""),
    ]
    assert functions[0].is_isolated
    assert functions[0].description == "Calls."
    assert said(functions[0].param_types[0]) == {"name": "n", "element_type": INT}
    assert functions[0].return_type == Type(name="string", category="builtin")


def test_a_private_enum_is_expanded_to_its_values() -> None:
    found = said(type_of("Hidden", 'enum Hidden { A, B = "b" }'))
    members = [other("A"), other('"b"')]
    assert found == tree("Hidden", is_anonymous_union_type=True, member_types=members)


@pytest.mark.parametrize(
    ("private", "expected"),
    [
        ("type Hidden string;", {**STRING, "name": "Hidden", "definition": STRING}),
        ("type Hidden Item;", ours("Item", "records")),
        ("type Hidden Missing;", other("Missing", "reference")),
        (
            "type Hidden int|string;",
            tree("Hidden", is_anonymous_union_type=True, member_types=[INT, STRING]),
        ),
        (
            "type Hidden record {| |}?;",
            tree("Hidden", "inline_record", description="", is_nullable=True),
        ),
    ],
)
def test_a_private_alias_stands_for_what_it_means(
    private: str, expected: dict[str, object]
) -> None:
    assert said(type_of("Hidden", private)) == expected


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
    found: Type | None = type_of("map<" * 90 + "int" + ">" * 90)
    while found and found.constraint:
        depth, found = depth + 1, found.constraint
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
