"""Whether the values of one type belong to another one."""

import time
from itertools import product

import pytest

from shared.domain.api_docs.model import Type
from shared.domain.api_docs.type_relations import (
    MAX_DISTRIBUTED,
    NamedTypes,
    TypeRelation,
    relation,
    shape_of,
)
from tests.support.documented import documented, type_of

SAME = TypeRelation.SAME
WIDER = TypeRelation.WIDER
NARROWER = TypeRelation.NARROWER
DIFFERENT = TypeRelation.DIFFERENT
NO_NAMES = NamedTypes()


def type_relation(
    before: Type | None,
    after: Type | None,
    names: tuple[NamedTypes, NamedTypes] = (NO_NAMES, NO_NAMES),
) -> TypeRelation:
    """Compare two types of the same thing; None is the type of a function that returns nothing."""
    return relation(shape_of(before), shape_of(after), names)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("int", "int", SAME),
        ("int", "string", DIFFERENT),
        ("int", "int|string", WIDER),
        ("int|string|()", "int", NARROWER),
        ("int", "int?", WIDER),
        ("int?", "int|()", SAME),
        ("(int|string)[]", "(string|int)[]", SAME),
        ("int[]", "int[][]", DIFFERENT),
        ("int[5]", "int[]", WIDER),
        ("map<int>", "map<int?>", WIDER),
        ("map<int>", "table<map<int>>", DIFFERENT),
        ("[int, string]", "[int, string, string]", DIFFERENT),
        ("[int, string...]", "[int, string]", NARROWER),
        ("[int, string]", "(int|string)[]", WIDER),
        ("table<map<int>>", "table<map<int>> key<int>", NARROWER),
        ("table<map<int>> key(a)", "table<map<int>> key(b)", DIFFERENT),
        ("stream<int, error?>", "stream<int, error>", NARROWER),
        ("typedesc<anydata>", "typedesc<json>", NARROWER),
        ("byte", "int", WIDER),
        ("error", "any", DIFFERENT),
        ("map<int>", "json", WIDER),
        ("map<xml>", "json", DIFFERENT),
        ("map<xml>", "anydata", WIDER),
        ('"GET"|"PUT"', '"GET"', NARROWER),
        ("true", "boolean", WIDER),
        ("true", "string", DIFFERENT),
        ("Problem", "error", WIDER),
        ("Item", "Problem", DIFFERENT),
        ("error<map<int>>", "error<map<string>>", DIFFERENT),
        ("Problem & error<map<int>>", "Problem & error<map<string>>", DIFFERENT),
        ("distinct error<map<int>>", "error<map<int>>", WIDER),
        ("xml:Text", "xml", WIDER),
        ("int:Signed8", "int:Signed32", WIDER),
        ("int:Signed8", "int:Unsigned8", DIFFERENT),
        ("byte", "int:Unsigned8", SAME),
        ("string:Char", "anydata", WIDER),
        ("int:Signed32", "readonly", WIDER),
        ("typedesc<int>", "readonly", WIDER),
        ("map<int> & readonly", "readonly", WIDER),
        ("readonly & (map<int>|int[])", "(readonly & map<int>)|(readonly & int[])", SAME),
        ('readonly & "GET"', '"GET"', SAME),
        ("readonly & function (int)", "function (int)", SAME),
        ("readonly & [int[], string...]", "[int[], string...]", WIDER),
        ("readonly & int[5]", "readonly & int[]", WIDER),
        ("map<int> & map<int?> & readonly", "map<int> & map<int?>", WIDER),
        ("service object {}", "object {}", WIDER),
        ("isolated object {}", "service object {}", DIFFERENT),
        ("record {int a; string b;}", "record {string b; int a;}", SAME),
        ("record {int a;}", "record {int a?;}", WIDER),
        ("record {| int a; |}", "record {int a;}", WIDER),
        ("record {| int a; |}", "record {| int a; string b?; |}", WIDER),
        ("record {| int a; |}", "record {| int a; string b; |}", DIFFERENT),
        ("record {| int a; |}", "map<int>", WIDER),
        ("record {| int...; |}", "map<int>", SAME),
        ("record {| int a; |}", "json", WIDER),
        ("record {| xml a; |}", "json", DIFFERENT),
        ("function (int) returns int", "function (int|string) returns int", NARROWER),
        ("function (int) returns int", "function (int) returns int?", WIDER),
        ("function (int) returns int", "isolated function (int) returns int", NARROWER),
        ("function (int) returns int", "function (int, int) returns int", DIFFERENT),
        ("map<function (int) returns int>", "map<function>", WIDER),
    ],
)
def test_types_are_compared_by_their_values(
    before: str, after: str, expected: TypeRelation
) -> None:
    assert type_relation(type_of(before), type_of(after)) is expected


