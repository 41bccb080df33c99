"""No round of a possessive group fails behind a repetition, a look-around or alternatives.

Before 3.11.5, as on Debian 12, Python takes what such a round read before it failed as matched:
`(?:a|/(?!/))*+` matches all of `a//`. An atomic group, as in `(?>(?:a|/(?!/))*)`, does not.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.paths import ROOT

# Prints the patterns that modules of the product compile while they are imported.
PRINT_PATTERNS = """
import importlib, json, pkgutil, re, sys
import functions, shared

patterns = {}
compile_pattern = re._compiler.compile

def note_and_compile(pattern, flags=0):
    caller = sys._getframe(3).f_globals["__name__"]
    if isinstance(pattern, str) and caller.startswith(("functions.", "shared.")):
        patterns[pattern, int(flags)] = None
    return compile_pattern(pattern, flags)

re._compiler.compile = note_and_compile
for package in (functions, shared):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print(json.dumps(list(patterns)))
"""

Item = tuple[str, Any]  # The name of an operation and its operands, of Python's parsed patterns.

CHARACTERS = {"LITERAL", "NOT_LITERAL", "IN", "ANY"}
REPETITIONS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}


def parsed(pattern: str, flags: int = 0) -> Sequence[Item]:
    parse: Any = vars(re)["_parser"].parse
    return read(parse(pattern, flags))


def read(items: Any) -> Sequence[Item]:
    """Return the items that Python's parser made of a pattern."""
    return [(str(operation), operands) for operation, operands in items]


def alternatives(items: Sequence[Item]) -> Sequence[Sequence[Item]]:
    match items:
        case [("BRANCH", (_, branches))]:
            return [read(branch) for branch in branches]
        case _:
            return [items]


def is_safe(alternative: Sequence[Item]) -> bool:
    """Say whether no item of a round can fail behind one whose length varies."""
    is_repeating = False
    for index, (operation, operands) in enumerate(alternative):
        if operation in REPETITIONS and (operands[0] == 0 or index == 0):
            is_repeating = True
        elif operation not in CHARACTERS or is_repeating:
            return False
    return True


def rounds(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Find the rounds of possessive groups, each as an alternative, however deep."""
    for operation, operands in items:
        inner = [each for each in nested(operation, operands) if each]
        for group in inner:
            yield from rounds(group)
        if operation == "POSSESSIVE_REPEAT" and not is_character(inner[0]):
            yield from alternatives(inner[0])


def is_character(items: Sequence[Item]) -> bool:
    return len(items) == 1 and items[0][0] in CHARACTERS


def nested(operation: str, operands: Any) -> Iterator[Sequence[Item]]:
    match operation:
        case "BRANCH":
            yield from map(read, operands[1])
        case "SUBPATTERN":
            yield read(operands[3])
        case "ATOMIC_GROUP":
            yield read(operands)
        case "ASSERT" | "ASSERT_NOT":
            yield read(operands[1])
        case _ if operation in REPETITIONS:
            yield read(operands[2])
        case _:
            pass


def unsafe_rounds(pattern: str, flags: int = 0) -> list[Sequence[Item]]:
    return [each for each in rounds(parsed(pattern, flags)) if not is_safe(each)]


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:a|/(?!/))*+",
        r"(?:a|(?<!b)c)*+",
        r"(?:\n[ \t]*+#)*+",
        r"(?:a|b[cd]++)*+",
        r"(?:\s*+=\s*+(a|b))?+",
        r"(?>(?:x(?:a|b*+c)++)*)",
    ],
)
def test_a_round_that_fails_late_is_found(pattern: str) -> None:
    assert unsafe_rounds(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?:[^\"\\]++|\\.)*+",
        r"(?:a|bc|d\n*+)*+",
        r"(?>(?:a|/(?!/))*)",
        r"(?:a(?!b))*",
        r'(?:a++|"(?:b|\\.)*+"?)*+',
    ],
)
def test_other_groups_are_not(pattern: str) -> None:
    assert not unsafe_rounds(pattern)


def test_no_pattern_of_the_product_has_one() -> None:
    command = [sys.executable, "-c", PRINT_PATTERNS]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60).stdout
    patterns = json.loads(printed)
    assert any("*+" in pattern for pattern, _ in patterns)
    assert {
        pattern: bad for pattern, flags in patterns if (bad := unsafe_rounds(pattern, flags))
    } == {}
