"""What the search index stores of a package, and how its rows change."""

import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import TypeAdapter

from shared.adapters.search.places import readme_text, weights_of_words
from shared.adapters.search.ranking import dependents_boost, is_auxiliary, ranking_boosts
from shared.adapters.search.schema import CURRENT_PREFIX, NEXT_PREFIX
from shared.adapters.search.words import (
    WordMark,
    facet_word,
    mark_words,
    name_words,
    split_words,
    stem,
)
from shared.domain.packages import Listing, ModuleText, Release, Texts, Visibility
from shared.domain.search import facet_values
from shared.domain.selection import release_for_search
from shared.domain.versions import ClientProfile, LanguageVersion


def offer_listing(connection: sqlite3.Connection, listing: Listing) -> bool:
    """Show the release, unless a better one of its package is shown; say if none was."""
    # Of the two generations the first is the one that is shown.
    is_new, *_ = [rows.offer(listing) for rows in _generations(connection)]
    return is_new


def store_listing(connection: sqlite3.Connection, listing: Listing) -> None:
    """Show the release, whatever is shown now."""
    for rows in _generations(connection):
        rows.show(listing)
    _settle(connection, listing.head.package.key)


def remove_listing(connection: sqlite3.Connection, key: str) -> None:
    """Show the package no longer."""
    for rows in _generations(connection):
        rows.remove(key)
    _settle(connection, key)


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
class IndexRows:
    """The rows of one generation; `@` in a statement stands for its prefix."""

    connection: sqlite3.Connection
    prefix: str

    def offer(self, listing: Listing) -> bool:
        """Show the release, unless a better one of its package is shown; say if none was."""
        found = self._shown(listing.head.package.key)
        self.show(release_for_search(found and found[1], listing))
        return found is None

    def show(self, listing: Listing) -> None:
        """Show the release, whatever is shown now."""
        shown = excerpt(listing)
        before = self._shown(shown.head.package.key)
        if before is not None:
            self._take_out(*before)
        row = self._add_package(before and before[0], shown)
        self._run("INSERT INTO @listings VALUES (?, ?)", row, write_listing(shown))
        self._run("INSERT INTO @texts (rowid, words) VALUES (?, ?)", row, indexed_texts(shown))
        self.connection.executemany(
            self._statement("INSERT INTO @postings VALUES (?, ?, ?)"),
            [(word, row, weight) for word, weight in weights_of_words(shown).items()],
        )
        self._add_traits(row, shown)
        self._learn(listing_words(shown))
        self._count_dependents(before and before[1], shown)

    def remove(self, key: str) -> None:
        """Take the package out."""
        found = self._shown(key)
        if found is not None:
            self._take_out(*found)
            self._count_dependents(found[1], None)

    def _take_out(self, row: int, shown: Listing) -> None:
        self._run(
            "INSERT INTO @texts (@texts, rowid, words) VALUES ('delete', ?, ?)",
            row,
            indexed_texts(shown),
        )
        self.connection.executemany(
            self._statement("DELETE FROM @postings WHERE word = ? AND package = ?"),
            [(word, row) for word in weights_of_words(shown)],
        )
        self._forget(listing_words(shown))
        self._run("DELETE FROM @traits WHERE package = ?", row)
        self._run("DELETE FROM @listings WHERE id = ?", row)
        self._run("DELETE FROM @packages WHERE id = ?", row)

    def _shown(self, key: str) -> tuple[int, Listing] | None:
        found = self._run(
            "SELECT id, listing FROM @packages JOIN @listings USING (id) WHERE key = ?", key
        ).fetchone()
        return None if found is None else (found[0], read_listing(found[1]))

    def _add_package(self, row: int | None, shown: Listing) -> int:
        head = shown.head
        added = self._run(
            "INSERT INTO @packages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            row,
            head.package.key,
            head.org.lower(),
            head.name.lower(),
            sum(ranking_boosts(shown).values()),
            dependents_boost(self._dependents_of(head.package.key)),
            head.pulls,
            shown.release.created_ms,
            head.created_ms,
            head.visibility is Visibility.PRIVATE,
            shown.deprecation is not None,
            is_auxiliary(shown),
            self._profile(ClientNeeds.of(shown.release)),
        )
        return added.fetchone()[0]

    def _profile(self, needs: "ClientNeeds") -> int:
        key = (needs.platform, needs.built_with)
        self._run("INSERT OR IGNORE INTO @profiles (platform, built_with) VALUES (?, ?)", *key)
        found = self._run("SELECT id FROM @profiles WHERE platform = ? AND built_with = ?", *key)
        return found.fetchone()[0]

    def _dependents_of(self, key: str) -> int:
        found = self._run("SELECT packages FROM @dependents WHERE key = ?", key).fetchone()
        return found[0] if found else 0

    def _count_dependents(self, before: Listing | None, now: Listing | None) -> None:
        """Count the package where it depends on another one that it did not depend on before."""
        old, new = public_dependencies(before), public_dependencies(now)
        for key in new - old:
            self._run(
                "INSERT INTO @dependents VALUES (?, 1) "
                "ON CONFLICT DO UPDATE SET packages = packages + 1",
                key,
            )
        for key in old - new:
            self._run("UPDATE @dependents SET packages = packages - 1 WHERE key = ?", key)
            self._run("DELETE FROM @dependents WHERE key = ? AND packages < 1", key)
        for key in old ^ new:
            lift = dependents_boost(self._dependents_of(key))
            self._run("UPDATE @packages SET lift = ? WHERE key = ?", lift, key)

    def _add_traits(self, row: int, shown: Listing) -> None:
        """Note what the package is counted by."""
        for trait in facet_values(shown):
            key = (trait.facet.value, trait.value)
            self._run("INSERT OR IGNORE INTO @spellings (facet, value) VALUES (?, ?)", *key)
            self._run(
                "INSERT INTO @traits SELECT ?, id FROM @spellings WHERE facet = ? AND value = ?",
                row,
                *key,
            )

    def _learn(self, words: set[str]) -> None:
        """Count one more package with each of these words."""
        for word in words:
            self._run(
                "INSERT INTO @words VALUES (?, ?, 1) "
                "ON CONFLICT DO UPDATE SET packages = packages + 1",
                len(word),
                word,
            )

    def _forget(self, words: set[str]) -> None:
        """Count one package less with each of these words."""
        for word in words:
            key = (len(word), word)
            self._run(
                "UPDATE @words SET packages = packages - 1 WHERE length = ? AND word = ?", *key
            )
            self._run("DELETE FROM @words WHERE length = ? AND word = ? AND packages < 1", *key)

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self.connection.execute(self._statement(statement), values)

    def _statement(self, statement: str) -> str:
        return statement.replace("@", self.prefix)


