"""Posting lists and columns: the packages that have a word, and a number of each package.

A posting list has the ids of the packages that have a word in places of one weight. A column has a
number of each package, such as its pulls, in the order of the ids. Both are stored as arrays of
machine numbers, so that a word of 30,000 packages is read in a millisecond, and in blocks of
neighbouring ids, so that a change of one package rewrites a few kilobytes for each of its words.
"""

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum

import orjson

from shared.adapters.search.score_weights import LAST_NAME_WEIGHT
from shared.adapters.search.words import AFTER_EVERY_LETTER, facet_word

# Marked words: lists of packages by what they are.
EVERY_PACKAGE = facet_word("package")
# Packages that are not public; internal packages are in this list as well.
PRIVATE = facet_word("private")
INTERNAL = facet_word("internal")
DEPRECATED = facet_word("deprecated")
NOT_STORED = facet_word("not-stored")  # Known of the upstream, and never pulled.
AUXILIARY = facet_word("auxiliary")
TOOL = facet_word("tool")
UNREADABLE = facet_word("unreadable")  # Built with a version that no client understands.

POSTINGS_BLOCK = 4_096  # Ids: 16 KB of each list at most.
COLUMN_BLOCK = 1_024  # Ids: 8 KB.
_NUMBER_BYTES = 8
FEW_PACKAGES = 50  # Looking these up takes less time than reading a column of 20,000 packages.


class Column(Enum):
    """A number that is known of every package."""

    RANK = "rank"  # The part of its score that does not depend on the query.
    DEPENDENTS = "dependents"  # The part of its rank that comes from its dependents.
    PULLS = "pulls"
    CREATED = "created"  # Milliseconds.
    ADDED = "added"  # Milliseconds.


# The numbers in the table of packages.
_NUMBER = {each: each.value for each in Column} | {Column.RANK: "boost + dependents"}


def ids_of(stored: bytes) -> "array[int]":
    """Return the ids of stored posting lists, one after the other."""
    ids = array("I")
    ids.frombytes(stored)
    return ids


def id_bytes(ids: Iterable[int]) -> bytes:
    return array("I", ids).tobytes()


