"""Words: how texts, names and queries are taken apart, the same for what is stored and asked."""

import re
import unicodedata
from hashlib import blake2b

_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def words_of(text: str) -> list[str]:
    """Return the words of `text` in order, without case and accents."""
    return _WORD.findall(_folded(text))


def name_words(name: str) -> list[str]:
    """Return the words by which a name is found: of `EchoService` echo, service, echoservice."""
    parts = words_of(_HUMP.sub(" ", name))
    joined = [*words_of(name), squashed(name)]
    return list(dict.fromkeys((*parts, *joined)))


def squashed(name: str) -> str:
    """Return a name as one word, so that `azure functions` is `azure.functions`."""
    return "".join(words_of(name))


def facet(kind: str, value: str) -> str:
    """Return one word that stands for a whole value, whatever characters the value holds."""
    return f"{kind}{blake2b(value.strip().casefold().encode(), digest_size=8).hexdigest()}"


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each))
