"""Sources of Ballerina with random edits, and what is wrong with reading one.

Each case is a generated source, or one that was made to be slow, with random edits. Reading it must
raise nothing, report lines that it has, and what was read must be the same when it is printed and
read again.
"""

import random
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from shared.ballerina.declarations import read_source
from shared.ballerina.syntax import DocComment, ObjectType, Position, SourceFile
from tests.support.ballerina_sources import source
from tests.support.hostile_sources import HOSTILE_SOURCES
from tests.support.source_printing import signature, source_text

PRINTED_AGAIN = 20  # Declarations of a case.
WORDS = """public isolated final configurable client service listener resource remote distinct
    readonly function type class const enum annotation import object record table map stream error
    returns external key var = => ; , . : ? * | & ( ) [ ] { } {| |} < > ... @ ` ${ $ " ' # // \\ -
    1 () [] {} ` <> # + a"""
CHARACTERS = "\n\n\t \r\0\"`'\\#$@{}[]()<>|&?;,.:*=+-/é名\u200b\u2028\ud800"


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
        if _without_positions(again.declarations[0]) != _without_positions(declaration):
            return f"is read differently: {text}"
        if "\n" in signature(declaration):
            return f"a signature of several lines: {text}"
    return None


def _without_positions(value: object) -> object:
    """Return a value without what depends on the layout of its source."""
    if isinstance(value, Position):
        return Position("main.bal", 1)
    if isinstance(value, tuple):
        return tuple(_without_positions(each) for each in cast(tuple[object, ...], value))
    if isinstance(value, DocComment):  # A line of `#` ends a parameter, and one without does not.
        return value.text
    if not isinstance(value, Struct):
        return value
    fields = {name: _without_positions(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, ObjectType):
        fields["text"] = ""
    return replace(value, **fields)
