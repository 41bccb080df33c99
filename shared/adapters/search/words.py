"""Words: how names, texts and queries are divided into them."""

import re
import unicodedata
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from snowballstemmer.english_stemmer import EnglishStemmer  # pyright: ignore[reportMissingTypeStubs]

_WORD = re.compile(r"[^\W_]+")
MAX_STEMMED = 40  # Letters; longer words are digests and the like.

# Last letters of the English suffixes; words with another last letter are stems already.
_STEMMED_ENDINGS = frozenset("cdegilmnrsty")

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


def facet_word(kind: str, value: str = "") -> str:
    """Return one marked word that stands for a whole value, whatever characters it holds."""
    digest = blake2b(value.strip().casefold().encode(), digest_size=8).hexdigest()
    return f"{WordMark.FACET.value}{kind}{digest if value else ''}"


def split_humps(name: str) -> list[str]:
    """Return the parts of a name in camel case: of `MongoTimeoutException` mongo, timeout,
    exception."""
    return split_words(_HUMP.sub(" ", name))


def split_words(text: str) -> list[str]:
    """Return the words of `text` in order, without case and accents."""
    return _WORD.findall(_folded(text))


@lru_cache(maxsize=4_096)  # Each name is asked for several times when its package is indexed.
def name_words(name: str) -> tuple[str, ...]:
    """Return the words by which a name is found: of `EchoService` echo, service, echoservice."""
    parts = split_words(_HUMP.sub(" ", name))
    return tuple(dict.fromkeys((*parts, *split_words(name), joined_name(name))))


def joined_name(name: str) -> str:
    """Return a name as one word, so that `azure functions` is `azure.functions`."""
    return "".join(split_words(name))


def stem(word: str) -> str:
    """Return the English stem of a folded word: of `logging` log, of `encryption` encrypt."""
    if len(word) > MAX_STEMMED or word[-1:] not in _STEMMED_ENDINGS:
        return word
    return _stem(word)


@lru_cache(maxsize=65_536)  # A word takes 35 microseconds, and most words are in many texts.
def _stem(word: str) -> str:
    # A stemmer keeps the word that it works on, so each thread needs its own: they are cheap.
    stemmer: Any = EnglishStemmer()
    return stemmer.stemWord(word)


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))
