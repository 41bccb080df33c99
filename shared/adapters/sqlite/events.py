"""The feed of all audit events in SQLite."""

import sqlite3
from collections.abc import Sequence
from functools import partial

from shared.adapters.sqlite.database import Database, Work
from shared.domain.packages import Head, Release
from shared.domain.records import Event, PendingEvents

LAST = 2**63 - 1  # No event has a higher number.
EVENTS_ON_THE_LOOP = 16  # Writing them takes half a millisecond.


class SqliteEvents:
    """The EventStore of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish(self, source: Head | Release | PendingEvents) -> None:
        if source.outbox:
            await self._write(source.outbox, partial(_publish, source))

    async def append(self, events: Sequence[Event]) -> None:
        if events:
            await self._write(events, partial(_append, events))

    async def _write(self, events: Sequence[Event], work: Work[None]) -> None:
        is_short = len(events) <= EVENTS_ON_THE_LOOP
        await (self._database.write_few if is_short else self._database.write)(work)

    async def since(self, number: int, count: int) -> list[tuple[int, Event]]:
        return await self._database.scan(partial(_since, number, count))

    async def forget_origins(self, before_ms: int, count: int) -> int:
        return await self._database.write(partial(_forget_origins, before_ms, count))

    async def stream(self, name: str, before: int | None, count: int) -> list[tuple[int, Event]]:
        return await self._database.scan(partial(_stream, name, before, count))


def _publish(source: Head | Release | PendingEvents, connection: sqlite3.Connection) -> None:
    _append(source.outbox, connection)
    if isinstance(source, Release):
        _clear_release(source, connection)
    elif isinstance(source, PendingEvents):
        _clear_entity(source, connection)
    else:
        _clear_head(source, connection)


def _append(events: Sequence[Event], connection: sqlite3.Connection) -> None:
    for event in events:  # A number is taken only by a row that is stored.
        row = connection.execute(
            "INSERT INTO events (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING number",
            (event.id, event.model_dump_json()),
        ).fetchone()
        if row:
            _file(event, row[0], connection)


def _file(event: Event, number: int, connection: sqlite3.Connection) -> None:
    connection.executemany(
        "INSERT INTO event_streams (stream, number) VALUES (?, ?)",
        [(stream, number) for stream in event.streams],
    )


# Clearing leaves the revision as it is: the record did not change for those who decide by it.


def _clear_release(release: Release, connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE releases SET body = json_set(body, '$.outbox', json('[]')), waiting_since = NULL"
        " WHERE pk = ? AND version = ? AND revision = ?",
        (release.coordinate.package.key, release.version, release.revision),
    )


def _clear_head(head: Head, connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE heads SET body = json_set(body, '$.outbox', json('[]')), waiting_since = NULL"
        " WHERE pk = ? AND revision = ?",
        (head.package.key, head.revision),
    )


def _clear_entity(waiting: PendingEvents, connection: sqlite3.Connection) -> None:
    at = (waiting.kind, *waiting.place, waiting.revision)
    where = "WHERE kind = ? AND owner = ? AND key = ? AND revision = ?"
    connection.execute(f"DELETE FROM entities {where} AND removed", at)  # noqa: S608 - constants.
    connection.execute(
        "UPDATE entities SET body = json_set(body, '$.outbox', json('[]')),"  # noqa: S608
        f" waiting_since = NULL {where}",
        at,
    )


def _since(number: int, count: int, connection: sqlite3.Connection) -> list[tuple[int, Event]]:
    rows = connection.execute(
        "SELECT number, body FROM events WHERE number > ? ORDER BY number LIMIT ?", (number, count)
    )
    return [(place, Event.model_validate_json(body)) for place, body in rows]


def _stream(
    name: str, before: int | None, count: int, connection: sqlite3.Connection
) -> list[tuple[int, Event]]:
    rows = connection.execute(
        "SELECT events.number, body FROM event_streams JOIN events USING (number)"
        " WHERE stream = ? AND event_streams.number < ?"
        " ORDER BY event_streams.number DESC LIMIT ?",
        (name, LAST if before is None else before, count),
    )
    return [(place, Event.model_validate_json(body)) for place, body in rows]


def _forget_origins(before_ms: int, count: int, connection: sqlite3.Connection) -> int:
    # The index holds those that still have one, and its first are the oldest.
    return connection.execute(
        "UPDATE events SET body = json_set(body, '$.address', '', '$.credential', '')"
        " WHERE number IN ("
        "  SELECT number FROM events INDEXED BY events_with_origin"
        "  WHERE (body ->> '$.address') || (body ->> '$.credential') <> ''"
        "  AND body ->> '$.at_ms' < ? ORDER BY number LIMIT ?)",
        (before_ms, count),
    ).rowcount
