"""Words: how names, texts and queries are taken apart, the same for what is stored and asked."""

import re
import unicodedata
from collections.abc import Iterable
from enum import Enum
from hashlib import blake2b

_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Mark(Enum):
    """A letter before each word that says where the word stands.

    The index holds words of names as `NAMEhttp`, and all words of a package as they are. So what
    is in a name is a list of its own, which is short however many readmes speak of it. The letters
    are of Unicode's private area: they are part of a word for SQLite, and of none that is typed.
    """

    FACET = "\ue000"  # Not a word: what a package is.
    NAME = "\ue001"
    ORGANIZATION = "\ue002"  # In the name or the organization, and so on: each holds those above.
    KEYWORDS = "\ue003"
    SUMMARY = "\ue004"
    MODULES = "\ue005"
    ANYWHERE = ""


def marked(mark: Mark, words: Iterable[str]) -> str:
    """Return the words in a row, each with the mark."""
    return " ".join(f"{mark.value}{word}" for word in words)


def facet(kind: str, value: str = "") -> str:
    """Return one marked word that stands for a whole value, whatever characters it holds."""
    digest = blake2b(value.strip().casefold().encode(), digest_size=8).hexdigest()
    return f"{Mark.FACET.value}{kind}{digest if value else ''}"


def words_of(text: str) -> list[str]:
    """Return the words of `text` in order, without case and accents."""
    return _WORD.findall(_folded(text))


def name_words(name: str) -> list[str]:
    """Return the words by which a name is found: of `EchoService` echo, service, echoservice."""
    parts = words_of(_HUMP.sub(" ", name))
    return list(dict.fromkeys((*parts, *words_of(name), squashed(name))))


def squashed(name: str) -> str:
    """Return a name as one word, so that `azure functions` is `azure.functions`."""
    return "".join(words_of(name))


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))
