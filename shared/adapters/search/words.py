"""Words: how names, texts and queries are divided, and the known words that a mistyped one is near
to.
"""

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract
from snowballstemmer.english_stemmer import (  # pyright: ignore[reportMissingTypeStubs]
    EnglishStemmer,
)

_WORD = re.compile(r"[^\W_]+")
MAX_STEMMED = 40  # Letters; longer words are digests and the like.

_STEMMED_ENDINGS = frozenset("cdegilmnrsty")  # Of the English suffixes; other words are stems.

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


AFTER_EVERY_LETTER = chr(0x10FFFF)


class WordMark(Enum):
    """A letter before a word of the index that says what the word stands for.

    The letters are of Unicode's private area: they are part of a word for SQLite, and of none that
    is typed.
    """

    FACET = "\ue000"  # Not a word: what a package is.
    NAME = "\ue001"  # A word of the name or of a tool's id, for phrases.
    STEM = "\ue002"  # The stem of a word that differs from its stem.
    NAME_BEGINNING = "\ue003"  # How words of names begin.
    BEGINNING = "\ue004"  # How words of other places begin.
    MODULES = "\ue005"
    ANYWHERE = ""


def mark_words(mark: WordMark, words: Iterable[str]) -> str:
    """Return the words in a row, each with the mark."""
    return " ".join(map(mark.value.__add__, words))


@lru_cache(maxsize=16_384)  # Packages share organizations, keywords and dependencies.
def facet_word(kind: str, value: str = "") -> str:
    """Return one marked word that stands for a whole value, whatever characters it holds."""
    digest = blake2b(value.strip().casefold().encode(), digest_size=8).hexdigest()
    return f"{WordMark.FACET.value}{kind}{digest if value else ''}"


def split_words(text: str) -> list[str]:
    """Return the words of `text` in order, without case and accents."""
    return _WORD.findall(_folded(text))


@lru_cache(maxsize=4_096)  # Each name is asked for several times when its package is indexed.
def name_words(name: str) -> tuple[str, ...]:
    """Return the words by which a name is found: of `EchoService` echo, service, echoservice."""
    parts = split_words(_HUMP.sub(" ", name))
    return tuple(dict.fromkeys((*parts, *split_words(name), joined_name(name))))


@lru_cache(maxsize=4_096)
def joined_name(name: str) -> str:
    """Return a name as one word, so that `azure functions` is `azure.functions`."""
    return "".join(split_words(name))


@lru_cache(maxsize=65_536)  # A word takes 35 microseconds, and most words are in many texts.
def stem(word: str) -> str:
    """Return the English stem of a folded word: of `logging` log, of `encryption` encrypt."""
    # A stemmer keeps the word that it works on, so each thread needs its own: they are cheap.
    if len(word) > MAX_STEMMED or word[-1:] not in _STEMMED_ENDINGS:
        return word
    stemmer: Any = EnglishStemmer()
    return stemmer.stemWord(word)


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))


MAX_NEAR = 8  # Known words that stand in for one; more of them are no longer what was meant.
MAX_SPELLED = 4  # Words of one search that are mended: each is a scan of the vocabulary.
MIN_LENGTH = 3  # Of two letters every other two are near.
LONG_WORD = 8  # From this length two mistakes are allowed, else one.


class Speller:
    """Finds what was perhaps meant, for one search."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._found: dict[str, list[str]] = {}

    def knows(self, word: str) -> bool:
        """Say whether a package has exactly this word."""
        found = self._connection.execute(
            "SELECT 1 FROM words WHERE length = ? AND word = ?", (len(word), word)
        )
        return found.fetchone() is not None

    def near(self, word: str) -> list[str]:
        """Return the known words that differ from `word` by a mistake or two, the nearest first.

        A mistake is a letter too many, too few, another, or two that changed places (optimal
        string alignment), which is how people mistype: kafak, gihub, postgersql.
        """
        if word not in self._found:
            within = len(word) >= MIN_LENGTH and len(self._found) < MAX_SPELLED
            self._found[word] = self._compared(word) if within else []
        return self._found[word]

    def _compared(self, word: str) -> list[str]:
        mistakes = 2 if len(word) >= LONG_WORD else 1
        known = dict(self._candidates(word, mistakes))
        found = extract(word, list(known), scorer=OSA.distance, score_cutoff=mistakes, limit=None)
        ranked = sorted(found, key=lambda each: (each[1], -known[each[0]], each[0]))
        return [each[0] for each in ranked if each[1]][:MAX_NEAR]

    def _candidates(self, word: str, mistakes: int) -> Iterator[tuple[str, int]]:
        """Yield words of about this length that begin with one of its first two letters, each with
        the number of its packages. People seldom mistype how a word begins, and comparing with the
        whole vocabulary of 100,000 packages would take 100 ms.
        """
        for length in range(len(word) - mistakes, len(word) + mistakes + 1):
            for first in {word[0], word[1]}:
                yield from self._connection.execute(
                    "SELECT word, packages FROM words WHERE length = ? AND word >= ? AND word < ?",
                    (length, first, chr(ord(first) + 1)),
                )
