"""Words of this field: which mean the same, which say nothing, and which say little.

A synonym is worth less than the typed word itself. It leads from what people type to what authors
write: words that are forms of one another (`logging` and log) are left to the stems, beginnings
(`mongo`) to the prefixes, and two words for one (`key vault`) are joined without an entry. The
entries are the files of the folder `vocabulary`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from shared.adapters.search.words import joined_name, split_words, stem

VOCABULARY = Path(__file__).parent / "vocabulary"
# Languages other than English: what the words of questions mean.
LANGUAGES = (
    "german",
    "spanish",
    "french",
    "portuguese",
    "italian",
    "polish",
    "russian",
    "japanese",
    "chinese",
    "korean",
)
# Files that map names to words of packages. A name in several files means their words in this
# order.
FILES = (
    "words",
    "products",
    "libraries",
    "errors",
    "standards",
    "tasks",
    "needs",
    "names",
    *LANGUAGES,
)


class Synonyms(NamedTuple):
    """Names of one kind, all of which mean the same words of packages."""

    meant: tuple[str, ...]
    typed: tuple[str, ...]  # Each of one or more words.


@cache
def read_groups(name: str) -> tuple[Synonyms, ...]:
    """Return the groups of a file of the vocabulary, each a line `meant words <- name, name |
    source`."""
    lines = (VOCABULARY / f"{name}.txt").read_text("utf-8").splitlines()
    return tuple(_group(line) for line in lines if line and line[0] != "#")


def _group(line: str) -> Synonyms:
    meant, _, names = line.partition(" | ")[0].partition(" <- ")
    return Synonyms(tuple(meant.split()), tuple(each.strip() for each in names.split(",")))


def typed_words(name: str, meant: str = "") -> Iterator[str]:
    """Yield the names in a file of the vocabulary, folded; with `meant`, those that mean it."""
    for group in read_groups(name):
        if meant in ("", *group.meant):
            yield from (" ".join(split_words(each)) for each in group.typed)


# They ask for what is like the named product, and not for that one.
WORDS_FOR_OTHERS = frozenset(typed_words("fillers", "other"))
FILLERS = frozenset(typed_words("fillers"))
WEAK_STEMS = frozenset(map(stem, typed_words("weak")))

KEPT_LETTERS = 2  # The first letters of a word that stemming never changes.


def prepare_vocabulary() -> None:
    """Read the vocabulary; else one of the first searches does."""
    _names()
    _meant_words()
    _translations()
    _unspaced_names()


def all_groups() -> Iterator[Synonyms]:
    return chain.from_iterable(map(read_groups, FILES))


def synonyms_of(words: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield, for words in the order in which they were typed, where a synonym begins and ends
    among them, and a word that means the same. The words are stems.
    """
    for start, word in enumerate(words):
        meant_words, longest = _stems(word[:KEPT_LETTERS])
        for length in range(1, min(longest, len(words) - start) + 1):
            for meant in meant_words.get(tuple(words[start : start + length]), ()):
                yield start, start + length, meant


MIN_COMPOUND = 10  # Letters of the shortest German word that may be a compound of two words.
MIN_PART = 6  # Letters of a known part of a compound; shorter ones end other words by chance.


def translated(word: str) -> tuple[str, ...]:
    """Return the English words for a word of another language; none for other words.

    For a German compound, these are the words for its known end and for its known beginning:
    message and queue for `Nachrichtenwarteschlange`.
    """
    known = _translations().get(word)
    if known or len(word) < MIN_COMPOUND or not word.isascii():
        return known or ()
    german = _german_parts()
    end = next((german[word[at:]] for at in range(1, len(word)) if word[at:] in german), ())
    if not end:
        return ()
    lengths = range(len(word) - 1, MIN_PART - 1, -1)
    start = next((german[word[:length]] for length in lengths if word[:length] in german), ())
    return (*start, *end)


@cache
def _translations() -> Mapping[str, tuple[str, ...]]:
    """Return the English words by the words of other languages that are no English ones."""
    groups = [group for name in LANGUAGES for group in read_groups(name)]
    english = frozenset(each for group in groups for each in group.meant)
    names = ((joined_name(each), group.meant) for group in groups for each in group.typed)
    found = dict[str, tuple[str, ...]]()
    for name, meant in names:
        if name not in english:
            found.setdefault(name, meant)
    return found


