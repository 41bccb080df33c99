"""Accounts, organizations and everything that belongs to them, the feed of all audit events, and
short-lived state, in SQLite.
"""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile
from typing import TypeVar

from shared.adapters.sqlite.database import Database, Work
from shared.adapters.sqlite.metadata import outbox_since
from shared.domain.access_rights import AccessContext
from shared.domain.accounts import Account
from shared.domain.entities import Entity, PendingEvents, Place
from shared.domain.events import Event, account_stream, anonymized, is_personal, without_account
from shared.domain.memberships import Membership
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.packages import Head, Release
from shared.domain.records import Record
from shared.domain.transparency.leaves import SALT_BYTES, FrozenLeaf, LoggedEvent, frozen
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.system import Randomness
from shared.ports.work import Counter

E = TypeVar("E", bound=Entity)

FEW = 16  # Entities that are read and written on the event loop: a thread costs more.
ALL = -1  # The LIMIT of a list without one.


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

    async def unpublished(self, count: int) -> list[PendingEvents]:
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
    unpublished = type(entity).model_validate_json(body).outbox
    revived = {"revision": revision + 1, "outbox": (*unpublished, *entity.outbox)}
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
            outbox_since(entity.outbox),
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


LAST = 2**63 - 1  # No event has a higher number.
EVENTS_ON_THE_LOOP = 16  # Writing them takes half a millisecond.


Freeze = Callable[[Event, int], FrozenLeaf]  # Makes the leaf of an event and its number.


class SqliteEvents:
    """The EventStore of a registry on one machine."""

    def __init__(self, database: Database, randomness: Randomness) -> None:
        self._database = database
        self._randomness = randomness

    async def publish(self, source: Head | Release | PendingEvents) -> None:
        if source.outbox:
            await self._write(source.outbox, partial(_publish, source, self._frozen))

    async def append(self, events: Sequence[Event]) -> None:
        if events:
            await self._write(events, partial(_append, events, self._frozen))

    async def restore(self, events: Sequence[LoggedEvent]) -> None:
        if events:
            await self._database.write(partial(_restore, events))

    def _frozen(self, event: Event, number: int) -> FrozenLeaf:
        return frozen(event, number, salt=self._randomness.token_bytes(SALT_BYTES))

    async def _write(self, events: Sequence[Event], work: Work[None]) -> None:
        is_short = len(events) <= EVENTS_ON_THE_LOOP
        await (self._database.write_few if is_short else self._database.write)(work)

    async def since(self, number: int, count: int) -> list[tuple[int, Event]]:
        statement = "SELECT number, body FROM events WHERE number > ? ORDER BY number LIMIT ?"
        return await self._database.decoded(_numbered, statement, number, count)

    async def find(self, event_id: str, at_ms: int) -> LoggedEvent | None:  # noqa: ARG002 - see below.
        """The cloud store finds an event by its time; this store needs only its id."""
        statement = "SELECT number, body, leaf, salt, opening FROM events WHERE id = ?"
        row = self._database.row(statement, event_id)
        return _logged(*row) if row else None

    async def forget_origins(self, before_ms: int, count: int) -> int:
        return await self._database.write(partial(_forget_origins, before_ms, count))

    async def forget_account(self, account_id: str) -> int:
        return await self._database.write(partial(_forget_account, account_id))

    async def overwrite_forgotten(self) -> None:
        where = "WHERE kind = ? AND key = ?"
        row = self._database.row(f"SELECT value FROM work {where}", *_DELETED_BYTES)  # noqa: S608 - ours.
        if row is None:
            return
        await self._database.rebuild()
        # If somebody deleted more meanwhile, the value is another one and the row stays.
        await self._database.execute_few(
            f"DELETE FROM work {where} AND value = ?",  # noqa: S608 - ours.
            *_DELETED_BYTES,
            row[0],
        )

    async def newest(self, before: int | None, count: int) -> list[tuple[int, Event]]:
        statement = "SELECT number, body FROM events WHERE number < ? ORDER BY number DESC LIMIT ?"
        since = LAST if before is None else before
        return await self._database.decoded(_numbered, statement, since, count)

    async def stream(self, name: str, before: int | None, count: int) -> list[tuple[int, Event]]:
        return await self._database.decoded(
            _numbered,
            "SELECT events.number, body FROM event_streams JOIN events USING (number)"
            " WHERE stream = ? AND event_streams.number < ?"
            " ORDER BY event_streams.number DESC LIMIT ?",
            name,
            LAST if before is None else before,
            count,
        )

    async def logged(self, after: int, count: int) -> list[LoggedEvent]:
        return await self._database.decoded(
            _logged,
            "SELECT number, body, leaf, salt, opening FROM events WHERE number > ?"
            " ORDER BY number LIMIT ?",
            after,
            count,
        )

    async def leaves(self, after: int, count: int) -> list[bytes]:
        found = await self._database.decoded(
            _leaf,
            "SELECT leaf FROM events WHERE number > ? ORDER BY number LIMIT ?",
            after,
            count,
        )
        return list(takewhile(bool, found))

    async def without_leaf(self, after: int, count: int) -> list[tuple[int, Event]]:
        return await self._database.decoded(
            _numbered,
            "SELECT number, body FROM events INDEXED BY events_without_leaf"
            " WHERE leaf IS NULL AND number > ? ORDER BY number LIMIT ?",
            after,
            count,
        )

    async def is_complete(self) -> bool:
        return not await self.without_leaf(0, 1)

    async def freeze(self, number: int, leaf: FrozenLeaf) -> None:
        await self._database.execute_few(
            "UPDATE events SET leaf = ?, salt = ?, opening = ? WHERE number = ? AND leaf IS NULL",
            leaf.leaf,
            leaf.salt,
            leaf.opening,
            number,
        )

    async def complete_logs(self, after: int, count: int) -> int:
        return await self._database.write(partial(_complete_logs, after, count))


