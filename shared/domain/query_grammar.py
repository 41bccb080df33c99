r"""The language of `q`, as clients of Ballerina Central write it.

    query    = { term | "AND" }             terms stand beside each other, or are joined by AND
    term     = field ":" value | phrase | pattern | path | word
    field    = "org" | "name" | "package" | "keyword" | "module"      in any case
    value    = "(" text { "OR" text } ")" | phrase | text             for keyword, text runs to the
                                                                      next " AND " or the end
    phrase   = '"' text '"'
    pattern  = a word that holds "*"
    path     = org "/" name [ ":" version ]

`\` before a character takes its meaning away. What does not fit is a word: nothing is an error.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice

MAX_LENGTH = 500  # Characters that are read: a longer text is no search, and costs its reader.
MAX_TERMS = 16  # Terms that are read: each is one more list to intersect.
MAX_VALUES = 32  # Alternatives of one term that are read.


class Field(Enum):
    """Where a term is looked for."""

    ANYWHERE = ""
    ORG = "org"
    NAME = "name"
    KEYWORD = "keyword"
    MODULE = "module"


class Match(Enum):
    """How a term is compared, always without case."""

    WORDS = "words"  # Each word of the value begins a word of the text.
    PHRASE = "phrase"  # The words of the value, whole and in this order.
    WHOLE = "whole"  # The whole organization, or a whole keyword.
    PATTERN = "pattern"  # The whole name, `*` standing for anything.
    PATH = "path"  # `org/name`: words, and that package first.


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; it holds when any of its values does."""

    values: tuple[str, ...]
    field: Field = Field.ANYWHERE
    match: Match = Match.WORDS


_FIELDS = {**{each.value: each for each in Field if each.value}, "package": Field.NAME}
_WHOLE_FIELDS = {Field.ORG, Field.KEYWORD}

_GAP = re.compile(r"\s+|AND(?=\s|$)")
_FIELD = re.compile(rf"({'|'.join(_FIELDS)}):", re.IGNORECASE)
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"(?=\s|$)', re.DOTALL)
_GROUP = re.compile(r"\(((?:\\.|[^()\\])*)\)(?=\s|$)", re.DOTALL)
_RUN = re.compile(r"(?:\\.|\S)+", re.DOTALL)
_TO_NEXT_AND = re.compile(r"\S(?:\\.|(?!\sAND\s).)*", re.DOTALL)
_OR = re.compile(r"\s+OR\s+")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WILDCARD = re.compile(r"(?:\\.|[^*\\])*\*", re.DOTALL)
_PATH = re.compile(r"([A-Za-z0-9_]+/[A-Za-z0-9_.]+)(?::[0-9A-Za-z.*-]*)?", re.ASCII)
_LETTER = re.compile(r"[^\W_]")


def parse_terms(text: str) -> tuple[Term, ...]:
    """Return the terms of `text`, the first `MAX_TERMS` of them."""
    return tuple(islice(_terms(text[:MAX_LENGTH]), MAX_TERMS))


def _terms(text: str) -> Iterator[Term]:
    position = 0
    while position < len(text):
        if gap := _GAP.match(text, position):
            position = gap.end()
            continue
        term, position = _field_term(text, position) or _plain_term(text, position)
        if any(_LETTER.search(value) for value in term.values):
            yield term


def _field_term(text: str, position: int) -> tuple[Term, int] | None:
    """Return what `field:value` asks for and where it ends; None where there is no such thing."""
    named = _FIELD.match(text, position)
    if named is None:
        return None
    field, start = _FIELDS[named[1].lower()], named.end()
    if quoted := _QUOTED.match(text, start):
        return _in_field(field, [quoted[1]], Match.PHRASE), quoted.end()
    if group := _GROUP.match(text, start):
        return _in_field(field, _OR.split(group[1]), Match.WORDS), group.end()
    run = (_TO_NEXT_AND if field is Field.KEYWORD else _RUN).match(text, start)
    return (_in_field(field, [run[0]], _match_of(run[0])), run.end()) if run else None


def _in_field(field: Field, raw: Sequence[str], match: Match) -> Term:
    if field is Field.KEYWORD or (field in _WHOLE_FIELDS and match is not Match.PATTERN):
        match = Match.WHOLE
    return Term(tuple(_plain(value) for value in raw[:MAX_VALUES]), field, match)


def _plain_term(text: str, position: int) -> tuple[Term, int]:
    """Return the phrase, pattern, path or word that begins here, and where it ends."""
    if quoted := _QUOTED.match(text, position):
        return Term((_plain(quoted[1]),), match=Match.PHRASE), quoted.end()
    run = _RUN.match(text, position)
    if run is None:  # A lone backslash at the end.
        return Term(()), len(text)
    if path := _PATH.fullmatch(run[0]):
        return Term((path[1],), match=Match.PATH), run.end()
    return Term((_plain(run[0]),), match=_match_of(run[0])), run.end()


def _match_of(raw: str) -> Match:
    """Say whether the word is a pattern; one whose only `*` is at its end is a word's beginning."""
    return Match.PATTERN if _WILDCARD.match(raw.rstrip("*")) else Match.WORDS


def _plain(raw: str) -> str:
    """Return the value without its escapes, quotes and the spaces around it."""
    return _ESCAPE.sub(r"\1", raw).strip().strip('"').strip()
