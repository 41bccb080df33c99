"""Posting lists and columns: the packages that have a word, and a number of each package.

A posting list has the ids of the packages that have a word in places of one weight. A column has a
number of each package, such as its pulls, in the order of the ids. Both are stored as arrays of
machine numbers, so that a word of 30,000 packages is read in a millisecond, and in blocks of
neighbouring ids, so that a change of one package rewrites a few kilobytes for each of its words.

The scores of results are here as well, every weight with its reason.
"""

import re
import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum, IntEnum
from math import log10

from shared.adapters.search.words import AFTER_EVERY_LETTER, facet_word, split_words
from shared.domain.listings import Listing
from shared.domain.names import LanguageVersion

# Marked words: lists of packages by what they are.
EVERY_PACKAGE = facet_word("package")
PRIVATE = facet_word("private")  # Not public: internal ones are in both lists.
INTERNAL = facet_word("internal")
DEPRECATED = facet_word("deprecated")
NOT_STORED = facet_word("not-stored")  # Known of the upstream, and never pulled.
AUXILIARY = facet_word("auxiliary")
TOOL = facet_word("tool")
UNREADABLE = facet_word("unreadable")  # Built with a version that no client understands.

POSTINGS_BLOCK = 4_096  # Ids: 16 KB of each list at most.
COLUMN_BLOCK = 1_024  # Ids: 8 KB.
_ID_BYTES, _NUMBER_BYTES = 4, 8


class Column(Enum):
    """A number that is known of every package."""

    RANK = "rank"  # The part of its score that does not depend on the query.
    DEPENDENTS = "dependents"  # The part of its rank that comes from its dependents.
    PULLS = "pulls"
    CREATED = "created"  # Milliseconds.
    ADDED = "added"  # Milliseconds.


def ids_of(stored: bytes) -> "array[int]":
    """Return the ids of stored posting lists, one after the other."""
    ids = array("I")
    ids.frombytes(stored)
    return ids


def id_bytes(ids: Iterable[int]) -> bytes:
    return array("I", ids).tobytes()


class Postings:
    """Reads posting lists and columns of one snapshot of the index, each list and set once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._lists: dict[tuple[str, int], list[tuple[int, bytes]]] = {}
        self._sets: dict[tuple[str, ...], frozenset[int]] = {}

    def of_word(self, word: str, least_weight: int) -> Sequence[tuple[int, bytes]]:
        """Return weights, and the stored ids of the packages that have the word with each."""
        key = word, int(least_weight)  # SQLite takes long to bind a member of an enum.
        known = self._lists.get(key)
        if known is None:
            known = self._lists[key] = self.connection.execute(
                "SELECT weight, packages FROM postings WHERE word = ? AND weight >= ?", key
            ).fetchall()
        return known

    def of_longer_words(self, word: str, least_weight: int) -> Iterator[tuple[int, int, bytes]]:
        """Yield lengths and weights of words that begin with another word, and stored ids."""
        return self.connection.execute(
            "SELECT length(word), weight, packages FROM postings"
            " WHERE word > ? AND word < ? AND weight >= ?",
            (word, word + AFTER_EVERY_LETTER, int(least_weight)),
        )

    def packages(self, *words: str) -> frozenset[int]:
        """Return the ids of the packages that have any of the words."""
        known = self._sets.get(words)
        if known is None:
            lists = [ids for word in words for _, ids in self.of_word(word, 0)]
            known = self._sets[words] = frozenset(ids_of(b"".join(lists)))
        return known

    def column(self, column: Column) -> "array[float]":
        """Return a number for each id, and any number for an id that no package has."""
        numbers = array("d")
        for block, stored in self.connection.execute(
            "SELECT block, numbers FROM columns WHERE name = ? ORDER BY block", (column.value,)
        ):
            missing = block * COLUMN_BLOCK - len(numbers)
            numbers.frombytes(bytes(missing * _NUMBER_BYTES))
            numbers.frombytes(stored)
        return numbers


Posting = tuple[str, int]  # A word of a package, and the weight of its best place there.


class PostingChanges:
    """Changes of posting lists and columns, written once: many packages share their words. No
    package changes twice."""

    def __init__(self) -> None:
        # Packages by their block and posting, in the order of the table.
        self._added = defaultdict[tuple[int, str, int], list[int]](list)
        self._removed = defaultdict[tuple[int, str, int], list[int]](list)
        self._numbers = defaultdict[tuple[str, int], dict[int, float]](dict)

    def add(self, package: int, postings: Iterable[Posting]) -> None:
        """Add a package to lists in which it is not."""
        for posting in postings:
            self._added[(package // POSTINGS_BLOCK, *posting)].append(package)

    def remove(self, package: int, postings: Iterable[Posting]) -> None:
        """Remove a package from lists in which it is."""
        for posting in postings:
            self._removed[(package // POSTINGS_BLOCK, *posting)].append(package)

    def set_number(self, column: Column, package: int, number: float) -> None:
        block, place = divmod(package, COLUMN_BLOCK)
        self._numbers[column.value, block][place] = number

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the changes to the tables, each of whose pages is written once."""
        for (block, word, weight), packages in self._removed.items():
            _remove(connection, (word, weight, block), packages)
        connection.executemany(
            "INSERT INTO postings VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET packages = CAST(packages || excluded.packages AS BLOB)",
            (
                (word, weight, block, id_bytes(packages))
                for (block, word, weight), packages in sorted(self._added.items())
            ),
        )
        for place, numbers in self._numbers.items():
            _set_numbers(connection, place, numbers)


