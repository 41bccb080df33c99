"""The rows of a package in the search index, and how they change; the tables; and what is stored of
a listing."""

import asyncio
import re
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from shared.adapters.search.indexed_words import IndexedWords
from shared.adapters.search.postings import (
    Column,
    Counted,
    PostingChanges,
    change_counts,
    count_of,
    id_bytes,
)
from shared.adapters.search.public_counts import PublicChanges, state_of
from shared.adapters.search.score_weights import dependents_boost, own_boost
from shared.adapters.search.symbols import PackageSymbols, SymbolRows
from shared.adapters.sqlite.database import Migration, read_migrations
from shared.domain.listings import FacetValue, Listing, facet_values, release_for_search
from shared.domain.mentions import mentions_of, merge_mentions
from shared.domain.packages import ModuleText, Texts
from shared.domain.visibility import EVERYBODY

SHORT_LISTING = 6 * 1024  # Bytes of JSON: its rows are written in a millisecond or two.
SHORT_SYMBOLS = 2 * 1024  # Characters: the same of its symbols.


def is_short_listing(connection: sqlite3.Connection, listing: Listing) -> bool:
    """Check whether the event loop may show the listing: what replaces what is short."""
    if len(listing.symbols) > SHORT_SYMBOLS or size_of(listing) > SHORT_LISTING:
        return False
    found = connection.execute(
        "SELECT listing, length(packed) FROM packages JOIN listings USING (id)"
        " LEFT JOIN symbols ON symbols.package = packages.id WHERE key = ?",
        (listing.head.key,),
    ).fetchone()
    if found is None:
        return True
    stored, symbols = found
    return not is_longer_than(stored, SHORT_LISTING) and (symbols or 0) <= SHORT_SYMBOLS


_NO_WORDS = IndexedWords()
_NO_SYMBOLS = PackageSymbols("", EVERYBODY)


_ShownListing = tuple[int, Listing]