# The beginning says what a package is, the rest is examples. So many let 100,000 packages fit into
# the 200 MB that a base in the cloud may have.
README_CHARACTERS = 1_300
GAP = "\ue00f"  # Between two texts, so that no phrase goes from one into the other.

_LISTING = TypeAdapter(Listing)

_COMPRESSION = 6  # Half of the size in 0.05 ms; 9 gains nothing.
_ANY_CURRENT_CLIENT = ClientProfile(language=LanguageVersion(2201, 0))


@dataclass(frozen=True, slots=True)
class ClientNeeds:
    """What a client needs in order to use a release: a platform and a language version."""

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
    return Listing(head, release, texts, listing.is_standard)


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
    changes what this returns, what `weights_of_words` returns, or what a word is, appends a
    migration.
    """
    release = listing.release
    names = _names(listing, GAP)
    modules = split_words(" ".join(release.modules))
    keywords = [*names, *name_words(listing.head.org), *split_words(" ".join(release.keywords))]
    summary = split_words(release.summary)
    readme = split_words(readme_text(listing.texts.readme[:README_CHARACTERS]))
    words = {*keywords, *modules, *summary, *readme}
    parts = (
        " ".join(_facets(listing)),
        mark_words(WordMark.NAME, names),
        mark_words(WordMark.MODULES, modules),
        mark_words(WordMark.STEM, sorted({stem(word) for word in words} - words)),
        mark_words(WordMark.ANYWHERE, [*keywords, *modules, GAP, *summary, GAP, *readme]),
    )
    return " ".join(parts)


def listing_words(listing: Listing) -> set[str]:
    """Return the words that a typo is mended to; those of private packages are nobody's to see."""
    if listing.head.visibility is Visibility.PRIVATE:
        return set()
    release = listing.release
    texts = f"{' '.join(release.keywords)} {release.summary}"
    return {*_names(listing), *name_words(listing.head.org), *split_words(texts)}


def public_dependencies(listing: Listing | None) -> set[str]:
    """Return the keys of the packages that it depends on, if everybody may know of it."""
    if listing is None or listing.head.visibility is Visibility.PRIVATE:
        return set()
    needed = {f"{each.org}/{each.name}".lower() for each in listing.release.dependencies}
    return needed - {listing.head.package.key}


def _names(listing: Listing, *gap: str) -> list[str]:
    """Return the words of its name and of the ids of its tools, with a gap between two of them."""
    names = name_words(listing.head.name)
    for tool in listing.release.tools:
        names += [*gap, *name_words(tool)]
    return names


def _facets(listing: Listing) -> Iterator[str]:
    head, release = listing.head, listing.release
    yield facet_word("org", head.org)
    yield facet_word("name", head.name)
    yield from (facet_word("trait", trait.key) for trait in facet_values(listing))
    yield from (facet_word("keyword", keyword) for keyword in release.keywords)
    yield from (facet_word("needs", f"{each.org}/{each.name}") for each in release.dependencies)
    if release.tools:
        yield facet_word("tool")


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
