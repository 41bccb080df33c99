"""The rows of a package in the search index, and how they change; the tables; and what is stored of
a listing."""

import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from pydantic import TypeAdapter

from shared.adapters.search.indexed_words import ClientNeeds, IndexedWords
from shared.adapters.search.postings import Column, PostingChanges, id_bytes
from shared.adapters.search.ranking import dependents_boost, ranking_boosts
from shared.adapters.search.symbols import SYMBOL_TABLES, PackageSymbols, SymbolRows
from shared.adapters.sqlite.database import Migration
from shared.domain.listings import Listing, release_for_search
from shared.domain.packages import EVERYBODY, ModuleText, Texts
from shared.domain.search_facets import FacetValue, facet_values

SHORT_LISTING = 6 * 1024  # Bytes of JSON: its rows are written in a millisecond or two.
SHORT_SYMBOLS = 2 * 1024  # Characters: the same of its symbols.


def is_short_listing(connection: sqlite3.Connection, listing: Listing) -> bool:
    """Check whether the event loop may show the listing: what replaces what is short."""
    if len(listing.symbols) > SHORT_SYMBOLS or size_of(listing) > SHORT_LISTING:
        return False
    found = connection.execute(
        "SELECT listing, length(packed) FROM packages JOIN listings USING (id)"
        " LEFT JOIN symbols ON symbols.package = packages.id WHERE key = ?",
        (listing.head.package.key,),
    ).fetchone()
    if found is None:
        return True
    stored, symbols = found
    return not is_longer_than(stored, SHORT_LISTING) and (symbols or 0) <= SHORT_SYMBOLS


_NO_WORDS = IndexedWords()
_NO_SYMBOLS = PackageSymbols("", EVERYBODY)


