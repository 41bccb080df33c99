"""Accounts, organizations and everything that belongs to them, in SQLite."""

import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from typing import TypeVar

from shared.adapters.sqlite.database import Database
from shared.domain.access_rights import AccessContext
from shared.domain.accounts import Account
from shared.domain.entities import Entity, PendingEvents, Place
from shared.domain.events import Event, waiting_since
from shared.domain.memberships import Membership
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.records import Record
from shared.ports.conflicts import AlreadyThere, Stale

E = TypeVar("E", bound=Entity)

FEW = 16  # Entities that are read and written on the event loop: a thread costs more.
ALL = -1  # The LIMIT of a list without one.
ENTITIES_READ_AT_ONCE = 500


class SqliteDirectory:
    """The DirectoryStore of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def access_context(self, account_id: str, org: OrgName, now_ms: int) -> AccessContext:
        return self._database.read(partial(_access_context, account_id, org.lower(), now_ms))

    async def get(self, kind: type[E], place: Place) -> E | None:
        return self._database.read(partial(_get, kind, place))

    async def list_by_owner(self, kind: type[E], owner: str) -> list[E]:
        few = self._database.read(partial(_list_by_owner, kind, owner, FEW + 1))
        if len(few) <= FEW:
            return few
        return await self._database.scan(partial(_list_by_owner, kind, owner, ALL))

    async def page_by_owner(self, kind: type[E], after: Place, count: int) -> list[E]:
        return await self._database.decoded(
            kind.model_validate_json,
            "SELECT body FROM entities WHERE kind = ? AND owner = ? AND key > ? AND NOT removed"
            " ORDER BY key LIMIT ?",
            kind.kind,
            *after,
            count,
        )

    async def list_by_subject(self, kind: type[E], subject: str) -> list[E]:
        return await self._database.decoded(
            kind.model_validate_json,
            "SELECT body FROM entities WHERE kind = ? AND subject = ? AND NOT removed"
            " ORDER BY owner, key",
            kind.kind,
            subject,
        )

    async def list_all(self, kind: type[E], after: Place, count: int) -> list[E]:
        return await self._database.decoded(
            kind.model_validate_json,
            "SELECT body FROM entities WHERE kind = ? AND (owner, key) > (?, ?) AND NOT removed"
            " ORDER BY owner, key LIMIT ?",
            kind.kind,
            *after,
            count,
        )

    async def read_all(self, kind: type[E]) -> AsyncIterator[E]:
        return self._pages_from(kind, await self.list_all(kind, Place(""), ENTITIES_READ_AT_ONCE))

    async def _pages_from(self, kind: type[E], first: list[E]) -> AsyncIterator[E]:
        page = first
        while page:
            for entity in page:
                yield entity
            if len(page) < ENTITIES_READ_AT_ONCE:
                return
            page = await self.list_all(kind, page[-1].place, ENTITIES_READ_AT_ONCE)

    async def add(self, entity: E, *others: Entity, replacing: Entity | None = None) -> E:
        if entity.is_derived:
            write = self._database.write_unsynced
        else:
            write = self._database.write_few if len(others) < FEW else self._database.write
        return await write(partial(_add_all, entity, others, replacing))

    async def replace(self, entity: E) -> E:
        return await self._database.write_few(partial(_replace, entity))

    async def remove(self, entity: E) -> E:
        return await self._database.write_few(partial(_remove, entity))

    async def put(self, entity: Entity) -> None:
        await self._database.write_few(partial(_store, entity))

    async def outboxes(self, count: int) -> list[PendingEvents]:
        return await self._database.decoded(
            _pending,
            "SELECT kind, owner, key, revision, body FROM entities"
            " WHERE waiting_since IS NOT NULL ORDER BY waiting_since LIMIT ?",
            count,
        )

    async def list_expiring(
        self, kind: type[E], after_ms: int, before_ms: int, count: int
    ) -> list[E]:
        return await self._database.decoded(
            kind.model_validate_json,
            "SELECT body FROM entities WHERE kind = ? AND ends_ms > ? AND ends_ms < ?"
            " AND NOT removed ORDER BY ends_ms, owner, key LIMIT ?",
            kind.kind,
            after_ms,
            before_ms,
            count,
        )

    async def remove_expired(self, before_ms: int) -> int:
        return await self._database.execute(
            "DELETE FROM entities WHERE ends_ms < ? AND waiting_since IS NULL", before_ms
        )


def _access_context(
    account_id: str, org: str, now_ms: int, connection: sqlite3.Connection
) -> AccessContext:
    return AccessContext.of(
        _get(Account, Place(account_id), connection),
        _get(Organization, Place(org), connection),
        _get(Membership, Place(org, account_id), connection),
        now_ms,
    )


def _get(kind: type[E], place: Place, connection: sqlite3.Connection) -> E | None:
    row = connection.execute(
        "SELECT body FROM entities WHERE kind = ? AND owner = ? AND key = ? AND NOT removed",
        (kind.kind, *place),
    ).fetchone()
    return None if row is None else kind.model_validate_json(row[0])


def _list_by_owner(
    kind: type[E], owner: str, count: int, connection: sqlite3.Connection
) -> list[E]:
    rows = connection.execute(
        "SELECT body FROM entities WHERE kind = ? AND owner = ? AND NOT removed ORDER BY key"
        " LIMIT ?",
        (kind.kind, owner, count),
    )
    return [kind.model_validate_json(body) for (body,) in rows]


def _add_all(
    entity: E, others: tuple[Entity, ...], replacing: Entity | None, connection: sqlite3.Connection
) -> E:
    if replacing is not None:
        _replace(replacing, connection)
    for other in others:
        _add(other, connection)
    return _add(entity, connection)


def _add(entity: E, connection: sqlite3.Connection) -> E:
    row = connection.execute(
        "SELECT body, revision, removed FROM entities WHERE kind = ? AND owner = ? AND key = ?",
        (entity.kind, *entity.place),
    ).fetchone()
    if row is None:
        return _store(entity, connection)
    body, revision, removed = row
    if not removed:
        raise AlreadyThere
    pending = type(entity).model_validate_json(body).outbox
    revived = {"revision": revision + 1, "outbox": (*pending, *entity.outbox)}
    return _store(entity.model_copy(update=revived), connection)


def _replace(entity: E, connection: sqlite3.Connection) -> E:
    _check_revision(entity, connection)
    return _store(entity.model_copy(update={"revision": entity.revision + 1}), connection)


def _remove(entity: E, connection: sqlite3.Connection) -> E:
    _check_revision(entity, connection)
    stored = _store(entity.model_copy(update={"revision": entity.revision + 1}), connection)
    if stored.outbox:
        statement = "UPDATE entities SET removed = 1 WHERE kind = ? AND owner = ? AND key = ?"
    else:
        statement = "DELETE FROM entities WHERE kind = ? AND owner = ? AND key = ?"
    connection.execute(statement, (stored.kind, *stored.place))
    return stored


def _check_revision(entity: Entity, connection: sqlite3.Connection) -> None:
    row = connection.execute(
        "SELECT revision FROM entities WHERE kind = ? AND owner = ? AND key = ? AND NOT removed",
        (entity.kind, *entity.place),
    ).fetchone()
    if row is None or row[0] != entity.revision:
        raise Stale


def _store(entity: E, connection: sqlite3.Connection) -> E:
    connection.execute(
        "INSERT OR REPLACE INTO entities"
        " (kind, owner, key, subject, revision, waiting_since, ends_ms, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entity.kind,
            *entity.place,
            entity.subject or None,
            entity.revision,
            waiting_since(entity.outbox),
            entity.ends_ms,
            entity.model_dump_json(),
        ),
    )
    return entity


def _pending(kind: str, owner: str, key: str, revision: int, body: str) -> PendingEvents:
    outbox = _Outbox.model_validate_json(body).outbox
    return PendingEvents(kind, Place(owner, key), revision, outbox)


class _Outbox(Record):
    """The fields that every entity has."""

    outbox: tuple[Event, ...]
