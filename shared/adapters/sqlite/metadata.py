"""Packages, releases and entries in SQLite, the surveys of packages that are kept decoded, and the
edition of one machine, whose stores count writes.
"""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from functools import cache, partial

import orjson
from msgspec import Struct
from pydantic import TypeAdapter

from shared.adapters.sqlite.database import Database
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import NO_PACKAGE, Coordinate, Package
from shared.domain.events import Event
from shared.domain.names import OrgName, PackageName
from shared.domain.packages import FoundRelease, Head, Release, ReleaseEntry, Survey
from shared.domain.versions import Version
from shared.domain.visibility import Visibility
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.metadata import ReadCheck, VersionDiffersInCase
from shared.runtime.decoded_records import SURVEYS_CACHED_BYTES, merge_entries, share_field_names
from shared.runtime.editions import EVERYTHING, Changes
from shared.runtime.lru_cache import LruCache

TOOLS_ON_THE_LOOP = 100  # Looking them up takes half a millisecond.
CHANGES_ON_THE_LOOP = 1_000  # Reading them takes half a millisecond.


class ChangesSince(Struct, frozen=True):
    """The position after some changes, and the keys of what changed; None if that is not known."""

    position: int
    keys: Sequence[str] | None


class SqliteMetadata:
    """The MetadataStore of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._surveys = SqliteSurveys(database)

    async def find(
        self, coordinate: Coordinate, /, *, check: ReadCheck | None = None
    ) -> FoundRelease:
        row = self._database.row(
            "SELECT heads.body, releases.body FROM heads"
            " LEFT JOIN releases ON releases.pk = heads.pk AND releases.version = ?"
            " WHERE heads.pk = ?",
            coordinate.version.text,
            coordinate.package.key,
        )
        return await _found(row, coordinate.package, check)

    async def by_digest(self, digest: Digest, /, *, check: ReadCheck | None = None) -> FoundRelease:
        row = self._database.row(
            "SELECT heads.body, releases.body FROM releases"
            " JOIN heads ON heads.pk = releases.pk WHERE releases.digest = ?",
            digest.hex,
        )
        return await _found(row, NO_PACKAGE, check)

    async def head(self, package: Package) -> Head | None:
        row = self._database.row("SELECT body FROM heads WHERE pk = ?", package.key)
        return None if row is None else read_head(row[0])

    async def survey(
        self,
        packages: Sequence[Package],
        _versions: Collection[Coordinate] = (),
        /,
        *,
        check: ReadCheck | None = None,
    ) -> list[Survey | None]:
        return await self._surveys.read(packages, check)

    async def claim(self, head: Head) -> Head:
        # Most pushes are of packages that exist, and reading is free of locks.
        there = await self.head(head.package)
        return there or await self._database.write_few(partial(_claim, head))

    async def add_release(self, release: Release) -> None:
        await self._database.write_few(partial(_add_release, release))

    async def restore_release(self, release: Release) -> None:
        await self._database.write_few(partial(_restore_release, release))

    async def replace_release(self, release: Release) -> Release:
        return await self._database.write_few(partial(_replace_release, release))

    async def replace_head(self, head: Head) -> Head:
        return await self._database.write_few(partial(_replace_head, head))

    async def put_entries(self, package: Package, entries: Sequence[ReleaseEntry]) -> None:
        is_short = len(entries) <= ENTRIES_ON_THE_LOOP
        # Without the disk: entries are derived, and appending the events of their releases, which
        # ends each derivation, is durable.
        write = self._database.write_unsynced if is_short else self._database.write
        await write(partial(_put_entries, package.key, entries))

    def changes_since(self, position: int | None) -> ChangesSince:
        """Return the changes after a position; None is before the first question."""
        if position is None:
            row = self._database.row("SELECT coalesce(max(number), 0) FROM changes")
            return ChangesSince(row[0] if row else 0, None)
        return self._database.read(partial(_changes_since, position))

    async def releases(self, package: Package) -> list[Release]:
        statement = "SELECT body FROM releases WHERE pk = ? ORDER BY rowid"
        return await self._database.decoded(Release.model_validate_json, statement, package.key)

    async def packages(self, after: str, count: int) -> list[Head]:
        statement = "SELECT body FROM heads WHERE pk > ? ORDER BY pk LIMIT ?"
        return await self._database.decoded(Head.model_validate_json, statement, after, count)

    async def records_with_outbox(self, count: int) -> list[Head | Release]:
        return await self._database.decoded(
            _waiting,
            "SELECT waiting_since, 'head', body FROM heads WHERE waiting_since IS NOT NULL"
            " UNION ALL"
            " SELECT waiting_since, 'release', body FROM releases WHERE waiting_since IS NOT NULL"
            " ORDER BY 1 LIMIT ?",
            count,
        )

    async def claim_tool(self, tool: str, package: Package) -> Package:
        (owner,) = await self.tool_owners([tool])
        return owner or await self._database.write_few(partial(_claim_tool, tool, package))

    async def tool_owners(self, tools: Sequence[str]) -> list[Package | None]:
        def work(connection: sqlite3.Connection) -> list[Package | None]:
            return [_tool_owner(tool, connection) for tool in tools]

        if len(tools) <= TOOLS_ON_THE_LOOP:
            return self._database.read(work)
        return await self._database.scan(work)


async def _found(
    row: tuple[str, str | None] | None, package: Package, check: ReadCheck | None
) -> FoundRelease:
    """Return the decoded records; `package` is what the check is asked about where there are
    none."""
    text, release = row or (None, None)
    head = _head_of(text)
    if check is not None:
        asked = head.package if head else package
        if asked.key not in await check([(asked, head)]):
            return FoundRelease(None, None)
    return FoundRelease(head, None if release is None else read_release(release))


def _head_of(text: str | None) -> Head | None:
    """Return the decoded head; for a package that does not exist a stand-in is decoded, so that it
    takes as long as one that is hidden from the caller."""
    head = read_head(_stand_in() if text is None else text)
    return None if text is None else head


@cache
def _stand_in() -> str:
    return Head(
        org="organization", name="package", visibility=Visibility.PRIVATE, created_ms=0
    ).model_dump_json()


def _claim(head: Head, connection: sqlite3.Connection) -> Head:
    key = head.key
    connection.execute(
        "INSERT INTO heads (pk, body, revision, waiting_since) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (key, head.model_dump_json(), head.revision, outbox_since(head.outbox)),
    )
    (body,) = connection.execute("SELECT body FROM heads WHERE pk = ?", (key,)).fetchone()
    return read_head(body)


def _add_release(release: Release, connection: sqlite3.Connection) -> None:
    version_key = Version.parse(release.version).key
    if _insert_release(release, version_key, connection):
        return
    pk = release.coordinate.package.key
    statement = "SELECT version FROM releases WHERE pk = ? AND version_key = ?"
    row = connection.execute(statement, (pk, version_key)).fetchone()
    # The version of a release may be claimed by another one, if both are of before.
    if row is None or row[0] == release.version or _has_release(release, connection):
        raise AlreadyThere
    raise VersionDiffersInCase(row[0])


def _restore_release(release: Release, connection: sqlite3.Connection) -> None:
    try:
        _add_release(release, connection)
    except VersionDiffersInCase:
        _insert_release(release, None, connection)


def _insert_release(
    release: Release, version_key: str | None, connection: sqlite3.Connection
) -> bool:
    """Insert the release, which claims its version unless `version_key` is None; return whether
    nothing was in its way."""
    stored = _as_the_head_spells(release, connection)
    cursor = connection.execute(
        "INSERT INTO releases (pk, version, version_key, digest, body, revision, waiting_since)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            *_key(stored),
            version_key,
            stored.digest,
            stored.model_dump_json(),
            stored.revision,
            outbox_since(stored.outbox),
        ),
    )
    return bool(cursor.rowcount)


def _has_release(release: Release, connection: sqlite3.Connection) -> bool:
    statement = "SELECT 1 FROM releases WHERE pk = ? AND version = ?"
    return connection.execute(statement, _key(release)).fetchone() is not None


def _as_the_head_spells(release: Release, connection: sqlite3.Connection) -> Release:
    pk = release.coordinate.package.key
    row = connection.execute("SELECT body FROM heads WHERE pk = ?", (pk,)).fetchone()
    if row is None:
        raise LookupError(pk)  # A mistake of the caller: claim first.
    head = read_head(row[0])
    return release.model_copy(update={"org": head.org, "name": head.name})


def _replace_release(release: Release, connection: sqlite3.Connection) -> Release:
    stored = release.model_copy(update={"revision": release.revision + 1})
    cursor = connection.execute(
        "UPDATE releases SET body = ?, revision = ?, waiting_since = ?"
        " WHERE pk = ? AND version = ? AND revision = ?",
        (
            stored.model_dump_json(),
            stored.revision,
            outbox_since(stored.outbox),
            *_key(release),
            release.revision,
        ),
    )
    if not cursor.rowcount:
        raise Stale
    return stored


def _replace_head(head: Head, connection: sqlite3.Connection) -> Head:
    stored = head.model_copy(update={"revision": head.revision + 1})
    rows = connection.execute(
        "UPDATE heads SET body = json_set(?, '$.pulls', body ->> '$.pulls'),"
        " revision = ?, waiting_since = ? WHERE pk = ? AND revision = ? RETURNING body",
        (
            stored.model_dump_json(),
            stored.revision,
            outbox_since(stored.outbox),
            head.key,
            head.revision,
        ),
    ).fetchall()
    if not rows:
        raise Stale
    return read_head(rows[0][0])


def _put_entries(pk: str, entries: Sequence[ReleaseEntry], connection: sqlite3.Connection) -> None:
    (stamp,) = connection.execute(
        "SELECT coalesce(max(stamp), 0) FROM entries WHERE pk = ?", (pk,)
    ).fetchone()
    for entry in entries:
        # A row that would not change keeps its stamp, so nobody reads it again.
        cursor = connection.execute(
            "INSERT INTO entries (pk, version, stamp, revision, body) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (pk, version) DO UPDATE SET"
            " stamp = excluded.stamp, revision = excluded.revision, body = excluded.body"
            " WHERE excluded.revision > revision"
            " OR excluded.revision = revision AND excluded.body <> body",
            (pk, entry.version, stamp + 1, entry.revision, entry.model_dump_json()),
        )
        stamp += cursor.rowcount
    connection.execute("UPDATE heads SET stamp = ? WHERE pk = ?", (stamp, pk))


def _changes_since(position: int, connection: sqlite3.Connection) -> ChangesSince:
    rows = connection.execute(
        "SELECT number, key FROM changes WHERE number > ? ORDER BY number DESC LIMIT ?",
        (position, CHANGES_ON_THE_LOOP + 1),
    ).fetchall()
    position = rows[0][0] if rows else position
    is_complete = len(rows) <= CHANGES_ON_THE_LOOP
    return ChangesSince(position, [key for _, key in rows] if is_complete else None)


def _waiting(_since_ms: int, kind: str, body: str) -> Head | Release:
    return read_head(body) if kind == "head" else read_release(body)


def _claim_tool(tool: str, package: Package, connection: sqlite3.Connection) -> Package:
    connection.execute(
        "INSERT INTO tools (id, org, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (tool.lower(), package.org, package.name),
    )
    return _tool_owner(tool, connection) or package


def _tool_owner(tool: str, connection: sqlite3.Connection) -> Package | None:
    row = connection.execute("SELECT org, name FROM tools WHERE id = ?", (tool.lower(),)).fetchone()
    return None if row is None else Package(OrgName(row[0]), PackageName(row[1]))


def _key(release: Release) -> tuple[str, str]:
    return release.coordinate.package.key, release.version


PACKAGES_ON_THE_LOOP = 100  # Reading their heads takes half a millisecond.
ENTRIES_ON_THE_LOOP = 32  # Writing them takes half a millisecond.
# Nothing else runs while so many are decoded, not even on another thread: up to that the loop does.
ROWS_PER_STEP = 100

_ENTRIES = TypeAdapter(list[ReleaseEntry])  # One call for a whole list is faster than one for each.


class _KnownEntries(Struct, frozen=True):
    """The entries of a package, the stamp of the newest of them, and the memory that they take."""

    stamp: int = 0
    entries: tuple[ReleaseEntry, ...] = ()
    memory_bytes: int = 0


_Known = dict[str, _KnownEntries]  # By the keys of packages.
_NO_ENTRIES = _KnownEntries()


class SqliteSurveys:
    """The surveys of packages, whose entries a process keeps; each call reads what other processes
    changed."""

    def __init__(self, database: Database, capacity_bytes: int = SURVEYS_CACHED_BYTES) -> None:
        self._database = database
        self._cache = LruCache[str, _KnownEntries](
            capacity_bytes, weigh=lambda _, known: known.memory_bytes
        )
        self._lock = asyncio.Lock()

    async def read(
        self, packages: Sequence[Package], check: ReadCheck | None = None
    ) -> list[Survey | None]:
        """Return the survey of each package; None where it does not exist."""
        asked = {package.key: package for package in packages}
        few = len(asked) <= PACKAGES_ON_THE_LOOP
        work = partial(_read_heads, list(asked))
        heads = self._database.read(work) if few else await self._database.scan(work)
        readable: Collection[str] = asked
        if check is not None:
            readable = await check([(each, heads[key][0]) for key, each in asked.items()])
        stamps = {key: stamp for key, (_, stamp) in heads.items() if key in readable}
        known = await self._entries(stamps)
        surveys = [
            Survey(head, known[key].entries) if head and key in known else None
            for key, (head, _) in heads.items()
        ]
        if len(asked) == len(packages):
            return surveys
        by_key = dict(zip(asked, surveys, strict=True))
        return [by_key[package.key] for package in packages]

    async def _entries(self, stamps: dict[str, int]) -> _Known:
        """Return the entries of packages that have these stamps now."""
        known = {key: self._cache.get(key) or _NO_ENTRIES for key in stamps}
        behind = {key: each for key, each in known.items() if each.stamp < stamps[key]}
        missing = sum(stamps[key] - each.stamp for key, each in behind.items())
        if missing <= ROWS_PER_STEP:
            return known | self._keep(self._database.read(partial(_catch_up, behind)))
        async with self._lock:  # The first of several callers reads; the others find that.
            behind = {key: self._cache.get(key) or _NO_ENTRIES for key in behind}
            fresh = await self._database.scan(partial(_catch_up, behind))
            return known | behind | self._keep(fresh)

    def _keep(self, fresh: _Known) -> _Known:
        for key, known in fresh.items():
            self._cache.put(key, known)
        return fresh


# One statement for several packages takes a third of the time that one for each takes, since each
# locks the file. For a single package it takes twice as long.
_HEAD = "SELECT pk, body, stamp FROM heads WHERE pk = ?"
_HEADS = "SELECT pk, body, stamp FROM heads WHERE pk IN (SELECT value FROM json_each(?))"
_CHANGED = "SELECT pk, stamp, body FROM entries WHERE pk = ? AND stamp > ?"
_CHANGED_OF_SEVERAL = (
    "SELECT pk, stamp, body FROM json_each(?) AS known"
    " CROSS JOIN entries ON pk = known.key AND stamp > known.value"
)


def _read_heads(
    keys: Sequence[str], connection: sqlite3.Connection
) -> dict[str, tuple[Head | None, int]]:
    """Return the head of each package with its stamp, in the order of the keys; None where it does
    not exist."""
    if len(keys) == 1:
        rows = connection.execute(_HEAD, keys)
    else:
        rows = connection.execute(_HEADS, (orjson.dumps(keys).decode(),))
    stored: dict[str, tuple[str | None, int]] = {pk: (body, stamp) for pk, body, stamp in rows}
    found = [stored.get(key, _NO_HEAD) for key in keys]
    return {key: (_head_of(text), stamp) for key, (text, stamp) in zip(keys, found, strict=True)}


_NO_HEAD = (None, 0)


def _catch_up(behind: _Known, connection: sqlite3.Connection) -> _Known:
    """Return the entries of the packages of which some changed since their stamp."""
    if not behind:
        return {}
    since = {key: known.stamp for key, known in behind.items()}
    if len(since) == 1:
        rows = connection.execute(_CHANGED, *since.items()).fetchall()
    else:
        rows = connection.execute(_CHANGED_OF_SEVERAL, (orjson.dumps(since).decode(),)).fetchall()
    changed: defaultdict[str, list[ReleaseEntry]] = defaultdict(list)
    stamps: dict[str, int] = {}
    for (pk, stamp, _), entry in zip(rows, _decoded([row[2] for row in rows]), strict=True):
        changed[pk].append(entry)
        # The rows may be newer than the stamp that was asked for: others write between two reads.
        stamps[pk] = max(stamp, stamps.get(pk, 0))
    return {key: _with_changes(behind[key], stamps[key], each) for key, each in changed.items()}


def _with_changes(
    known: _KnownEntries, stamp: int, changed: Sequence[ReleaseEntry]
) -> _KnownEntries:
    entries, more_bytes = merge_entries(known.entries, changed)
    return _KnownEntries(stamp, entries, known.memory_bytes + more_bytes)


def _decoded(bodies: list[str]) -> Iterator[ReleaseEntry]:
    for start in range(0, len(bodies), ROWS_PER_STEP):
        step = ",".join(bodies[start : start + ROWS_PER_STEP])
        yield from map(share_field_names, _ENTRIES.validate_json(f"[{step}]"))


def read_head(text: str) -> Head:
    return share_field_names(Head.model_validate_json(text))


def read_release(text: str) -> Release:
    return share_field_names(Release.model_validate_json(text))


def outbox_since(outbox: tuple[Event, ...]) -> int | None:
    """Return since when a record waits for its events to be appended, or None."""
    return outbox[0].at_ms if outbox else None


class EmbeddedEdition:
    """The edition of one machine, whose stores tell each process of the writes of all.

    A write of whatever kind changes the data version, which costs nothing to read; then the stores
    are asked which packages and records changed.
    """

    follows_records = True

    def __init__(
        self,
        data_version: Callable[[], Hashable],
        changes_since: Callable[[int | None], ChangesSince],
    ) -> None:
        self._data_version = data_version
        self._changes_since = changes_since
        self._seen: Hashable = None
        self._position: int | None = None  # None before the first question.
        self._changes = Changes()

    @property
    def number(self) -> int:
        return self._changes.number

    def is_current(self) -> bool:
        try:
            version = self._data_version()
            if version != self._seen:
                self._learn()
                self._seen = version
        except Exception:  # Whoever reads the stores next will say what is wrong with them.
            return False
        return True

    def start_poll(self) -> None:
        self.is_current()

    async def poll(self) -> bool:
        return self.is_current()

    def is_unchanged_since(self, number: int, keys: Collection[str]) -> bool:
        if EVERYTHING in keys:
            return number == self._changes.number  # Every write leads to another number.
        return self._changes.is_unchanged_since(number, keys)

    def note_write(self, package: str) -> None:
        """Do nothing: the data version changed with the write."""

    def _learn(self) -> None:
        changes = self._changes_since(self._position)
        if changes.keys is None:
            self._changes.forget()
        else:
            self._changes.note(changes.keys)
        self._position = changes.position
