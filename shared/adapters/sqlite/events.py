"""The feed of all changes in SQLite."""

import sqlite3
from collections.abc import Sequence
from functools import partial

from shared.adapters.sqlite.database import Database
from shared.domain.package import Event, Head, Release


class SqliteEvents:
    """The EventStore of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        """Keep the feed in `database`, where the records with their outboxes are."""
        self._database = database

    async def publish(self, source: Head | Release) -> None:
        """Append the record's waiting events that are not in the feed, then clear its outbox."""
        if source.outbox:
            await self._database.write(partial(_publish, source))

    async def append(self, events: Sequence[Event]) -> None:
        """Append events; those that are there already are left alone."""
        if events:
            await self._database.write(partial(_append, events))

    async def since(self, number: int, count: int) -> list[tuple[int, Event]]:
        """Return up to `count` events with their numbers, from the first after `number`."""
        return await self._database.scan(partial(_since, number, count))


def _publish(source: Head | Release, connection: sqlite3.Connection) -> None:
    _append(source.outbox, connection)
    if isinstance(source, Release):
        _clear_release(source, connection)
    else:
        _clear_head(source, connection)


def _append(events: Sequence[Event], connection: sqlite3.Connection) -> None:
    for event in events:  # A number is taken only by a row that is stored.
        connection.execute(
            "INSERT INTO events (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (event.id, event.model_dump_json()),
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


def _since(number: int, count: int, connection: sqlite3.Connection) -> list[tuple[int, Event]]:
    rows = connection.execute(
        "SELECT number, body FROM events WHERE number > ? ORDER BY number LIMIT ?", (number, count)
    )
    return [(place, Event.model_validate_json(body)) for place, body in rows]
