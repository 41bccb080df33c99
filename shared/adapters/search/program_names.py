"""Names that a query has from programs and their settings: addresses, hosts, files and classes.

`https://acme.documents.azure.com:443/` and `com.mysql.cj.jdbc.Driver` name a product, which the
file `addresses.txt` of the vocabulary knows by the end of a host and the beginning of a class. What
only belongs to the form is left out, as `https` and `com`; the file `forms.txt` has these words.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from msgspec import Struct

from shared.adapters.search.vocabulary import read_groups, synonyms_of
from shared.adapters.search.words import joined_name, split_words, stem

MIN_LABELS = 2  # Labels of the shortest name that is looked up.
# Labels of the longest name that is looked up; of a longer name, its end or its beginning.
MAX_LABELS = 8

_ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.:-]*)://)?"
    r"(?:[^@/\s]*@)?"
    r"(?P<host>[\w-]+(?:\.[\w-]+)*)\.?"
    r"(?::(?P<port>\d{1,5}))?"
    r"(?P<path>[/?#]\S*)?",
    re.IGNORECASE,
)
_CLASS = re.compile(r"[a-z]\w*(?:\.[a-z]\w*)+(?:\.[A-Z]\w*)*:?|[a-z]\w*(?:\.[A-Z]\w*)+:?")
_FILE = re.compile(r"\S*\.(?P<ending>[a-z][a-z0-9]{1,9})", re.IGNORECASE)
_NUMBER = re.compile(r"v?\d+")
_PART_OF_CLASS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CLASS_NAME = re.compile(r"[A-Z]\w*(?:[a-z0-9][A-Z]|[A-Z][a-z])\w*[:,.]?", re.ASCII)


class ProgramName(Struct, frozen=True):
    """What a typed name stands for."""

    # The words of the name, without words that only belong to its form.
    words: tuple[str, ...] = ()
    typed: str = ""  # The name as one word, if it is looked up as a whole.
    whole: tuple[str, ...] = ()  # The name and its ends, each as one word.
    meant: tuple[str, ...] = ()  # Words of packages that the vocabulary has for it.


def read_program_name(text: str) -> ProgramName | None:
    """Return what a word of a query stands for; None if it is a word as any other."""
    return _read_class(text) or _read_address(text) or _read_file(text)


def split_class_name(word: str) -> str:
    """Return the words of the name of a class, which ends as classes do, without those that many
    classes have: of `KafkaProducer` kafka; other words as they are."""
    text = word.rpartition(".")[2] if _CLASS.fullmatch(word) else word
    parts = split_words(_PART_OF_CLASS.sub(" ", text))
    if not _CLASS_NAME.fullmatch(text) or parts[-1] not in words_of_form("class"):
        return word
    said = [each for each in parts if each not in words_of_form("class")]
    return " ".join(said or parts)


def host_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Return a host and its ends, each as one word."""
    return tuple(map("".join, _ends_of_host(labels)))


def _ends_of_host(labels: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the ends of a host that are looked up, the longest first: the whole one, unless it has
    more than `MAX_LABELS`."""
    starts = range(max(0, len(labels) - MAX_LABELS), len(labels) - MIN_LABELS + 1)
    yield from (tuple(labels[start:]) for start in starts)


# --- the forms ------------------------------------------------------------------------------------


def _read_class(text: str) -> ProgramName | None:
    if not _CLASS.fullmatch(text):
        return None
    labels = text.rstrip(":").lower().split(".")
    for length in range(min(len(labels), MAX_LABELS), MIN_LABELS - 1, -1):
        meant = _addresses().get(tuple(labels[:length]))
        if meant:
            joined = "".join(labels)
            return ProgramName(typed=joined, whole=(joined,), meant=meant)
    if labels[0] not in words_of_form("domain") or len(labels) <= MIN_LABELS:
        return None
    kept = [each for each in labels[1:-1] if each not in words_of_form("class")]
    words = " ".join((*kept, split_class_name(text)))
    return ProgramName(tuple(dict.fromkeys(split_words(words))))


def _read_address(text: str) -> ProgramName | None:
    found = _ADDRESS.fullmatch(text)
    if found is None or not (found["scheme"] or found["port"] or "." in found["host"]):
        return None
    host = found["host"].lower()
    labels = host.split(".")
    schemes = [
        each for each in split_words(found["scheme"] or "") if each not in words_of_form("scheme")
    ]
    # The path of a database, as in `jdbc:mysql://localhost/test`, is the choice of its owner.
    path = [] if schemes else _words_of_path(found["path"])
    if path and host in words_of_form("libraries"):
        return ProgramName(tuple(path))
    port = _words_of_port(found["port"])
    meant = _meant_by_host(labels)
    if meant:
        words = (*schemes[-1:], *port, *path)
        return ProgramName(words, joined_name(host), host_names(labels), meant)
    is_host = labels[-1] in words_of_form("domain") or bool(found["scheme"]) or bool(port)
    if not is_host or _is_name([word for label in labels for word in split_words(label)]):
        return None
    words = (*schemes[-1:], *_words_of_host(labels), *port, *path)
    return ProgramName(words, whole=host_names(labels)) if words else None


def _meant_by_host(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the words of packages for the longest end of a host that the vocabulary knows."""
    return next(filter(None, map(_addresses().get, _ends_of_host(labels))), ())


def _read_file(text: str) -> ProgramName | None:
    found = _FILE.fullmatch(text)
    ending = found["ending"].lower() if found else ""
    meant = _endings().get(ending, ())
    return ProgramName(typed=ending, meant=meant) if meant else None


def _words_of_host(labels: Sequence[str]) -> Iterator[str]:
    if all(each.isdecimal() for each in labels):
        return
    last = len(labels)
    while last > 1 and labels[last - 1] in words_of_form("domain"):
        last -= 1
    for label in labels[:last]:
        yield from (each for each in split_words(label) if each not in words_of_form("host"))


def _words_of_port(port: str | None) -> list[str]:
    """Return the words by which the vocabulary knows a port; none if it does not."""
    words = ["port", port or ""]
    return words if port and any(end == len(words) for _, end, _ in synonyms_of(words)) else []


def _words_of_path(path: str | None) -> list[str]:
    """Return the words of a path; numbers and versions are not about anything."""
    words = split_words(path or "")[:MAX_LABELS]
    return [each for each in words if each[2:] and not _NUMBER.fullmatch(each)]


def _is_name(words: Sequence[str]) -> bool:
    """Say whether the vocabulary knows the last words together, as `json.net`."""
    spans = synonyms_of(list(map(stem, words)))
    return any(end == len(words) and end - start > 1 for start, end, _ in spans)


# --- the vocabulary -------------------------------------------------------------------------------


@cache
def words_of_form(kind: str) -> frozenset[str]:
    """Return the words of a kind of the file `forms.txt`."""
    groups = read_groups("forms")
    return frozenset(each for group in groups if kind in group.meant for each in group.typed)


@cache
def _endings() -> Mapping[str, tuple[str, ...]]:
    """Return the words of packages by the endings of files."""
    groups = read_groups("endings")
    return {each: group.meant for group in groups for each in group.typed}


@cache
def _addresses() -> Mapping[tuple[str, ...], tuple[str, ...]]:
    """Return the words of packages by the labels of an address or of the name of a class."""
    found = dict[tuple[str, ...], tuple[str, ...]]()
    for group in read_groups("addresses"):
        for name in group.typed:
            key = tuple(name.lower().split("."))
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), *group.meant)))
    return found
