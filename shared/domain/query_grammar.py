r"""The language of `q`, as clients of Ballerina Central write it.

    query   = { term | "AND" }                       terms stand side by side or are joined by AND
    term    = [ field ":" ] ( phrase | group | word )
    field   = "org" | "name" | "package" | "keyword" | "module"                      in any case
    phrase  = '"' text '"'
    group   = "(" word { "OR" word } ")"             any of these
    word    = characters up to a space; after "keyword:" up to the next " AND " or the end

A word `org/name`, with a version or without, is a path. A word with `*` before its end is a
pattern. `\` takes the meaning from the character after it. What fits none of this is read as plain
words: no text is an error.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice

MAX_LENGTH = 500  # Characters that are read: a longer text is no search, and costs its reader.
MAX_TERMS = 16  # Terms that are read: each is one more list to intersect.
MAX_VALUES = 16  # Values of a group that are read.


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
    PATTERN = "pattern"  # The whole name or organization, `*` standing for anything.
    PATH = "path"  # The words of `org/name`, and that package first.


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; it holds when any of its values does."""

    values: tuple[str, ...]
    field: Field = Field.ANYWHERE
    match: Match = Match.WORDS


_FIELDS = {
    "": Field.ANYWHERE,
    "org": Field.ORG,
    "name": Field.NAME,
    "package": Field.NAME,
    "keyword": Field.KEYWORD,
    "module": Field.MODULE,
}

_TERM = re.compile(
    r"""
    AND (?= \s | $ )
  |
    (?: (?P<field> (?i: org | name | package | module | (?P<keyword> keyword ) ) ) : (?= \S ) )?
    (?: " (?P<phrase> (?: \\. | [^"\\] )* ) " (?= \s | $ )
      | \( (?P<group> (?: \\. | [^()\\] )* ) \) (?= \s | $ )
      | (?P<word> (?(keyword) (?: \\. | (?! \s AND (?: \s | $ ) ) . )+
                            | (?: \\. | \S )+ ) )
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_OR = re.compile(r"\s+OR\s+")
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_WILDCARD = re.compile(r"(?:\\.|[^*\\])*\*", re.DOTALL)  # From the start to a `*` that is one.
_PATH = re.compile(r"([A-Za-z0-9_]+/[A-Za-z0-9_.]+)(?::[0-9A-Za-z.*-]*)?", re.ASCII)
_LETTER = re.compile(r"[^\W_]")


def parse_terms(text: str) -> tuple[Term, ...]:
    """Return the terms of `text`, each once, the first `MAX_TERMS` of them."""
    return tuple(islice(dict.fromkeys(_terms(text[:MAX_LENGTH])), MAX_TERMS))


def _terms(text: str) -> Iterator[Term]:
    for found in _TERM.finditer(text):
        if found[0] != "AND":
            term = _term(found)
            if any(_LETTER.search(value) for value in term.values):
                yield term


def _term(found: re.Match[str]) -> Term:
    field = _FIELDS[(found["field"] or "").lower()]
    if found["phrase"] is not None:
        return Term((_plain(found["phrase"]),), field, _phrase_match(field))
    if found["group"] is not None:
        values = _OR.split(found["group"])[:MAX_VALUES]
        return Term(tuple(_plain(_unquoted(value)) for value in values), field, _word_match(field))
    return _word_term(field, found["word"])


def _word_term(field: Field, word: str) -> Term:
    if field is Field.ANYWHERE and (path := _PATH.fullmatch(word)):
        return Term((path[1],), field, Match.PATH)
    match = Match.PATTERN if _is_pattern(field, word) else _word_match(field)
    return Term((_plain(word),), field, match)


def _is_pattern(field: Field, word: str) -> bool:
    """Say whether `*` means something: at the end of a word it does not, words are beginnings."""
    if field in (Field.KEYWORD, Field.MODULE):
        return False
    return bool(_WILDCARD.match(word if field is Field.ORG else word.rstrip("*")))


def _word_match(field: Field) -> Match:
    return Match.WHOLE if field in (Field.ORG, Field.KEYWORD) else Match.WORDS


def _phrase_match(field: Field) -> Match:
    return Match.WHOLE if field in (Field.ORG, Field.KEYWORD) else Match.PHRASE


def _unquoted(raw: str) -> str:
    quoted = _QUOTED.fullmatch(raw.strip())
    return quoted[1] if quoted else raw


def _plain(raw: str) -> str:
    """Return the value without its escapes and the spaces around it."""
    return _ESCAPE.sub(r"\1", raw.strip()).strip()
