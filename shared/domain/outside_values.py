"""Values of documents that strangers wrote, each within its bounds, and summaries of texts.

What is of another type or out of bounds is as if it were missing. Stored records are read with the
same types, since one of an earlier version may hold what was not bounded then.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field, GetPydanticSchema

MAX_SUMMARY_LENGTH = 300  # Characters: two lines of a search result.
_SEARCHED = 16 * 1024  # Characters of a text that are searched for prose.
_MOST_LINES = 100  # Non-empty lines of a text that are searched for prose.
_LONGEST_LINE = 1_000  # Characters of a line that is read: the rest would be cut off anyway.

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_FENCE = re.compile(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_UNDERLINED = re.compile(r"^(?=.*\S).*\n {0,3}(?:=+|-+)[ \t]*$", re.MULTILINE)
_NO_PROSE = re.compile(r" {0,3}(?:#|\||<|\[[^\]]*\]:|[-=*_]{3,}[ \t]*$)")
_IMAGE = re.compile(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])")
_MARKDOWN_LINK = re.compile(r"\[([^\[\]]*)\](?:\((?:[^()]|\([^()]*\))*+\)|\[[^\]]*\])")
# A reference to a footnote, or the first line of an alert.
_NOTE = re.compile(r"\[\^[^\]\s]+\]|\[!\w+\]")
_MARKER = re.compile(r"^\s*(?:>\s*|[-*+]\s+|\d{1,9}[.)]\s+)+")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_EMPHASIS = re.compile(r"(?<!\w)[*_]+(?=\S)|(?<=\S)[*_]+(?!\w)|`+|~~")
# A sentence goes on after an abbreviation, and where a small letter follows.
_END_OF_SENTENCE = re.compile(r"[.!?][)\"'\]]?(?= [^a-z]|\Z)")
_ABBREVIATIONS = frozenset(("e.g", "i.e", "vs", "cf", "approx", "no", "mr", "mrs", "dr", "st"))
_PARAGRAPHS = 5  # Paragraphs that are searched: a heading and examples may precede the first prose.
# What follows a line of prose and is no part of its sentence: a list, a fence, a table, a quote.
_BLOCK = re.compile(r"\s*(?:[-*+]\s|\d{1,9}[.)]\s|```|~~~|\||>|#)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def in_one_line(text: str) -> str:
    """Return `text` on one line, without control characters."""
    printable = text if text.isprintable() else _CONTROL.sub(" ", text)
    return " ".join(printable.split())


def fenced(text: str, language: str = "ballerina") -> str:
    """Return a text in a fence of Markdown that is longer than any in it."""
    fence = backticks(text, 3)
    return f"{fence}{language}\n{text}\n{fence}"


def backticks(text: str, least: int = 1) -> str:
    """Return more backticks than follow one another in a text."""
    longest = max(map(len, re.findall("`+", text))) if "`" in text else 0
    return "`" * max(least, 1 + longest)


def summary_of(description: str, markdown: str) -> str:
    """Return the description, or else the first line of prose in a Markdown text, on one line."""
    line = in_one_line(description) or _first_prose(markdown)
    return line if len(line) <= MAX_SUMMARY_LENGTH else _shortened(line)


def first_sentence(markdown: str) -> str:
    """Return the first sentence of a Markdown text on one line, without Markdown syntax."""
    text = markdown.lstrip("\n")[: _PARAGRAPHS * _LONGEST_LINE]
    if "```" in text or "~~~" in text:
        text = _FENCE.sub("", text)
    for paragraph in islice(re.split(r"\n[ \t]*\n", text), _PARAGRAPHS):
        if prose := " ".join(_lines_of_prose(paragraph[:_LONGEST_LINE])):
            return prose[: _end_of_sentence(prose)]
    return ""


def _lines_of_prose(paragraph: str) -> Iterator[str]:
    is_begun = False
    for line in paragraph.split("\n"):
        if is_begun and _BLOCK.match(line):
            return
        # A line that continues a paragraph may be indented.
        if prose := _without_syntax(line.lstrip()) if is_begun else _prose(line):
            is_begun = True
            yield prose


def _end_of_sentence(prose: str) -> int:
    for match in _END_OF_SENTENCE.finditer(prose):
        word = prose[: match.start()].rpartition(" ")[2].lstrip("(\"'[").lower()
        is_initial = len(word.rpartition(".")[2]) == 1 and word[-1].isalpha()
        if word not in _ABBREVIATIONS and not is_initial:
            return match.end()
    return len(prose)


def _first_prose(markdown: str) -> str:
    text = markdown[:_SEARCHED].replace("\r\n", "\n")
    for block in (_COMMENT, _FRONT_MATTER, _FENCE, _UNDERLINED):
        text = block.sub("", text)
    filled = islice((line for line in text.split("\n") if line.strip()), _MOST_LINES)
    lines = (_prose(line[:_LONGEST_LINE]) for line in filled)
    return next((line for line in lines if any(map(str.isalnum, line))), "")


def _prose(line: str) -> str:
    """Return a line without Markdown syntax, or an empty string when it is no prose."""
    if _NO_PROSE.match(line) or line.startswith(("    ", "\t")):
        return ""
    return _without_syntax(line)


def _without_syntax(line: str) -> str:
    line = _MARKDOWN_LINK.sub(r"\1", _IMAGE.sub("", _NOTE.sub("", line)))
    for sign in (_MARKER, _TAG, _EMPHASIS):
        line = sign.sub("", line)
    return in_one_line(line)


def _shortened(line: str) -> str:
    cut = line[: MAX_SUMMARY_LENGTH - 1]
    words, space, _ = cut.rpartition(" ")
    return f"{words if space else cut}…"


LATEST_MS = 253_402_300_799_999  # The end of the year 9999: no later time can be written.
MAX_NUMBER = 2**53 - 1  # Every reader of JSON keeps it, and every store.
MAX_LINE = 2_000  # Characters of a field that is one line.
MAX_LABEL = 200  # Characters of an entry of a list of lines, and of a name.
MAX_TEXT = 1024 * 1024  # Characters of a readme.
MAX_LIST = 100  # Entries of keywords, licences, authors and modules.

Item = Mapping[str, object]


def number(value: object, most: int = MAX_NUMBER) -> int:
    """Return a whole number from 0 to `most`; 0 for anything else."""
    return value if type(value) is int and 0 <= value <= most else 0


def text(value: object, most: int = MAX_TEXT) -> str:
    """Return the beginning of a text, with its lines; empty for anything else."""
    return value[:most].replace("\0", "") if isinstance(value, str) else ""


def line(value: object, most: int = MAX_LINE) -> str:
    """Return a text that is one line; empty for anything else, and for what is too long."""
    return in_one_line(value) if isinstance(value, str) and len(value) <= most else ""


def lines(item: Item, name: str) -> tuple[str, ...]:
    """Return the lines of the beginning of a list, without those that are empty or too long."""
    entries = _list(item, name)[:MAX_LIST]
    return tuple(each for entry in entries if (each := line(entry, MAX_LABEL)))


def items(item: Item, name: str, most: int = MAX_LIST) -> list[Item]:
    """Return the objects of a list; raise `ValueError` if it has too many entries."""
    found = _list(item, name)
    if len(found) > most:
        message = f"the list {name} has {len(found):,} entries"
        raise ValueError(message)
    return [cast(Item, each) for each in found if isinstance(each, dict)]


def _list(item: Item, name: str) -> list[object]:
    value = item.get(name)
    return cast("list[object]", value) if isinstance(value, list) else []


# A number that is 0 where it is out of bounds; reading it calls no Python.
_STORED_MS: Any = {
    "type": "default",
    "schema": {"type": "int", "ge": 0, "le": LATEST_MS},
    "default": 0,
    "on_error": "default",
}
StoredMs = Annotated[int, GetPydanticSchema(lambda _source, _handler: _STORED_MS)]
SignedMs = Annotated[int, Field(ge=0, le=LATEST_MS)]  # Refused where it is out of bounds.
SignedNumber = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
Number = Annotated[int, BeforeValidator(number)]