DECLARATIONS = """
    public type Small "a"|"b";
    public enum Letter { A1 = "a", B1 = "b" }
    public type Person record {| string name; int age = 0; |};
    public type Named record { string name; };
    public type Tree map<Tree>|int;
    public type Wood map<Wood>|int;
    public type General distinct error;
    public type Special distinct General;
    public type Detailed General & error<Person>;
    public type Shape distinct object {};
    public class Circle { *Shape; }
"""


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Small", "Letter", SAME),
        ('"a"', "Letter", WIDER),
        ("Person", "Named", WIDER),
        ("Person", "record {| string name; int age; |}", SAME),
        ("Person", "map<string|int>", WIDER),
        ("Tree", "Wood", SAME),
        ("Tree", "Wood|string", WIDER),
        ("Special", "General", WIDER),
        ("Special", "Detailed", DIFFERENT),
        ("Detailed", "error<Person>", WIDER),
        ("Circle", "Shape", WIDER),
        ("Shape", "object {}", WIDER),
        ("Circle", "error", DIFFERENT),
    ],
)
def test_a_type_under_another_name_is_compared_by_what_it_stands_for(
    before: str, after: str, expected: TypeRelation
) -> None:
    source = f"{DECLARATIONS} public {before} a; public {after} b;"
    module = documented(source)
    names = NamedTypes.of([module])
    old, new = module.variables

    assert type_relation(old.type, new.type, (names, names)) is expected


@pytest.mark.parametrize("link", ["map<%s>", "record {| %s a; |}", "%s[]", "function (%s a)", "%s"])
def test_a_long_chain_of_names_is_followed_in_bounds(link: str) -> None:
    places = product("AB", range(1_000))
    links = "".join(f"public type {one}{n} {link % f'{one}{n + 1}'};" for one, n in places)
    ends = "public type A1000 int; public type B1000 string; public A0 a; public B0 b;"
    module = documented(links + ends)
    names = NamedTypes.of([module])
    old, new = module.variables

    assert type_relation(old.type, new.type, (names, names)) is DIFFERENT


@pytest.mark.parametrize("word", ["record", "tuple", "array", "object", "signature", "&", ""])
@pytest.mark.parametrize("built", ["record {int a;}", "[int]", "int[]", "function (int)", "int"])
def test_types_of_a_document_without_their_parts_are_compared(word: str, built: str) -> None:
    broken = Type(name=word, is_intersection_type=word == "&")
    whole = type_of(built)

    assert type_relation(broken, broken) is SAME
    assert {type_relation(broken, whole), type_relation(whole, broken)}.isdisjoint({SAME})


def test_a_function_without_a_result_returns_nothing() -> None:
    assert type_relation(None, type_of("()")) is SAME
    assert type_relation(None, type_of("error?")) is WIDER


def test_an_intersection_of_unions_that_is_large_is_compared_as_a_whole() -> None:
    unions = ["|".join(f"map<{letter}{n}>" for n in range(9)) for letter in "AB"]
    both = type_of(f"({unions[0]}) & ({unions[1]})")
    one = type_of(unions[0])
    reverse = type_of(f"({unions[1]}) & ({unions[0]})")

    assert type_relation(both, one) is WIDER
    assert type_relation(both, reverse) is SAME


def test_an_intersection_is_compared_by_its_alternatives_up_to_a_bound() -> None:
    maps = [f"map<A{n}>" for n in range(MAX_DISTRIBUTED)]
    whole = type_of(f"readonly & ({'|'.join(maps)})")
    each = type_of("|".join(f"(readonly & {one})" for one in maps))

    assert type_relation(whole, each) is SAME


MANY = range(4_000)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([f'"{n}"' for n in MANY], ["string", *(f"map<A{n}>" for n in MANY)]),
        ([f'"{n}"' for n in MANY], [f"error<A{n}>" for n in MANY]),
        ([f"map<byte|A{n}>" for n in MANY], [f"map<int|A{n}>" for n in MANY]),
    ],
    ids=["literals", "errors", "maps"],
)
@pytest.mark.slow
def test_unions_of_thousands_are_compared_in_time(before: list[str], after: list[str]) -> None:
    old = type_of("|".join(before))
    new = type_of("|".join(after))
    began = time.thread_time()
    assert type_relation(old, new) is not SAME
    assert time.thread_time() - began < 5


@pytest.mark.slow
def test_types_that_contain_themselves_often_are_compared_in_time() -> None:
    def nested(innermost: str) -> str:
        text = innermost
        for _ in range(13):
            text = f"map<map<{text}>|[{text}]>"
        return text

    old = type_of(nested("byte"))
    new = type_of(nested("int"))
    began = time.thread_time()
    assert type_relation(old, new) is DIFFERENT
    assert time.thread_time() - began < 5


@pytest.mark.parametrize(("name", "expected"), [("SqlError", WIDER), ("Row", DIFFERENT)])
def test_a_type_of_another_package_is_an_error_by_its_name(
    name: str, expected: TypeRelation
) -> None:
    foreign = Type(org_name="ballerina", module_name="sql", name=name, category="libs")
    assert type_relation(foreign, type_of("error")) is expected