# The row in `work` that exists until deleted bytes were overwritten.
_DELETED_BYTES = ("deleted-bytes", "database")


def _forget_origins(before_ms: int, count: int, connection: sqlite3.Connection) -> int:
    # The index holds those that have something to anonymize, and its first are the oldest.
    found = connection.execute(
        "SELECT number, body FROM events INDEXED BY events_personal"
        " WHERE personal AND body ->> '$.at_ms' < ? ORDER BY number LIMIT ?",
        (before_ms, count),
    ).fetchall()
    for number, body in found:
        _rewrite(number, anonymized(Event.model_validate_json(body)), connection)
    if found:
        _note_deleted_bytes(connection)
    return len(found)


def _forget_account(account_id: str, connection: sqlite3.Connection) -> int:
    found = connection.execute(
        "SELECT number, body FROM event_streams JOIN events USING (number) WHERE stream = ?"
        " UNION SELECT number, body FROM events INDEXED BY events_personal"
        " WHERE personal AND body ->> '$.actor' = ?",
        (account_stream(account_id), account_id),
    )
    changed = 0
    for number, body in found.fetchall():
        event = Event.model_validate_json(body)
        rest = without_account(event, account_id)
        if rest != event:
            _rewrite(number, rest, connection)
            changed += 1
    # This is needed even if no event changed: records of the account were deleted before.
    _note_deleted_bytes(connection)
    return changed


def _rewrite(number: int, event: Event, connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE events SET body = ?, personal = ? WHERE number = ?",
        (event.model_dump_json(), is_personal(event), number),
    )


def _note_deleted_bytes(connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO work (kind, key, value, expires_ms)"
        " VALUES (?, ?, hex(randomblob(8)), ?)",
        (*_DELETED_BYTES, LAST),
    )


def _numbered(number: int, body: str) -> tuple[int, Event]:
    return number, Event.model_validate_json(body)


def _logged(number: int, body: str, leaf: bytes | None, salt: bytes, opening: bytes) -> LoggedEvent:
    stored = None if leaf is None else FrozenLeaf(leaf, salt, opening)
    return LoggedEvent(number, Event.model_validate_json(body), stored)


def _leaf(leaf: bytes | None) -> bytes:
    return leaf or b""


def _publish(
    source: Head | Release | PendingEvents, freeze: Freeze, connection: sqlite3.Connection
) -> None:
    _append(source.outbox, freeze, connection)
    # Clearing leaves the revision as it is: the record did not change for those who decide by it.
    clear = "SET body = json_set(body, '$.outbox', json('[]')), waiting_since = NULL"
    if isinstance(source, Release):
        table = "releases"
        key = (source.coordinate.package.key, source.version, source.revision)
        where = "WHERE pk = ? AND version = ? AND revision = ?"
    elif isinstance(source, Head):
        table = "heads"
        key = (source.package.key, source.revision)
        where = "WHERE pk = ? AND revision = ?"
    else:
        table = "entities"
        key = (source.kind, *source.place, source.revision)
        where = "WHERE kind = ? AND owner = ? AND key = ? AND revision = ?"
        connection.execute(f"DELETE FROM entities {where} AND removed", key)  # noqa: S608 - ours.
    connection.execute(f"UPDATE {table} {clear} {where}", key)


def _append(events: Sequence[Event], freeze: Freeze, connection: sqlite3.Connection) -> None:
    number = _next_number(connection)
    for event in events:  # Only a stored event takes a number.
        if _insert(number, event, freeze(event, number), connection):
            number += 1


def _restore(events: Sequence[LoggedEvent], connection: sqlite3.Connection) -> None:
    number = _next_number(connection)
    for each in events:
        if _insert(number, each.event, each.leaf, connection):
            number += 1


