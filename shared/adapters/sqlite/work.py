"""Short-lived state in SQLite."""

import sqlite3
from collections.abc import Sequence
from functools import partial

from shared.adapters.sqlite.database import Database
from shared.domain.times import CLOCK_DIFFERENCE_MS
from shared.ports.work import Counter


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
            " WHERE owner = excluded.owner OR until_ms <= ? OR until_ms > ?",
            name,
            owner,
            until_ms,
            now_ms,
            until_ms + CLOCK_DIFFERENCE_MS,
        )
        return changed > 0

    async def end_lease(self, name: str, owner: str) -> None:
        statement = "DELETE FROM leases WHERE name = ? AND owner = ?"
        await self._database.execute_few(statement, name, owner)

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
