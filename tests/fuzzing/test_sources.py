"""Fuzzing the reader of Ballerina sources with edited sources, for MINUTES.

Each case is a generated source, or one that was made to be slow, with random edits. Reading it must
raise nothing, report lines that it has, and what was
read must be the same when it is printed and read again. FUZZ_SEED tries a case again.
"""

import os
import random
import time
from itertools import count

import pytest

from shared.ballerina.declarations import read_source
from shared.ballerina.syntax import SourceFile
from tests.support.ballerina_sources import source
from tests.support.hostile_sources import HOSTILE_SOURCES
from tests.support.source_printing import signature, source_text
from tests.unit.shared.ballerina.strategies import without_positions

pytestmark = pytest.mark.nightly

MINUTES = float(os.environ.get("MINUTES", "10"))
PRINTED_AGAIN = 20  # Declarations of a case.
WORDS = """public isolated final configurable client service listener resource remote distinct
    readonly function type class const enum annotation import object record table map stream error
    returns external key var = => ; , . : ? * | & ( ) [ ] { } {| |} < > ... @ ` ${ $ " ' # // \\ -
    1 () [] {} ` <> # + a"""
CHARACTERS = "\n\n\t \r\0\"`'\\#$@{}[]()<>|&?;,.:*=+-/é名\u200b\u2028\ud800"


@pytest.mark.timeout(60 * MINUTES + 60)
def test_edited_sources_are_read_without_a_fault() -> None:
    end = time.monotonic() + 60 * MINUTES
    for seed in count(int(os.environ.get("FUZZ_SEED", time.time_ns()))):
        fault = fault_of(case(seed))
        assert fault is None, f"FUZZ_SEED={seed}: {fault}"
        if time.monotonic() > end or "FUZZ_SEED" in os.environ:
            break


def case(seed: int) -> str:
    """Return the source of a seed."""
    chosen = random.Random(seed)  # noqa: S311  # Not for secrets.
    size = chosen.choice((500, 2_000, 10_000))
    if chosen.random() < 0.8:
        text = source(size, chosen.randrange(1_000))
    else:
        text = chosen.choice(list(HOSTILE_SOURCES.values()))(size)
    for _ in range(chosen.choice((0, 1, 1, 2, 3, 10, 50))):
        text = _edited(text, chosen)
    return text[:20_000]


def _edited(text: str, chosen: random.Random) -> str:
    """Replace a part of a text, most often a short one."""
    start = chosen.randint(0, len(text))
    end = start + chosen.choice((0, 0, 1, 2, 10, 100))
    copied = chosen.randint(0, len(text))
    added = chosen.choice(
        (
            "",
            chosen.choice(CHARACTERS),
            f" {chosen.choice(WORDS.split())} ",
            text[copied : copied + chosen.choice((5, 50, 500))],
            chosen.choice(WORDS.split()) * chosen.choice((2, 20, 300)),
        )
    )
    return text[:start] + added + text[end:]


def fault_of(text: str) -> str | None:
    """Say what is wrong with reading a text; None if nothing is."""
    try:
        read = read_source("main.bal", text)
        return _wrong_lines(read, text) or _printed_differently(read)
    except Exception as error:
        return repr(error)


def _wrong_lines(read: SourceFile, text: str) -> str | None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    before = 0
    for each in read.unread:
        if not before <= each.first <= each.last <= lines:
            return f"{each} after line {before}, of {lines} lines"
        before = each.last
    if any(not 1 <= each.position.line <= lines for each in read.declarations):
        return "a declaration outside of its file"
    return None


def _printed_differently(read: SourceFile) -> str | None:
    for declaration in read.declarations[:PRINTED_AGAIN]:
        text = source_text(declaration)
        again = read_source("main.bal", text)
        if again.unread or len(again.declarations) != 1:
            return f"cannot be read again: {text}"
        if without_positions(again.declarations[0]) != without_positions(declaration):
            return f"is read differently: {text}"
        if "\n" in signature(declaration):
            return f"a signature of several lines: {text}"
    return None