def _next_number(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT coalesce(max(number), 0) + 1 FROM events").fetchone()[0]


def _insert(
    number: int, event: Event, leaf: FrozenLeaf | None, connection: sqlite3.Connection
) -> bool:
    """Store an event and add it to its logs; return whether it was not there yet."""
    stored = (leaf.leaf, leaf.salt, leaf.opening) if leaf else (None, None, None)
    row = connection.execute(
        "INSERT INTO events (number, id, body, personal, leaf, salt, opening)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING number",
        (number, event.id, event.model_dump_json(), is_personal(event), *stored),
    ).fetchone()
    if row is None:
        return False
    _add_to_logs(number, event, connection)
    return True


def _add_to_logs(number: int, event: Event, connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO event_streams (stream, number) VALUES (?, ?)",
        [(stream, number) for stream in event.streams],
    )


def _complete_logs(after: int, count: int, connection: sqlite3.Connection) -> int:
    found = connection.execute(
        "SELECT number, body FROM events WHERE number > ? ORDER BY number LIMIT ?", (after, count)
    ).fetchall()
    for number, body in found:
        _add_to_logs(number, Event.model_validate_json(body), connection)
    return found[-1][0] if found else after


class SqliteWork:
    """The WorkStore of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, kind: str, key: str, value: str, expires_ms: int) -> None:
        await self._database.execute_few(
            "INSERT INTO work (kind, key, value, expires_ms) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value, expires_ms = excluded.expires_ms",
            kind,
            key,
            value,
            expires_ms,
        )

    async def take(self, kind: str, key: str, now_ms: int) -> str | None:
        # A wrong guess is a read: it does not wait for writers, nor they for it.
        if self._database.row("SELECT 1 FROM work WHERE kind = ? AND key = ?", kind, key) is None:
            return None
        return await self._database.write_few(partial(_take, kind, key, now_ms))

    async def peek(self, kind: str, key: str, now_ms: int) -> str | None:
        row = self._database.row(
            "SELECT value FROM work WHERE kind = ? AND key = ? AND expires_ms > ?",
            kind,
            key,
            now_ms,
        )
        return None if row is None else row[0]

    async def claim(self, kind: str, key: str, value: str, *, expires_ms: int, now_ms: int) -> bool:
        changed = await self._database.execute_few(
            "INSERT INTO work (kind, key, value, expires_ms) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value, expires_ms = excluded.expires_ms"
            " WHERE expires_ms <= ?",
            kind,
            key,
            value,
            expires_ms,
            now_ms,
        )
        return changed > 0

    async def count(self, counters: Sequence[Counter], now_ms: int) -> list[int]:
        return await self._database.write_unsynced(
            lambda connection: [_count(each, now_ms, connection) for each in counters]
        )

    async def lease(self, name: str, owner: str, now_ms: int, until_ms: int) -> bool:
        changed = await self._database.execute_few(
            "INSERT INTO leases (name, owner, until_ms) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms"
            " WHERE owner = excluded.owner OR until_ms <= ?",
            name,
            owner,
            until_ms,
            now_ms,
        )
        return changed > 0

    async def remove_expired(self, before_ms: int) -> int:
        return await self._database.write(partial(_remove_expired, before_ms))


def _take(kind: str, key: str, now_ms: int, connection: sqlite3.Connection) -> str | None:
    rows = connection.execute(
        "DELETE FROM work WHERE kind = ? AND key = ? RETURNING value, expires_ms", (kind, key)
    ).fetchall()
    return rows[0][0] if rows and rows[0][1] > now_ms else None


def _count(counter: Counter, now_ms: int, connection: sqlite3.Connection) -> int:
    # An expired count starts at zero again, with a new expiry.
    (total,) = connection.execute(
        "INSERT INTO counters (kind, key, total, expires_ms) VALUES (:kind, :key, :amount, :until)"
        " ON CONFLICT DO UPDATE SET"
        " total = CASE WHEN expires_ms > :now THEN total ELSE 0 END + excluded.total,"
        " expires_ms = CASE WHEN expires_ms > :now THEN expires_ms ELSE excluded.expires_ms END"
        " RETURNING total",
        {
            "kind": counter.kind,
            "key": counter.key,
            "amount": counter.amount,
            "until": counter.expires_ms,
            "now": now_ms,
        },
    ).fetchone()
    return total


def _remove_expired(before_ms: int, connection: sqlite3.Connection) -> int:
    work = connection.execute("DELETE FROM work WHERE expires_ms < ?", (before_ms,))
    leases = connection.execute("DELETE FROM leases WHERE until_ms < ?", (before_ms,))
    counts = connection.execute("DELETE FROM counters WHERE expires_ms < ?", (before_ms,))
    return work.rowcount + leases.rowcount + counts.rowcount