class IndexRows:
    """The rows of packages.

    What many packages have in common is written once for all packages of a call. No statement says
    REPLACE: for it SQLite begins a savepoint, at which FTS5 writes all that it has collected.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._postings = PostingChanges()
        self._spellings: dict[FacetValue, int] = {}
        self._known = Counter[str]()  # How many more packages have each word.
        self._dependents = Counter[str]()  # How many more packages depend on each one.
        self._symbols = SymbolRows(connection)
        self._package_symbols = dict[int, PackageSymbols]()  # Of the packages of the call.
        self._ranked = set[str]()  # The keys of packages whose rank has changed.

    def offer(self, listings: Iterable[Listing]) -> int:
        """Show the best release of each package, which may be the one that is shown; return how
        many packages were not shown."""
        best: dict[str, Listing | None] = {}
        new_packages = 0
        for listing in listings:
            key = listing.head.package.key
            if key not in best:
                best[key] = self.listing(key)
                new_packages += best[key] is None
            best[key] = release_for_search(best[key], listing)
        self.show(each for each in best.values() if each is not None)
        return new_packages

    def listing(self, key: str) -> Listing | None:
        """Return the excerpt of a listing that is shown; None if the package is not."""
        found = self._shown(key)
        return found and replace(found[1], symbols=self._symbols.packed(found[0]))

    def show(self, listings: Iterable[Listing]) -> None:
        """Show each release, whatever is shown now."""
        for listing in listings:
            self._put(excerpt(listing))
        self._write_shared()

    def remove(self, keys: Iterable[str]) -> None:
        """Take the packages out."""
        for key in keys:
            found = self._shown(key)
            if found is not None:
                row, shown = found
                self._change_words(row, IndexedWords.of(shown), _NO_WORDS)
                self._change_symbols(row, _NO_SYMBOLS)
                self._symbols.remove(row)
                self._run("DELETE FROM listings WHERE id = ?", row)
                self._run("DELETE FROM packages WHERE id = ?", row)
        self._write_shared()

    def _put(self, shown: Listing) -> None:
        head = shown.head
        before = self._shown(head.package.key)
        words = IndexedWords.of(shown)
        row = self._put_package(before and before[0], shown)
        self._run(
            "INSERT INTO listings VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET listing = excluded.listing",
            row,
            write_listing(replace(shown, symbols="")),
        )
        self._change_words(row, IndexedWords.of(before[1]) if before else _NO_WORDS, words)
        self._postings.set_number(Column.PULLS, row, head.pulls)
        self._postings.set_number(Column.CREATED, row, shown.release.created_ms)
        self._postings.set_number(Column.ADDED, row, head.created_ms)
        self._change_symbols(row, PackageSymbols.of(shown))
        self._ranked.add(head.package.key)

    def _put_package(self, row: int | None, shown: Listing) -> int:
        needs = ClientNeeds.of(shown.release)
        self._run("INSERT OR IGNORE INTO profiles VALUES (?, ?)", needs.platform, needs.built_with)
        put = self._run(
            "INSERT INTO packages VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET boost = excluded.boost, traits = excluded.traits",
            row,
            shown.head.package.key,
            shown.head.name.lower(),
            sum(ranking_boosts(shown).values()),
            id_bytes(map(self._spelling, facet_values(shown))),
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

    def _shown(self, key: str) -> tuple[int, Listing] | None:
        found = self._run(
            "SELECT id, listing FROM packages JOIN listings USING (id) WHERE key = ?", key
        ).fetchone()
        return None if found is None else (found[0], read_listing(found[1]))

    def _spelling(self, trait: FacetValue) -> int:
        """Return the id of the spelling, which is stored now if it was not."""
        if trait not in self._spellings:
            self._spellings[trait] = self._stored_spelling(trait)
        return self._spellings[trait]

    def _stored_spelling(self, trait: FacetValue) -> int:
        key = (trait.facet.value, trait.value)
        self._run("INSERT OR IGNORE INTO spellings (facet, value) VALUES (?, ?)", *key)
        found = self._run("SELECT id FROM spellings WHERE facet = ? AND value = ?", *key)
        return found.fetchone()[0]

    # --- what packages share -------------------------------------------------------------------

    def _write_shared(self) -> None:
        """Write what packages have in common."""
        self._write_known()
        self._write_dependents()
        self._write_ranks()
        self._postings.write(self._connection)
        self._postings = PostingChanges()

    def _write_known(self) -> None:
        changes = [(len(word), word, more) for word, more in self._known.items() if more]
        self._run_many(
            "INSERT INTO words VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET packages = packages + excluded.packages",
            sorted(changes),
        )
        lost = [(length, word) for length, word, more in changes if more < 0]
        self._run_many("DELETE FROM words WHERE length = ? AND word = ? AND packages < 1", lost)
        self._known.clear()

    def _write_dependents(self) -> None:
        changes = {key: more for key, more in self._dependents.items() if more}
        self._run_many(
            "INSERT INTO dependents VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET packages = packages + excluded.packages",
            sorted(changes.items()),
        )
        lost = [(key,) for key, more in changes.items() if more < 0]
        self._run_many("DELETE FROM dependents WHERE key = ? AND packages < 1", lost)
        self._ranked.update(changes)
        self._dependents.clear()

    def _write_ranks(self) -> None:
        for key in self._ranked:
            found = self._run(
                "SELECT id, boost, (SELECT packages FROM dependents AS counted"
                " WHERE counted.key = shown.key) FROM packages AS shown WHERE key = ?",
                key,
            ).fetchone()
            if found is not None:
                row, boost, dependents = found
                lift = dependents_boost(dependents or 0)
                self._postings.set_number(Column.DEPENDENTS, row, lift)
                self._postings.set_number(Column.RANK, row, boost + lift)
                self._symbols.put(row, self._package_symbols.pop(row, None), boost + lift)
        self._ranked.clear()

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    def _run_many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._connection.executemany(statement, rows)


# --- what is stored of a listing ----------------------------------------------------------------

# The beginning says what a package is, the rest is examples. So many let 100,000 packages fit into
# the 200 MB that a base in the cloud may have.
README_CHARACTERS = 1_300
DEPENDENCY_BYTES = 64

_LISTING = TypeAdapter(Listing)
_COMPRESSION = 6  # Half of the size in 0.05 ms; 9 gains nothing.


def excerpt(listing: Listing) -> Listing:
    """Return the listing as it is stored: the beginning of its readme, no readmes of modules, and
    no events, which are not for every reader."""
    texts = Texts(
        readme=listing.texts.readme[:README_CHARACTERS],
        modules=tuple(
            ModuleText(name=each.name, summary=each.summary) for each in listing.texts.modules
        ),
    )
    head = listing.head.model_copy(update={"outbox": ()})
    release = listing.release.model_copy(update={"outbox": ()})
    return Listing(head, release, texts, listing.is_standard, listing.api, listing.symbols)


def size_of(listing: Listing) -> int:
    """Return about how many bytes of JSON the excerpt of a listing takes, and no more work."""
    release = listing.release
    texts = (*release.keywords, *release.modules, *release.tools, release.summary)
    parts = len(release.dependencies) * DEPENDENCY_BYTES + sum(map(len, texts))
    return parts + min(len(listing.texts.readme), README_CHARACTERS) + 1_024


def write_listing(listing: Listing) -> bytes:
    """Return the listing as compressed JSON: many rows on a page of the file instead of one."""
    packer = zlib.compressobj(_COMPRESSION, zdict=COMPRESSION_DICTIONARY)
    return packer.compress(_LISTING.dump_json(listing)) + packer.flush()


def read_listing(stored: bytes) -> Listing:
    """Return the listing that `write_listing` wrote."""
    return _LISTING.validate_json(
        zlib.decompressobj(zdict=COMPRESSION_DICTIONARY).decompress(stored)
    )


def is_longer_than(stored: bytes, limit: int) -> bool:
    """Check whether what `write_listing` wrote is more than `limit` bytes of JSON; no more of it is
    unpacked."""
    unpacking = zlib.decompressobj(zdict=COMPRESSION_DICTIONARY)
    unpacking.decompress(stored, limit)
    return bool(unpacking.unconsumed_tail)


# What nearly every stored listing says, so that the compressed one need not say it again.
#
# A row of a small package takes 100 bytes instead of 480, one with a readme 700 instead of 1,160.
# The text never changes: whoever changes it appends a migration that drops the rows. That it does
# not know a newer field costs a few bytes a row and nothing else.
#
# The later something stands here, the cheaper it is to refer to.
COMPRESSION_DICTIONARY = (
    b'{"schema_version":1,"name":"","summary":"","readme":""},'
    b'{"schema_version":1,"org":"ballerina","name":"http","version":"2.0.0"},'
    b'{"schema_version":1,"org":"ballerinai","name":"observe","version":"0"}'
    b'"provenance":{"schema_version":1,"provider":"github","publishers":[""],"repository":"",'
    b'"workflow":".github/workflows/","ref":"refs/heads/main","commit":"","run_url":"https://github.com/"}'
    b'"deprecation":"Use ","icon":"docs/icon.png","template":true,"graalvm":"Yes",'
    b'"graalvm":"No","compiler_plugin":true,"sbom":true,"visibility":"private","platform":"java17",'
    b'"platform":"java21","platform":"java11","source_repository":"https://github.com/ballerina-platform/'
    b'module-ballerinax-","licenses":["Apache-2.0"],"authors":["Ballerina"],"keywords":["Vendor/","Area/",'
    b'"Type/Connector","IT Operations/","Business Management/","client","service","cloud"],'
    b'"readme":"## Overview\\n\\nThis module provides APIs for connecting with the Ballerina '
    b"connector for the package. For more information, see \\n\\n```ballerina\\nimport "
    b"ballerina/http;\\n\\npublic "
    b"function main() returns error? {\\n    check new \\n}\\n```\\n\\n### Quickstart\\n\\n"
    b'{"head":{"schema_version":1,"org":"ballerinax","name":"","visibility":"public","created_ms":17'
    b'00000000000,"changed_ms":null,"deprecation":null,"pushers":"members","made_by":[],"pulls":0,'
    b'"revision":1,"outbox":[]},"release":{"schema_version":1,"org":"ballerinax","name":"","version":"1.0.0",'
    b'"digest":"","size_bytes":10000,"platform":"any","ballerina_version":"2201.12.0","bala_version":"3.0.0",'
    b'"language_spec_version":"2024R1","implementation_vendor":"WSO2","summary":"","licenses":[],"authors":[],'
    b'"keywords":[],"source_repository":"","icon":"","template":false,"graalvm":"Unknown","modules":[""],'
    b'"internal_modules":[],'
    b'"dependencies":[],"tools":[],"compiler_plugin":false,"sbom":false,"created_ms":1700000000000,'
    b'"changed_ms":null,"origin":{"schema_version":1,"principal":"","credential":"","provenance":null},'
    b'"state":"live","state_reason":"","awaits_owner":false,"deprecation":null,"revision":1,"outbox":[]},'
    b'"texts":{"schema_version":1,"readme":"","modules":[{"schema_version":1,"name":"","summary":"","readme":""}]}}'
)


# --- tables -------------------------------------------------------------------------------------

TABLES = (
    "packages",
    "listings",
    "postings",
    "columns",
    "texts",
    "words",
    "dependents",
    "profiles",
    "spellings",
    "symbols",
    "symbol_words",
    "symbol_names",
)
_FORMER_TABLES = ("traits", "settled")


# What finds and ranks packages.
_FINDING: Migration = (
    # The ids of the packages that have a word, by the weight of its best place, in blocks of
    # neighbouring ids. Words of readmes are in the full-text table only, which takes less
    # space. Marked words are lists of packages by what they are.
    """
    CREATE TABLE postings (
        word TEXT NOT NULL,
        weight INTEGER NOT NULL,
        block INTEGER NOT NULL,
        packages BLOB NOT NULL,
        PRIMARY KEY (word, weight, block)
    ) STRICT, WITHOUT ROWID
    """,
    # A number of each package, in the order of the ids, in blocks.
    """
    CREATE TABLE columns (
        name TEXT NOT NULL,
        block INTEGER NOT NULL,
        numbers BLOB NOT NULL,
        PRIMARY KEY (name, block)
    ) STRICT
    """,
    # Without the texts themselves, which listings holds already: a quarter of the size.
    """
    CREATE VIRTUAL TABLE texts USING fts5(
        words, content = '', tokenize = 'unicode61 remove_diacritics 2'
    )
    """,
    # The words that a typo is mended to. By length: only words of about its length are near.
    """
    CREATE TABLE words (
        length INTEGER NOT NULL,
        word TEXT NOT NULL,
        packages INTEGER NOT NULL,
        PRIMARY KEY (length, word)
    ) STRICT, WITHOUT ROWID
    """,
)

# What the packages are told apart and counted by.
_COUNTING: Migration = (
    # How many public packages depend on each one, shown or not.
    """
    CREATE TABLE dependents (
        key TEXT PRIMARY KEY,
        packages INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    # What a client must have to use a package. There are some dozens, and they are kept.
    """
    CREATE TABLE profiles (
        platform TEXT NOT NULL,
        built_with TEXT NOT NULL,
        PRIMARY KEY (platform, built_with)
    ) STRICT, WITHOUT ROWID
    """,
    # What the traits of packages stand for. Those that no package has any more are kept.
    """
    CREATE TABLE spellings (
        id INTEGER PRIMARY KEY,
        facet TEXT NOT NULL,
        value TEXT NOT NULL,
        UNIQUE (facet, value)
    ) STRICT
    """,
)

_CREATED: Migration = (
    # `boost` is the package's own part of its rank, the rest comes from its dependents.
    # `traits` are the ids of the spellings that the package is counted by.
    """
    CREATE TABLE packages (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        boost REAL NOT NULL,
        traits BLOB NOT NULL,
        UNIQUE (name, key)
    ) STRICT
    """,
    "CREATE TABLE listings (id INTEGER PRIMARY KEY, listing BLOB NOT NULL) STRICT",
    *_FINDING,
    *_COUNTING,
    *SYMBOL_TABLES,
)

# Whichever version the tables are of. Those of `next_` were filled beside those that were searched.
_DROPPED: Migration = tuple(
    f"DROP TABLE IF EXISTS {prefix}{table}"
    for prefix in ("", "next_")
    for table in (*TABLES, *_FORMER_TABLES)
)

# Everything is derived from records: a change of the tables, or of the words in them, is one more
# of these, and the index is filled again.
SEARCH_MIGRATIONS: tuple[Migration, ...] = ((*_DROPPED, *_CREATED),) * 9
