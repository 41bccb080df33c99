"""What the search index stores of a package, and how its rows change."""

import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from shared.adapters.search.places import (
    readme_text,
    weights_of_beginnings,
    weights_of_endings,
    weights_of_lead,
    weights_of_words,
    words_of_lead,
    words_of_symbols,
)
from shared.adapters.search.postings import (
    AUXILIARY,
    DEPRECATED,
    EVERY_PACKAGE,
    INTERNAL,
    NOT_STORED,
    PRIVATE,
    TOOL,
    Column,
    PostingChanges,
    id_bytes,
)
from shared.adapters.search.ranking import dependents_boost, is_auxiliary, ranking_boosts
from shared.adapters.search.schema import CURRENT_PREFIX, NEXT_PREFIX
from shared.adapters.search.symbols import PackageSymbols, SymbolRows
from shared.adapters.search.words import (
    WordMark,
    facet_word,
    mark_words,
    name_words,
    split_words,
    stem,
)
from shared.domain.api_docs.records import ApiSummary
from shared.domain.api_docs.symbols import unpack_symbols
from shared.domain.listings import Listing, release_for_search
from shared.domain.packages import EVERYBODY, ModuleText, Release, Texts, Visibility
from shared.domain.search_facets import FacetValue, facet_values
from shared.domain.versions import ClientProfile, LanguageVersion


def offer_listing(connection: sqlite3.Connection, listing: Listing) -> bool:
    """Show the release, unless a better one of its package is shown; say if none was."""
    # Of the two generations the first is the one that is shown.
    new_packages, *_ = [rows.offer([listing]) for rows in _generations(connection)]
    return new_packages > 0


def store_listing(connection: sqlite3.Connection, listing: Listing) -> None:
    """Show the release, whatever is shown now."""
    for rows in _generations(connection):
        rows.show([listing])
    _settle(connection, listing.head.package.key)


def remove_listing(connection: sqlite3.Connection, key: str) -> None:
    """Show the package no longer."""
    for rows in _generations(connection):
        rows.remove([key])
    _settle(connection, key)


def is_short(connection: sqlite3.Connection, listing: Listing) -> bool:
    """Check whether the event loop may show the listing: what replaces what is short."""
    if len(listing.symbols) > SHORT_SYMBOLS or _size_of(listing) > SHORT_LISTING:
        return False
    found = connection.execute(
        "SELECT listing, length(packed) FROM packages JOIN listings USING (id)"
        " LEFT JOIN symbols ON symbols.package = packages.id WHERE key = ?",
        (listing.head.package.key,),
    ).fetchone()
    if found is None:
        return True
    stored, symbols = found
    unpacking = zlib.decompressobj(zdict=COMPRESSION_DICTIONARY)
    unpacking.decompress(stored, SHORT_LISTING)
    return not unpacking.unconsumed_tail and (symbols or 0) <= SHORT_SYMBOLS


def is_rebuilding(connection: sqlite3.Connection) -> bool:
    """Say whether a next generation is being built."""
    found = connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE name = ?", (f"{NEXT_PREFIX}packages",)
    ).fetchone()
    return found is not None


def _generations(connection: sqlite3.Connection) -> Iterator["IndexRows"]:
    """Yield the rows to change: while the next ones are built, they change with the others."""
    yield IndexRows(connection, CURRENT_PREFIX)
    if is_rebuilding(connection):
        yield IndexRows(connection, NEXT_PREFIX)


def _settle(connection: sqlite3.Connection, key: str) -> None:
    if is_rebuilding(connection):
        connection.execute("INSERT OR IGNORE INTO settled VALUES (?)", (key,))


@dataclass(frozen=True, slots=True)
class IndexedWords:
    """The words by which a package is found, and those that it is counted by."""

    postings: frozenset[tuple[str, int]] = frozenset()
    texts: str = ""
    known: frozenset[str] = frozenset()  # Words that a typo is mended to.
    dependencies: frozenset[str] = frozenset()

    @classmethod
    def of(cls, listing: Listing) -> "IndexedWords":
        weights = weights_of_words(listing)
        lists = (
            *weights.items(),
            *weights_of_beginnings(weights).items(),
            *weights_of_endings(listing).items(),
            *weights_of_lead(listing.texts.readme[:README_CHARACTERS], weights).items(),
        )
        return cls(
            frozenset((*lists, *((word, 0) for word in _facets(listing)))),
            indexed_texts(listing),
            frozenset(listing_words(listing)),
            frozenset(public_dependencies(listing)),
        )

    @classmethod
    def of_symbols(cls, symbols: PackageSymbols) -> "IndexedWords":
        """Return the words of the symbols of a package, by which it is found as well."""
        weights = words_of_symbols(unpack_symbols(symbols.packed))
        known = frozenset(weights) if symbols.audience == EVERYBODY else frozenset[str]()
        stems = dict[str, int]()
        for word, weight in weights.items():
            stems[stem(word)] = max(weight, stems.get(stem(word), 0))
        return cls(frozenset(stems.items()), known=known)