class Postings:
    """Reads posting lists and columns of one snapshot of the index, each list and set once.

    Several lists are read by one statement: after each one a thread waits for the interpreter.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._lists: dict[tuple[str, int], list[tuple[int, bytes]]] = {}
        self._longer: dict[tuple[str, int], list[tuple[int, int, bytes]]] = {}
        self._ids: dict[tuple[str, ...], array[int]] = {}

    def of_word(self, word: str, least_weight: int) -> Sequence[tuple[int, bytes]]:
        """Return weights, and the stored ids of the packages that have the word with each."""
        whole = self._lists.get((word, 0))
        if whole is not None:
            return [each for each in whole if each[0] >= least_weight] if least_weight else whole
        key = word, int(least_weight)
        if key not in self._lists:
            self.read([word], least_weight)
        return self._lists[key]

    def of_longer_words(self, word: str, least_weight: int) -> Sequence[tuple[int, int, bytes]]:
        """Return lengths and weights of words that begin with another word, and stored ids."""
        key = word, int(least_weight)
        if key not in self._longer:
            self.read_longer([word], least_weight)
        return self._longer[key]

    def read(self, words: Iterable[str], least_weight: int) -> None:
        """Read at once what `of_word` returns for each of these words."""
        least = int(least_weight)  # SQLite takes long to bind a member of an enum.
        wanted = {(word, least) for word in words} - self._lists.keys()
        self._lists |= {key: [] for key in wanted}
        statement = (
            "SELECT word, weight, packages FROM json_each(?)"
            " CROSS JOIN postings ON word = value AND weight >= ?"
        )
        texts = _json(word for word, _ in wanted)
        for word, *found in self.connection.execute(statement, (texts, least)).fetchall():
            self._lists[word, least].append(tuple(found))

    def read_longer(self, words: Iterable[str], least_weight: int) -> None:
        """Read at once what `of_longer_words` returns for each of these words."""
        least = int(least_weight)
        wanted = {(word, least) for word in words} - self._longer.keys()
        self._longer |= {key: [] for key in wanted}
        statement = (
            "SELECT value, length(word), weight, packages FROM json_each(?)"
            " CROSS JOIN postings ON word > value AND word < value || ? AND weight >= ?"
        )
        texts = _json(word for word, _ in wanted)
        values = texts, AFTER_EVERY_LETTER, least
        for word, *found in self.connection.execute(statement, values).fetchall():
            self._longer[word, least].append(tuple(found))

    def ids(self, *words: str) -> "array[int]":
        """Return the ids of the packages that have any of the words, as often as they have one. To
        find some of them among few packages takes less time than making a set of all."""
        known = self._ids.get(words)
        if known is None:
            lists = [ids for word in words for _, ids in self.of_word(word, 0)]
            known = self._ids[words] = ids_of(b"".join(lists))
        return known

    def packages(self, *words: str) -> frozenset[int]:
        """Return the ids of the packages that have any of the words."""
        return frozenset(self.ids(*words))

    def is_public_name(self, word: str) -> bool:
        """Say whether a package that everybody sees has the word in its name.

        How a query is read must not tell of private packages.
        """
        named = self.of_word(word, LAST_NAME_WEIGHT)
        ids = ids_of(b"".join(ids for _, ids in named))
        private = self.ids(PRIVATE)
        return len(ids) > len(private) or not set(ids).issubset(private)

    def numbers(self, column: Column, ids: Collection[int]) -> Iterable[tuple[int, float]]:
        """Return packages with their numbers; up to `FEW_PACKAGES` in the order of their keys."""
        if len(ids) > FEW_PACKAGES:
            return zip(ids, map(self._column(column).__getitem__, ids), strict=True)
        return self.connection.execute(
            f"SELECT id, {_NUMBER[column]} FROM packages"  # noqa: S608 - ours.
            " WHERE id IN (SELECT value FROM json_each(?)) ORDER BY key",
            (str([*ids]),),
        ).fetchall()

    def _column(self, column: Column) -> "array[float]":
        """Return a number for each id, and any number for an id that no package has."""
        numbers = array("d")
        for block, stored in self.connection.execute(
            "SELECT block, numbers FROM columns WHERE name = ? ORDER BY block", (column.value,)
        ):
            missing = block * COLUMN_BLOCK - len(numbers)
            numbers.frombytes(bytes(missing * _NUMBER_BYTES))
            numbers.frombytes(stored)
        return numbers


def _json(texts: Iterable[str]) -> str:
    """Return texts as one value of a statement."""
    return orjson.dumps([*texts]).decode()


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
        return  # This happens if only pulls have been counted, for example.
    connection.execute(
        "INSERT INTO columns VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET numbers = excluded.numbers",
        (*place, numbers.tobytes()),
    )


class Counted(Enum):
    """What the index counts public packages by."""

    WORD = "word"  # A typo is mended to one of these.
    SYMBOL = "symbol"  # A mistyped name of a symbol is mended to one of these.
    DEPENDENCY = "dependency"  # The key of a package that others depend on.
    STATE = "state"  # A `PublicPackageState`.
    ORGANIZATION = "organization"  # One that has stored packages.
    TOTAL = "total"  # Not packages but what stored packages have together.
    VALUE = "value"  # Not packages but values of a facet.


def counts_of(
    connection: sqlite3.Connection, counted: Counted, names: Iterable[str]
) -> Mapping[str, int]:
    """Return how many public packages have each of these, without those that none has."""
    statement = (
        "SELECT name, packages FROM json_each(?)"
        " CROSS JOIN counts ON counted = ? AND length = length(value) AND name = value"
    )
    return dict(connection.execute(statement, (_json(names), counted.value)).fetchall())


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
