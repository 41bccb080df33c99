"""The feed of all audit events in SQLite."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile

from shared.adapters.sqlite.database import Database, Work
from shared.domain.entities import PendingEvents
from shared.domain.events import Event, account_stream, anonymized, is_personal, without_account
from shared.domain.packages import Head, Release
from shared.domain.transparency.leaves import SALT_BYTES, FrozenLeaf, LoggedEvent, frozen
from shared.ports.system import Randomness

LAST = 2**63 - 1  # No event has a higher number.
EVENTS_ON_THE_LOOP = 16  # Writing them takes half a millisecond.

Freeze = Callable[[Event, int], FrozenLeaf]  # Makes the leaf of an event and its number.


class SqliteEvents:
    """The EventStore of a registry on one machine."""

    def __init__(self, database: Database, randomness: Randomness) -> None:
        self._database = database
        self._randomness = randomness

    async def append_outbox(self, source: Head | Release | PendingEvents) -> None:
        if source.outbox:
            await self._write(source.outbox, partial(_append_outbox, source, self._frozen))

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


def _append_outbox(
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
