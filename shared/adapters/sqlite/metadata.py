"""Packages, releases and entries in SQLite."""

import sqlite3
from collections.abc import Collection, Sequence
from functools import partial

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.edition import ChangesSince
from shared.adapters.sqlite.package_records import read_head, read_head_or_none, read_release
from shared.adapters.sqlite.surveys import SqliteSurveys
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import NO_PACKAGE, Coordinate, Package
from shared.domain.events import waiting_since
from shared.domain.names import OrgName, PackageName
from shared.domain.packages import FoundRelease, Head, Release, ReleaseEntry, Survey
from shared.domain.versions import Version
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.metadata import ReadCheck, VersionDiffersInCase

TOOLS_ON_THE_LOOP = 100  # Looking them up takes half a millisecond.
CHANGES_ON_THE_LOOP = 1_000  # Reading them takes half a millisecond.
ENTRIES_ON_THE_LOOP = 32  # Writing them takes half a millisecond.


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
    head = read_head_or_none(text)
    if check is not None:
        asked = head.package if head else package
        if asked.key not in await check([(asked, head)]):
            return FoundRelease(None, None)
    return FoundRelease(head, None if release is None else read_release(release))


def _claim(head: Head, connection: sqlite3.Connection) -> Head:
    key = head.key
    connection.execute(
        "INSERT INTO heads (pk, body, revision, waiting_since) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (key, head.model_dump_json(), head.revision, waiting_since(head.outbox)),
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
    # Another release may have the claim of this version: earlier versions of the registry published
    # both, and only one of them could be given the claim.
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
            waiting_since(stored.outbox),
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
            waiting_since(stored.outbox),
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
            waiting_since(stored.outbox),
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