class IndexRows:
    """The rows of packages. Listings are given as their excerpts.

    What many packages have in common is written once for all packages of a call. No statement says
    REPLACE: for it SQLite begins a savepoint, at which FTS5 writes all that it has collected.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._postings = PostingChanges()
        self._spellings: dict[FacetValue, int] = {}
        self._known = Counter[str]()  # How many more packages have each word.
        self._names = Counter[str]()  # How many more packages have a symbol of each name.
        self._dependents = Counter[str]()  # How many more packages depend on each one.
        self._public = PublicChanges(connection)
        self._symbols = SymbolRows(connection)
        # The symbols of the packages that this call changes.
        self._package_symbols = dict[int, PackageSymbols]()
        self._ranked = set[str]()  # The keys of packages whose rank has changed.

    def offer(self, offered: Listing) -> bool:
        """Show the best release of a package, which may be the one that is shown; return whether
        none was."""
        before = self._shown(offered.head.key)
        shown = before and self._with_symbols(*before)
        self._put(release_for_search(shown, offered), before)
        self._write_shared()
        return before is None

    def replace(self, listing: Listing) -> bool:
        """Show this release, whatever is shown now; return whether that changes anything."""
        before = self._shown(listing.head.key)
        if before and self._with_symbols(*before) == listing:
            return False
        self._put(listing, before)
        self._write_shared()
        return True

    def show(self, listings: Iterable[Listing]) -> None:
        """Show each release, whatever is shown now."""
        for listing in listings:
            self._put(listing, self._shown(listing.head.key))
        self._write_shared()

    def remove(self, keys: Iterable[str]) -> int:
        """Take the packages out; return how many were there."""
        count = 0
        for key in keys:
            found = self._shown(key)
            if found is not None:
                count += 1
                row, shown = found
                self._public.remove(shown)
                self._change_words(row, IndexedWords.of(shown), _NO_WORDS)
                self._change_symbols(row, _NO_SYMBOLS)
                self._symbols.remove(row)
                self._run("DELETE FROM listings WHERE id = ?", row)
                self._run("DELETE FROM packages WHERE id = ?", row)
        self._write_shared()
        return count

    def _put(self, shown: Listing, before: _ShownListing | None) -> None:
        head = shown.head
        words = IndexedWords.of(shown)
        row = self._put_package(before and before[0], shown)
        self._run(
            "INSERT INTO listings VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET listing = excluded.listing",
            row,
            write_listing(replace(shown, symbols="")),
        )
        self._change_words(row, IndexedWords.of(before[1]) if before else _NO_WORDS, words)
        if before:
            self._public.remove(before[1])
        self._public.add(shown)
        self._postings.set_number(Column.PULLS, row, head.pulls)
        self._postings.set_number(Column.CREATED, row, shown.release.created_ms)
        self._postings.set_number(Column.ADDED, row, head.created_ms)
        if before or shown.symbols:
            self._change_symbols(row, PackageSymbols.of(shown))
        self._ranked.add(head.key)

    def _put_package(self, row: int | None, shown: Listing) -> int:
        put = self._run(
            "INSERT INTO packages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
            " ON CONFLICT (id) DO UPDATE SET boost = excluded.boost, traits = excluded.traits,"
            " state = excluded.state, pulls = excluded.pulls, created = excluded.created,"
            " added = excluded.added",
            row,
            shown.head.key,
            shown.head.name.lower(),
            own_boost(shown),
            id_bytes(map(self._spelling, facet_values(shown))),
            state_of(shown),
            float(shown.head.pulls),
            float(shown.release.created_ms),
            float(shown.head.created_ms),
        )
        return row or put.lastrowid or 0

    def _change_words(self, row: int, old: IndexedWords, new: IndexedWords) -> None:
        """Change the lists, texts and counts by the words of a package."""
        self._postings.remove(row, old.postings - new.postings)
        self._postings.add(row, new.postings - old.postings)
        if old.texts != new.texts:
            self._change_texts(row, old.texts, new.texts)
        self._known.update(new.known - old.known)
        self._known.subtract(old.known - new.known)
        self._names.update(new.symbols - old.symbols)
        self._names.subtract(old.symbols - new.symbols)
        self._dependents.update(new.dependencies - old.dependencies)
        self._dependents.subtract(old.dependencies - new.dependencies)

    def _change_symbols(self, row: int, symbols: PackageSymbols) -> None:
        """Change the words by which a package is found because of its symbols."""
        before = self._package_symbols.get(row) or self._symbols.of_package(row)
        if before != symbols:
            words = map(IndexedWords.of_symbols, (before, symbols))
            self._change_words(row, *words)
        self._package_symbols[row] = symbols

    def _change_texts(self, row: int, old: str, new: str) -> None:
        if old:
            self._run("INSERT INTO texts (texts, rowid, words) VALUES ('delete', ?, ?)", row, old)
        if new:
            self._run("INSERT INTO texts (rowid, words) VALUES (?, ?)", row, new)

    def _shown(self, key: str) -> _ShownListing | None:
        """Return the id of a package and its listing without symbols."""
        found = self._run(
            "SELECT id, listing FROM packages JOIN listings USING (id) WHERE key = ?", key
        ).fetchone()
        return None if found is None else (found[0], read_listing(found[1]))

    def _with_symbols(self, row: int, listing: Listing) -> Listing:
        return replace(listing, symbols=self._symbols.packed(row))

    def _spelling(self, trait: FacetValue) -> int:
        """Return the id of the spelling, which is stored now if it was not."""
        if trait not in self._spellings:
            self._spellings[trait] = self._stored_spelling(trait.facet.value, trait.value)
        return self._spellings[trait]

    def _stored_spelling(self, *spelling: str) -> int:
        self._run("INSERT OR IGNORE INTO spellings (facet, value) VALUES (?, ?)", *spelling)
        found = self._run("SELECT id FROM spellings WHERE facet = ? AND value = ?", *spelling)
        return found.fetchone()[0]

    # --- what packages share -------------------------------------------------------------------

    def _write_shared(self) -> None:
        """Write what packages have in common."""
        change_counts(self._connection, Counted.WORD, self._known)
        change_counts(self._connection, Counted.SYMBOL, self._names)
        change_counts(self._connection, Counted.DEPENDENCY, self._dependents)
        self._ranked.update(key for key, more in self._dependents.items() if more)
        self._known.clear()
        self._names.clear()
        self._dependents.clear()
        self._public.write()
        self._public = PublicChanges(self._connection)
        self._write_ranks()
        self._postings.write(self._connection)
        self._postings = PostingChanges()

    def _write_ranks(self) -> None:
        for key in self._ranked:
            found = self._run(
                "SELECT id, boost, EXISTS(SELECT 1 FROM symbols WHERE package = id) FROM packages"
                " WHERE key = ?",
                key,
            ).fetchone()
            if found is not None:
                row, boost, has_symbols = found
                lift = dependents_boost(count_of(self._connection, Counted.DEPENDENCY, key))
                self._postings.set_number(Column.DEPENDENTS, row, lift)
                self._postings.set_number(Column.RANK, row, boost + lift)
                self._run("UPDATE packages SET dependents = ? WHERE id = ?", lift, row)
                symbols = self._package_symbols.pop(row, None)
                if symbols or has_symbols:
                    self._symbols.put(row, symbols, boost + lift)
        self._ranked.clear()

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)


# --- what is stored of a listing ----------------------------------------------------------------

# The beginning says what a package is, the rest is examples. So many let 100,000 packages fit into
# the 200 MB that a base in the cloud may have.
README_CHARACTERS = 1_300
DEPENDENCY_BYTES = 64
SHORT_DOCUMENTS = 16 * 1024  # Characters: they are read in a millisecond or two.

_LISTING = TypeAdapter(Listing)
_COMPRESSION = 6  # Half of the size in 0.05 ms; 9 gains nothing.


def excerpt(listing: Listing) -> Listing:
    """Return the listing as it is stored: the beginning of its readme, no readmes of modules but
    what they mention, and no events, which are not for every reader. An excerpt is its own
    excerpt."""
    texts = Texts(
        readme=listing.texts.readme[:README_CHARACTERS],
        modules=tuple(
            ModuleText(name=each.name, summary=each.summary) for each in listing.texts.modules
        ),
    )
    head = listing.head.model_copy(update={"outbox": ()})
    release = listing.release.model_copy(update={"outbox": ()})
    mentions = merge_mentions((*listing.mentions, *mentions_of(_documents(listing))))
    return replace(listing, head=head, release=release, texts=texts, mentions=mentions)


async def excerpt_of(listing: Listing) -> Listing:
    """Return the excerpt; long documents, which take up to 100 ms, are read on a thread."""
    if sum(map(len, _documents(listing))) > SHORT_DOCUMENTS:
        return await asyncio.to_thread(excerpt, listing)
    return excerpt(listing)


def _documents(listing: Listing) -> list[str]:
    return [listing.texts.readme, *(each.readme for each in listing.texts.modules)]


def size_of(listing: Listing) -> int:
    """Return about how many bytes of JSON the excerpt of a listing takes, and no more work."""
    release = listing.release
    texts = (*release.keywords, *release.modules, *release.tools, release.summary)
    parts = len(release.dependencies) * DEPENDENCY_BYTES + sum(map(len, texts))
    parts += sum(map(len, listing.mentions))
    return parts + min(len(listing.texts.readme), README_CHARACTERS) + 1_024


def write_listing(listing: Listing) -> bytes:
    """Return the listing as compressed JSON: many rows on a page of the file instead of one."""
    packer = zlib.compressobj(_COMPRESSION, zdict=COMPRESSION_DICTIONARY)
    return packer.compress(_LISTING.dump_json(listing)) + packer.flush()


def read_listing(stored: bytes) -> Listing:
    """Return the listing that `write_listing` wrote."""
    return parse_listing(unpack_listing(stored))


def unpack_listing(stored: bytes) -> bytes:
    """Return the JSON of a listing that `write_listing` wrote."""
    return zlib.decompressobj(zdict=COMPRESSION_DICTIONARY).decompress(stored)


def parse_listing(document: bytes) -> Listing:
    """Return the listing of a JSON that `unpack_listing` returned."""
    return _LISTING.validate_json(document)


def is_longer_than(stored: bytes, limit: int) -> bool:
    """Check whether what `write_listing` wrote is more than `limit` bytes of JSON; no more of it is
    unpacked."""
    unpacking = zlib.decompressobj(zdict=COMPRESSION_DICTIONARY)
    unpacking.decompress(stored, limit)
    return bool(unpacking.unconsumed_tail)


# Text that nearly every stored listing has, so that the compressed listing can refer to it: the row
# of a small package takes 100 bytes instead of 480, and one with a readme 700 instead of 1,160.
# Later text is cheaper to refer to. Raise `SCHEMA` with each change of it.
COMPRESSION_DICTIONARY = (Path(__file__).parent / "common_listing.txt").read_bytes()


# --- tables -------------------------------------------------------------------------------------

SCHEMA = 13  # The version of what the index contains; it is filled again for another version.

[_CREATED] = read_migrations(Path(__file__).parent / "schema.sql")
_TABLES = re.findall(r"CREATE (?:VIRTUAL )?TABLE (\w+)", " ".join(_CREATED))
_FORMER_TABLES = (
    "traits",
    "settled",
    "profiles",
    "words",
    "dependents",
    "symbol_names",
    "keyword_organizations",
)
# Tables with the prefix `next_` were filled while the other tables were searched.
_DROPPED = tuple(
    f"DROP TABLE IF EXISTS {prefix}{table}"
    for prefix in ("", "next_")
    for table in (*_TABLES, *_FORMER_TABLES)
)
SEARCH_MIGRATIONS: tuple[Migration, ...] = ((*_DROPPED, *_CREATED),) * SCHEMA