def _remove(
    connection: sqlite3.Connection, key: tuple[str, int, int], packages: Sequence[int]
) -> None:
    [stored] = connection.execute(
        "DELETE FROM postings WHERE word = ? AND weight = ? AND block = ? RETURNING packages", key
    ).fetchone()
    removed = set(packages)
    left = [package for package in ids_of(stored) if package not in removed]
    if left:
        row = (*key, id_bytes(left))
        connection.execute("INSERT INTO postings VALUES (?, ?, ?, ?)", row)


def _set_numbers(
    connection: sqlite3.Connection, place: tuple[str, int], changed: dict[int, float]
) -> None:
    found = connection.execute(
        "SELECT numbers FROM columns WHERE name = ? AND block = ?", place
    ).fetchone()
    stored = found[0] if found else bytes(COLUMN_BLOCK * _NUMBER_BYTES)
    numbers = array("d")
    numbers.frombytes(stored)
    for offset, number in changed.items():
        numbers[offset] = number
    if found and numbers.tobytes() == stored:
        return  # As when only pulls have been counted.
    connection.execute(
        "INSERT INTO columns VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET numbers = excluded.numbers",
        (*place, numbers.tobytes()),
    )


class Counted(Enum):
    """What the index counts public packages by."""

    WORD = "word"  # A typo is mended to one of these.
    DEPENDENCY = "dependency"  # The key of a package that others depend on.


def count_of(connection: sqlite3.Connection, counted: Counted, name: str) -> int:
    """Return how many public packages have this."""
    found = connection.execute(
        "SELECT packages FROM counts WHERE counted = ? AND length = ? AND name = ?",
        (counted.value, len(name), name),
    ).fetchone()
    return found[0] if found else 0


def change_counts(
    connection: sqlite3.Connection, counted: Counted, changes: Mapping[str, int]
) -> None:
    """Add to the numbers of packages that have each name."""
    rows = sorted((counted.value, len(name), name, more) for name, more in changes.items() if more)
    connection.executemany(
        "INSERT INTO counts VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET packages = packages + excluded.packages",
        rows,
    )
    connection.executemany(
        "DELETE FROM counts WHERE counted = ? AND length = ? AND name = ? AND packages < 1",
        [row[:3] for row in rows if row[3] < 0],
    )


# --- Scores -------------------------------------------------------------------------------------

# A score is the sum of these parts:
# - how completely the package matches: it has the typed name, or all of the words, or some of them;
# - the words: each counts by the best place in which it stands, and more the rarer it is;
# - boosts that do not depend on the query, which together are worth less than a better place;
# - deductions for packages that accompany others, and for deprecated ones, which come last unless
#   they have exactly the typed name.

PATH_SCORE = 60.0  # `org/name` is one package.
NAME_SCORE = 50.0  # The name or a tool's id, as it was typed.
JOINED_NAME_SCORE = 40.0  # The same without its signs: `azure functions` is azure.functions.
ALL_WORDS_SCORE = 20.0  # More than the words and the boosts of a package that has only some.
AUXILIARY_SCORE = -22.0  # More than all words: it comes after a package that has most of them.
DEPRECATED_SCORE = -100.0  # After every package that is not deprecated.
DEPRECATED_NAME_SCORE = -5.0  # With the typed name: after others of that name only.


class PlaceWeight(IntEnum):
    """The weight of a word by its place in a package. Stored with each word."""

    NAME = 100  # The whole name or tool id, without its signs.
    SEGMENT = 90  # `s3` in aws.s3.
    NAME_PART = 65  # `service` in echo_service or EchoService.
    ORGANIZATION = 55
    KEYWORD = 52  # The whole keyword.
    KEYWORD_PART = 42  # `databases` in "IT Operations/Databases".
    MODULE = 40
    SUMMARY = 38
    LEAD = 30  # The first paragraph of the readme.
    OFTEN_IN_SYMBOLS = 27  # What several symbols are about, by their names and doc comments.
    SYMBOL = 20
    README = 10  # Not stored: the full-text table knows.