_NO_WORDS = IndexedWords()
_NO_SYMBOLS = PackageSymbols("", EVERYBODY)


class IndexRows:
    """The rows of one generation; `@` in a statement stands for its prefix.

    What many packages have in common is written once for all packages of a call. No statement says
    REPLACE: for it SQLite begins a savepoint, at which FTS5 writes all that it has collected.
    """

    def __init__(self, connection: sqlite3.Connection, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix
        self._postings = PostingChanges()
        self._spellings: dict[FacetValue, int] = {}
        self._known = Counter[str]()  # How many more packages have each word.
        self._dependents = Counter[str]()  # How many more packages depend on each one.
        self._symbols = SymbolRows(connection, prefix)
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
                found = self._shown(key)
                best[key] = found and replace(found[1], symbols=self._symbols.packed(found[0]))
                new_packages += found is None
            best[key] = release_for_search(best[key], listing)
        self.show(each for each in best.values() if each is not None)
        return new_packages

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
                self._run("DELETE FROM @listings WHERE id = ?", row)
                self._run("DELETE FROM @packages WHERE id = ?", row)
        self._write_shared()

    def _put(self, shown: Listing) -> None:
        head = shown.head
        before = self._shown(head.package.key)
        words = IndexedWords.of(shown)
        row = self._put_package(before and before[0], shown)
        self._run(
            "INSERT INTO @listings VALUES (?, ?) "
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
        self._run("INSERT OR IGNORE INTO @profiles VALUES (?, ?)", needs.platform, needs.built_with)
        put = self._run(
            "INSERT INTO @packages VALUES (?, ?, ?, ?, ?) "
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
            self._run("INSERT INTO @texts (@texts, rowid, words) VALUES ('delete', ?, ?)", row, old)
        if new:
            self._run("INSERT INTO @texts (rowid, words) VALUES (?, ?)", row, new)

    def _shown(self, key: str) -> tuple[int, Listing] | None:
        found = self._run(
            "SELECT id, listing FROM @packages JOIN @listings USING (id) WHERE key = ?", key
        ).fetchone()
        return None if found is None else (found[0], read_listing(found[1]))

    def _spelling(self, trait: FacetValue) -> int:
        """Return the id of the spelling, which is stored now if it was not."""
        if trait not in self._spellings:
            self._spellings[trait] = self._stored_spelling(trait)
        return self._spellings[trait]

    def _stored_spelling(self, trait: FacetValue) -> int:
        key = (trait.facet.value, trait.value)
        self._run("INSERT OR IGNORE INTO @spellings (facet, value) VALUES (?, ?)", *key)
        found = self._run("SELECT id FROM @spellings WHERE facet = ? AND value = ?", *key)
        return found.fetchone()[0]

    # --- what packages share -------------------------------------------------------------------

    def _write_shared(self) -> None:
        """Write what packages have in common."""
        self._write_known()
        self._write_dependents()
        self._write_ranks()
        self._postings.write(self._connection, self._prefix)
        self._postings = PostingChanges()

    def _write_known(self) -> None:
        changes = [(len(word), word, more) for word, more in self._known.items() if more]
        self._run_many(
            "INSERT INTO @words VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET packages = packages + excluded.packages",
            sorted(changes),
        )
        lost = [(length, word) for length, word, more in changes if more < 0]
        self._run_many("DELETE FROM @words WHERE length = ? AND word = ? AND packages < 1", lost)
        self._known.clear()

    def _write_dependents(self) -> None:
        changes = {key: more for key, more in self._dependents.items() if more}
        self._run_many(
            "INSERT INTO @dependents VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET packages = packages + excluded.packages",
            sorted(changes.items()),
        )
        lost = [(key,) for key, more in changes.items() if more < 0]
        self._run_many("DELETE FROM @dependents WHERE key = ? AND packages < 1", lost)
        self._ranked.update(changes)
        self._dependents.clear()

    def _write_ranks(self) -> None:
        for key in self._ranked:
            found = self._run(
                "SELECT id, boost, (SELECT packages FROM @dependents AS counted"
                " WHERE counted.key = shown.key) FROM @packages AS shown WHERE key = ?",
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
        return self._connection.execute(self._statement(statement), values)

    def _run_many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._connection.executemany(self._statement(statement), rows)

    def _statement(self, statement: str) -> str:
        return statement.replace("@", self._prefix)


# The beginning says what a package is, the rest is examples. So many let 100,000 packages fit into
# the 200 MB that a base in the cloud may have.
README_CHARACTERS = 1_300
SHORT_LISTING = 6 * 1024  # Bytes of JSON: its rows are written in a millisecond or two.
DEPENDENCY_BYTES = 64
SHORT_SYMBOLS = 2 * 1024  # Characters: the same of its symbols.
GAP = "\ue00f"  # Between two texts, so that no phrase goes from one into the other.

_LISTING = TypeAdapter(Listing)

_COMPRESSION = 6  # Half of the size in 0.05 ms; 9 gains nothing.
_ANY_CURRENT_CLIENT = ClientProfile(language=LanguageVersion(2201, 0))


@dataclass(frozen=True, slots=True)
class ClientNeeds:
    """The requirements of a release on clients: a platform and a language version."""

    platform: str
    built_with: str

    @classmethod
    def of(cls, release: Release) -> "ClientNeeds":
        """Return the release's profile; versions that mean the same to a client are one."""
        version = LanguageVersion.parse(release.ballerina_version)
        if version is not None:
            return cls(release.platform, f"{version.major}.{version.update}.0")
        readable = _ANY_CURRENT_CLIENT.can_use("any", release.ballerina_version)
        return cls(release.platform, "" if readable else "unreadable")

    @property
    def word(self) -> str:
        """The marked word of the packages with these needs."""
        return facet_word("profile", f"{self.platform} {self.built_with}")


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


def _size_of(listing: Listing) -> int:
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


def indexed_texts(listing: Listing) -> str:
    """Return every word by which the full-text table finds the listing, with their marks.

    Old words are taken out of the index by deriving them again from the stored excerpt. So whoever
    changes what `IndexedWords` has, or what a word is, appends a migration.
    """
    release = listing.release
    names = _names(listing, GAP)
    modules = split_words(" ".join(release.modules))
    keywords = [*names, *name_words(listing.head.org), *split_words(" ".join(release.keywords))]
    summary = split_words(release.summary)
    readme = split_words(readme_text(listing.texts.readme[:README_CHARACTERS]))
    words = {*keywords, *modules, *summary, *readme}
    parts = (
        mark_words(WordMark.NAME, names),
        mark_words(WordMark.MODULES, modules),
        mark_words(WordMark.STEM, sorted(set(map(stem, words)) - words)),
        " ".join([*keywords, *modules, GAP, *summary, GAP, *readme]),
    )
    return " ".join(parts)


def listing_words(listing: Listing) -> set[str]:
    """Return the words that a typo is mended to; those of private packages are nobody's to see."""
    if listing.head.visibility is not Visibility.PUBLIC:
        return set()
    release = listing.release
    texts = f"{' '.join(release.keywords)} {release.summary}"
    lead = words_of_lead(listing.texts.readme[:README_CHARACTERS])
    return {*_names(listing), *name_words(listing.head.org), *split_words(texts), *lead}


def public_dependencies(listing: Listing) -> set[str]:
    """Return the keys of the packages that it depends on, if everybody may know of it."""
    if listing.head.visibility is not Visibility.PUBLIC:
        return set()
    needed = {f"{each.org}/{each.name}".lower() for each in listing.release.dependencies}
    return needed - {listing.head.package.key}


def _names(listing: Listing, *gap: str) -> list[str]:
    """Return the words of its name and of the ids of its tools, with a gap between two of them."""
    names = [*name_words(listing.head.name)]
    for tool in listing.release.tools:
        names += [*gap, *name_words(tool)]
    return names


def _facets(listing: Listing) -> Iterator[str]:
    """Yield the marked words of the lists in which a package is."""
    head, release = listing.head, listing.release
    yield EVERY_PACKAGE
    yield facet_word("org", head.org)
    yield facet_word("name", head.name)
    yield from (facet_word("trait", trait.key) for trait in facet_values(listing))
    yield from (facet_word("keyword", keyword) for keyword in release.keywords)
    yield from (facet_word("needs", f"{each.org}/{each.name}") for each in release.dependencies)
    yield ClientNeeds.of(release).word
    flags = {
        PRIVATE: head.visibility is not Visibility.PUBLIC,
        INTERNAL: head.visibility is Visibility.INTERNAL,
        DEPRECATED: listing.deprecation is not None,
        NOT_STORED: not release.is_stored,
        AUXILIARY: is_auxiliary(listing),
        TOOL: bool(release.tools),
    }
    yield from (word for word, is_so in flags.items() if is_so)
    yield from _api_facets(listing.api) if listing.api else ()


def _api_facets(api: ApiSummary) -> Iterator[str]:
    """Yield what finds packages with connectors or triggers, and the package with one of them."""
    for kind, ids in (("connector", api.connector_ids), ("trigger", api.trigger_ids)):
        if ids:
            yield facet_word(kind)
        yield from (facet_word(kind, str(each)) for each in ids)


# What nearly every stored listing says, so that the compressed one need not say it again.
#
# A row of a small package takes 100 bytes instead of 480, one with a readme 700 instead of 1,160.
# The
# text never changes: whoever changes it appends a migration that drops the rows. That it does not
# know a newer field costs a few bytes a row and nothing else.

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
