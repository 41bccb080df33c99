"""Whether the values of one type belong to another one."""

import time

import pytest

from shared.domain.api_docs.type_relations import TypeRelation, type_relation
from tests.support.documented import type_of

SAME, WIDER = TypeRelation.SAME, TypeRelation.WIDER
NARROWER, DIFFERENT = TypeRelation.NARROWER, TypeRelation.DIFFERENT


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("int", "int", SAME),
        ("int", "string", DIFFERENT),
        ("int|string", "string|int", SAME),
        ("int", "int|string", WIDER),
        ("int|string|()", "int", NARROWER),
        ("int", "int?", WIDER),
        ("int?", "int|()", SAME),
        ("(int|string)[]", "(string|int)[]", SAME),
        ("int[]", "(int|string)[]", WIDER),
        ("int[]", "int[][]", DIFFERENT),
        ("int[5]", "int[]", DIFFERENT),
        ("map<int>", "map<int?>", WIDER),
        ("map<int>", "table<map<int>>", DIFFERENT),
        ("[int, string]", "[int, string]", SAME),
        ("[int, string]", "[int, string, string]", DIFFERENT),
        ("[int, string...]", "[int, string]", DIFFERENT),
        ("stream<int, error?>", "stream<int, error>", NARROWER),
        ("future<int>", "future<int|string>", WIDER),
        ("typedesc<anydata>", "typedesc<json>", NARROWER),
        ("byte", "int", WIDER),
        ("json", "anydata", WIDER),
        ("anydata", "any", WIDER),
        ("error", "any", DIFFERENT),
        ("map<int>", "json", WIDER),
        ("map<xml>", "json", DIFFERENT),
        ("map<xml>", "anydata", WIDER),
        ('"GET"', "string", WIDER),
        ('"GET"|"PUT"', '"GET"', NARROWER),
        ("1", "int", WIDER),
        ("true", "boolean", WIDER),
        ("true", "string", DIFFERENT),
        ("Problem", "error", WIDER),
        ("Item", "error", DIFFERENT),
        ("Item", "Problem", DIFFERENT),
        ("Item & readonly", "Item & readonly", SAME),
        ("error<map<int>>", "error<map<int>>", SAME),
        ("xml<xml:Text>", "xml", DIFFERENT),
        ("record {int a; string b;}", "record {string b; int a;}", SAME),
        ("record {int a;}", "record {int a?;}", DIFFERENT),
        ("record {int a;}", "record {int|string a;}", WIDER),
        ("function (int) returns int", "function (int) returns int", SAME),
        ("function (int) returns int", "function (int|string) returns int", DIFFERENT),
    ],
)
def test_types_are_compared_by_their_values(
    before: str, after: str, expected: TypeRelation
) -> None:
    assert type_relation(type_of(before), type_of(after)) is expected


def test_a_function_without_a_result_returns_nothing() -> None:
    assert type_relation(None, type_of("()")) is SAME
    assert type_relation(None, type_of("error?")) is WIDER


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
def test_unions_of_thousands_are_compared_in_time(before: list[str], after: list[str]) -> None:
    old, new = type_of("|".join(before)), type_of("|".join(after))
    began = time.thread_time()
    assert type_relation(old, new) is not SAME
    assert time.thread_time() - began < 5


def test_types_that_contain_themselves_often_are_compared_in_time() -> None:
    def nested(innermost: str) -> str:
        text = innermost
        for _ in range(13):
            text = f"map<map<{text}>|[{text}]>"
        return text

    old, new = type_of(nested("byte")), type_of(nested("int"))
    began = time.thread_time()
    assert type_relation(old, new) is DIFFERENT
    assert time.thread_time() - began < 5