WEIGHT_SCALE = 10  # A word in the best place adds ten to the score.
LAST_NAME_WEIGHT = PlaceWeight.ORGANIZATION + 1  # Of names and tool ids, also of their stems.

# What a match is worth that is not of the typed word itself.
JOINED_FACTOR = 0.97  # Two words as one: `key vault` is keyvault.
STEM_FACTOR = 0.9  # Another form of it: `logging` is log. Stems are stored with less weight too.
SYNONYM_FACTOR = 0.85
NEAR_FACTOR = 0.6  # What was perhaps meant.
PREFIX_FACTOR = 0.45
PREFIX_SHARE_FACTOR = 0.35

NAMED_FACTOR = 0.3  # Of the product that others are asked for.
WEAK_FACTOR = 0.4  # Of a word that says little of a package.

DEPENDENTS_WEIGHT = 1.2  # What others build on is most often what is meant.
DEPENDENTS_DECADES = 3.5  # 3,000 dependents are as many as count.
PULLS_WEIGHT = 0.8
PULLS_DECADES = 7  # Ten million pulls are as popular as it gets; ten times as many: 1/7.
STANDARD_WEIGHT = 0.5
BREVITY_WEIGHT = 0.4  # Divided by the words of the name: the shorter one is the more general.
RECENCY_WEIGHT = 0.2
LANGUAGE_WEIGHT = 0.2
MAX_RANK = 3.5  # More than all of these together.
# Those of listings from before they were a setting.
_FIRST_STANDARD_ORGANIZATIONS = frozenset({"ballerina", "ballerinax"})

# Parts of names of packages that accompany another one, or show how to use it. They come after it,
# unless such a part was typed as well.
AUXILIARY_PARTS = frozenset(
    "demo driver example examples sample samples template templates test tests trigger".split()  # noqa: SIM905 - short.
)
_SAMPLE_NAME = re.compile(r"_to_", re.IGNORECASE)  # `new_issue_to_email` shows an integration.

# Recency is a date's place in this span, not an age: a boost that does not change with the clock
# needs no upkeep, and orders packages in the same way. The same holds for language versions.
_SPAN_START_MS = datetime(2020, 1, 1, tzinfo=UTC).timestamp() * 1000
_SPAN_END_MS = datetime(2040, 1, 1, tzinfo=UTC).timestamp() * 1000
_LAST_UPDATE = 40  # Of Swan Lake, which has four updates a year.


def beginning_factor(typed: int, length: int) -> float:
    """Return the factor of a word of which so many letters were typed: the more the less is
    missing, as mongo is nearly mongodb."""
    return PREFIX_FACTOR + PREFIX_SHARE_FACTOR * typed / length


def own_boost(listing: Listing) -> float:
    """Return the part of the score that comes from the package itself."""
    parts = (
        PULLS_WEIGHT * _decades(listing.head.pulls, PULLS_DECADES),
        STANDARD_WEIGHT * _is_standard(listing),
        BREVITY_WEIGHT / max(len(split_words(listing.head.name)), 1),
        RECENCY_WEIGHT * _recency(listing.release.created_ms),
        LANGUAGE_WEIGHT * _language(listing.release.ballerina_version),
    )
    return round(sum(parts), 6)


def dependents_boost(dependents: int) -> float:
    """Return the part of the score that comes from the packages that depend on it."""
    return round(DEPENDENTS_WEIGHT * _decades(dependents, DEPENDENTS_DECADES), 6)


def is_auxiliary(listing: Listing) -> bool:
    """Say whether a package accompanies another one, or shows how to use it."""
    name = listing.head.name
    words = split_words(name)
    has_part = len(words) > 1 and not AUXILIARY_PARTS.isdisjoint(words)
    return has_part or listing.release.template or _SAMPLE_NAME.search(name) is not None


def _is_standard(listing: Listing) -> bool:
    if listing.is_standard is None:
        return listing.head.org.lower() in _FIRST_STANDARD_ORGANIZATIONS
    return listing.is_standard


def _decades(count: int, most: float) -> float:
    return min(log10(1 + max(count, 0)) / most, 1.0)


def _recency(created_ms: int) -> float:
    place = (created_ms - _SPAN_START_MS) / (_SPAN_END_MS - _SPAN_START_MS)
    return min(max(place, 0.0), 1.0)


def _language(ballerina_version: str) -> float:
    version = LanguageVersion.parse(ballerina_version)
    return min((1 + version.update) / _LAST_UPDATE, 1.0) if version else 0.0
