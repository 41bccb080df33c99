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
        statement = "SELECT number, body FROM events WHERE number > ? ORDER BY number LIMIT ?"
        return await self._database.decoded(_numbered, statement, number, count)

    async def forget_origins(self, before_ms: int, count: int) -> int:
        # The index holds those that still have one, and its first are the oldest.
        return await self._database.execute(
            "UPDATE events SET body = json_set(body, '$.address', '', '$.credential', '')"
            " WHERE number IN ("
            "  SELECT number FROM events INDEXED BY events_with_origin"
            "  WHERE (body ->> '$.address') || (body ->> '$.credential') <> ''"
            "  AND body ->> '$.at_ms' < ? ORDER BY number LIMIT ?)",
            before_ms,
            count,
        )

    async def stream(self, name: str, before: int | None, count: int) -> list[tuple[int, Event]]:
        return await self._database.decoded(
            _numbered,
            "SELECT events.number, body FROM event_streams JOIN events USING (number)"
            " WHERE stream = ? AND event_streams.number < ?"
            " ORDER BY event_streams.number DESC LIMIT ?",
            *(name, LAST if before is None else before, count),
        )


def _numbered(number: int, body: str) -> tuple[int, Event]:
    return number, Event.model_validate_json(body)


def _publish(source: Head | Release | PendingEvents, connection: sqlite3.Connection) -> None:
    _append(source.outbox, connection)
    # Clearing leaves the revision as it is: the record did not change for those who decide by it.
    clear = "SET body = json_set(body, '$.outbox', json('[]')), waiting_since = NULL"
    if isinstance(source, Release):
        table, key = "releases", (source.coordinate.package.key, source.version, source.revision)
        where = "WHERE pk = ? AND version = ? AND revision = ?"
    elif isinstance(source, Head):
        table, key = "heads", (source.package.key, source.revision)
        where = "WHERE pk = ? AND revision = ?"
    else:
        table, key = "entities", (source.kind, *source.place, source.revision)
        where = "WHERE kind = ? AND owner = ? AND key = ? AND revision = ?"
        connection.execute(f"DELETE FROM entities {where} AND removed", key)  # noqa: S608 - ours.
    connection.execute(f"UPDATE {table} {clear} {where}", key)


def _append(events: Sequence[Event], connection: sqlite3.Connection) -> None:
    for event in events:  # A number is taken only by a row that is stored.
        row = connection.execute(
            "INSERT INTO events (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING number",
            (event.id, event.model_dump_json()),
        ).fetchone()
        if row:
            connection.executemany(
                "INSERT INTO event_streams (stream, number) VALUES (?, ?)",
                [(stream, row[0]) for stream in event.streams],
            )
