"""Packages, releases and entries in SQLite."""

import sqlite3
from collections.abc import Sequence
from functools import partial

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.records import read_head, read_release, waiting_since
from shared.adapters.sqlite.surveys import Surveys
from shared.domain.digest import Digest
from shared.domain.names import Coordinate, OrgName, Package, PackageName
from shared.domain.package import Entry, Found, Head, Release, Survey
from shared.ports import AlreadyThere, Stale

TOOLS_ON_THE_LOOP = 100  # Looking them up takes half a millisecond.


class SqliteMetadata:
    """The MetadataStore of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        """Keep the records in `database`."""
        self._database = database
        self._surveys = Surveys(database)

    async def find(self, coordinate: Coordinate) -> Found:
        """Return the package and the release; each None where it does not exist."""
        row = self._database.row(
            "SELECT heads.body, releases.body FROM heads"
            " LEFT JOIN releases ON releases.pk = heads.pk AND releases.version = ?"
            " WHERE heads.pk = ?",
            coordinate.version.text,
            coordinate.package.key,
        )
        return _found(row)

    async def by_digest(self, digest: Digest) -> Found:
        """Return the release whose archive has this digest, with its package."""
        row = self._database.row(
            "SELECT heads.body, releases.body FROM releases"
            " JOIN heads ON heads.pk = releases.pk WHERE releases.digest = ?",
            digest.hex,
        )
        return _found(row)

    async def head(self, package: Package) -> Head | None:
        """Return the package's head, or None."""
        row = self._database.row("SELECT body FROM heads WHERE pk = ?", package.key)
        return None if row is None else read_head(row[0])

    async def survey(self, packages: Sequence[Package]) -> list[Survey | None]:
        """Return each package with all its entries; reads what changed since the last call."""
        return await self._surveys.read([package.key for package in packages])

    async def claim(self, head: Head) -> Head:
        """Create the head if no package has its name, and return the stored one."""
        # Most pushes are of packages that exist, and reading is free of locks.
        there = await self.head(head.package)
        return there or await self._database.write(partial(_claim, head))

    async def add_release(self, release: Release) -> None:
        """Create the release, or raise `AlreadyThere`."""
        await self._database.write(partial(_add_release, release))

    async def replace_release(self, release: Release) -> Release:
        """Store a changed release at its next revision, or raise `Stale`."""
        return await self._database.write(partial(_replace_release, release))

    async def replace_head(self, head: Head) -> Head:
        """Store a changed head at its next revision, but for `pulls`, or raise `Stale`."""
        return await self._database.write(partial(_replace_head, head))

    async def put_entries(self, package: Package, entries: Sequence[Entry]) -> None:
        """Add or renew entries; one with a lower revision changes nothing."""
        await self._database.write(partial(_put_entries, package.key, entries))

    async def releases(self, package: Package) -> list[Release]:
        """Return every release of the package."""
        return await self._database.scan(partial(_releases, package.key))

    async def packages(self, after: str, count: int) -> list[Head]:
        """Return up to `count` heads whose key is above `after`, in order of key."""
        return await self._database.scan(partial(_packages, after, count))

    async def unpublished_events(self, count: int) -> list[Head | Release]:
        """Return up to `count` records whose outbox is not empty, oldest first."""
        return await self._database.scan(partial(_unpublished, count))

    async def claim_tool(self, tool: str, package: Package) -> Package:
        """Bind the tool id to the package if it is free, and return the package that owns it."""
        (owner,) = await self.tool_owners([tool])
        return owner or await self._database.write(partial(_claim_tool, tool, package))

    async def tool_owners(self, tools: Sequence[str]) -> list[Package | None]:
        """Return the package that owns each tool id; None where it is free."""
        work = partial(_tool_owners, tools)
        if len(tools) <= TOOLS_ON_THE_LOOP:
            return self._database.read(work)
        return await self._database.scan(work)


def _found(row: tuple[str, str | None] | None) -> Found:
    if row is None:
        return Found(None, None)
    head, release = row
    return Found(read_head(head), None if release is None else read_release(release))


def _claim(head: Head, connection: sqlite3.Connection) -> Head:
    key = head.package.key
    connection.execute(
        "INSERT INTO heads (pk, body, revision, waiting_since) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (key, head.model_dump_json(), head.revision, waiting_since(head.outbox)),
    )
    (body,) = connection.execute("SELECT body FROM heads WHERE pk = ?", (key,)).fetchone()
    return read_head(body)


def _add_release(release: Release, connection: sqlite3.Connection) -> None:
    stored = _as_the_head_spells(release, connection)
    cursor = connection.execute(
        "INSERT INTO releases (pk, version, digest, body, revision, waiting_since)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            *_key(stored),
            stored.digest,
            stored.model_dump_json(),
            stored.revision,
            waiting_since(stored.outbox),
        ),
    )
    if not cursor.rowcount:
        raise AlreadyThere


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
            head.package.key,
            head.revision,
        ),
    ).fetchall()
    if not rows:
        raise Stale
    return read_head(rows[0][0])


def _put_entries(pk: str, entries: Sequence[Entry], connection: sqlite3.Connection) -> None:
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


def _releases(pk: str, connection: sqlite3.Connection) -> list[Release]:
    rows = connection.execute("SELECT body FROM releases WHERE pk = ? ORDER BY rowid", (pk,))
    return [Release.model_validate_json(body) for (body,) in rows]


def _packages(after: str, count: int, connection: sqlite3.Connection) -> list[Head]:
    rows = connection.execute(
        "SELECT body FROM heads WHERE pk > ? ORDER BY pk LIMIT ?", (after, count)
    )
    return [Head.model_validate_json(body) for (body,) in rows]


def _unpublished(count: int, connection: sqlite3.Connection) -> list[Head | Release]:
    rows = connection.execute(
        "SELECT waiting_since, 'head', body FROM heads WHERE waiting_since IS NOT NULL"
        " UNION ALL"
        " SELECT waiting_since, 'release', body FROM releases WHERE waiting_since IS NOT NULL"
        " ORDER BY 1 LIMIT ?",
        (count,),
    )
    return [read_head(body) if kind == "head" else read_release(body) for _, kind, body in rows]


def _claim_tool(tool: str, package: Package, connection: sqlite3.Connection) -> Package:
    connection.execute(
        "INSERT INTO tools (id, org, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (tool.lower(), package.org, package.name),
    )
    return _tool_owner(tool, connection) or package


def _tool_owners(tools: Sequence[str], connection: sqlite3.Connection) -> list[Package | None]:
    return [_tool_owner(tool, connection) for tool in tools]


def _tool_owner(tool: str, connection: sqlite3.Connection) -> Package | None:
    row = connection.execute("SELECT org, name FROM tools WHERE id = ?", (tool.lower(),)).fetchone()
    return None if row is None else Package(OrgName(row[0]), PackageName(row[1]))


def _key(release: Release) -> tuple[str, str]:
    return release.coordinate.package.key, release.version