@cache
def _german_parts() -> Mapping[str, tuple[str, ...]]:
    names = (joined_name(each) for group in read_groups("german") for each in group.typed)
    known = _translations()
    return {each: known[each] for each in names if len(each) >= MIN_PART and each in known}


def is_meant(word: str) -> bool:
    """Say whether the vocabulary knows a word as a name, or as what a name means."""
    form = stem(word)
    beginning = form[:KEPT_LETTERS]
    return (form,) in _stems(beginning)[0] or form in map(stem, _meant_words().get(beginning, ()))


@cache
def _meant_words() -> Mapping[str, frozenset[str]]:
    """Return what names mean, by the letters that the words begin with."""
    found = defaultdict[str, set[str]](set)
    for group in all_groups():
        for word in group.meant:
            found[word[:KEPT_LETTERS]].add(word)
    return {beginning: frozenset(words) for beginning, words in found.items()}


# Kana, Chinese characters, and the letters of Korean syllables, as words are folded.
_UNSPACED = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff]")
_SPACED = re.compile(r"[^\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff]+")


def split_unspaced(word: str) -> list[str]:
    """Return the words in a word of a language that is written without spaces.

    They are the longest names that the vocabulary knows, from the left, and what is written in
    other letters. Particles and unknown words are left out; a word without a known one stays whole.
    """
    if not _UNSPACED.search(word):
        return [word]
    names, longest = _unspaced_names()
    found = list[str]()
    place = 0
    while place < len(word):
        other = _SPACED.match(word, place)
        if other:
            found.append(other[0])
            place = other.end()
            continue
        lengths = range(min(longest, len(word) - place), 0, -1)
        length = next((n for n in lengths if word[place : place + n] in names), 0)
        if length:
            found.append(word[place : place + length])
        place += max(length, 1)
    return found or [word]


@cache
def _unspaced_names() -> tuple[frozenset[str], int]:
    """Return the names that are written without spaces, and the length of the longest."""
    typed = (joined_name(each) for group in all_groups() for each in group.typed)
    names = frozenset(each for each in typed if _UNSPACED.search(each))
    return names, max(map(len, names))


def others_like(word: str) -> tuple[str, ...]:
    """Return the words of packages of the same kind as the one that this stem names."""
    found = dict[str, None]()
    for group in read_groups("products"):
        if word in map(stem, group.meant):
            found |= dict.fromkeys(each for each in group.meant if stem(each) != word)
    return tuple(found)


@cache
def _stems(beginning: str) -> tuple[Mapping[tuple[str, ...], tuple[str, ...]], int]:
    """Return the words of the synonyms that begin with these letters, by their stems, and how many
    words the longest has. Stems of all would take 200 ms of the first search."""
    meant = dict[tuple[str, ...], tuple[str, ...]]()
    for words, synonyms in _names().get(beginning, ()):
        for typed in {words, _without_fillers(words)}:
            key = tuple(map(stem, typed))
            meant[key] = tuple(dict.fromkeys((*meant.get(key, ()), *synonyms)))
    return meant, max(map(len, meant), default=0)


@cache
def _names() -> Mapping[str, Sequence[tuple[tuple[str, ...], Sequence[str]]]]:
    """Return the words of all names and what they mean, by the letters that they begin with; a name
    may begin with a word that queries leave out."""
    found = defaultdict[str, list[tuple[tuple[str, ...], Sequence[str]]]](list)
    for group in all_groups():
        for words in map(tuple, map(split_words, group.typed)):
            firsts = words[0], _without_fillers(words)[0]
            for beginning in {first[:KEPT_LETTERS] for first in firsts}:
                found[beginning].append((words, group.meant))
    return found


def _without_fillers(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return a name as a query has it; in an identifier, as `not_in_channel`, every word stays."""
    kept = tuple(each for each in words if each not in FILLERS)
    return kept if len(kept) > 1 else words
