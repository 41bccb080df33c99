"""Summaries of Markdown texts in one line, and fences of Markdown."""

import re
from collections.abc import Iterator
from itertools import islice

from shared.domain.text_lines import in_one_line

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
_MARKDOWN_LINK = re.compile(r"\[([^\[\]]*)\](?:\((?>(?:[^()]++|\([^()]*+\))*)\)|\[[^\]]*\])")
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
