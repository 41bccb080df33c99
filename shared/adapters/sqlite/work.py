"""Short-lived state in SQLite."""

import sqlite3
from functools import partial

from shared.adapters.sqlite.database import Database


class SqliteWork:
    """The WorkStore of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        """Keep the state in `database`."""
        self._database = database

    async def put(self, kind: str, key: str, value: str, expires_ms: int) -> None:
        """Store a value until that time, over an older one."""
        await self._database.write(partial(_put, (kind, key, value, expires_ms)))

    async def take(self, kind: str, key: str, now_ms: int) -> str | None:
        """Return the value and delete it; None where it is absent or expired."""
        # Guesses are reads: they neither wait for writers nor hold them up.
        if self._database.row("SELECT 1 FROM work WHERE kind = ? AND key = ?", kind, key) is None:
            return None
        return await self._database.write(partial(_take, kind, key, now_ms))

    async def lease(self, name: str, owner: str, now_ms: int, until_ms: int) -> bool:
        """Take or renew the lease; False while another owner holds it."""
        return await self._database.write(partial(_lease, name, owner, now_ms, until_ms))

    async def remove_expired(self, before_ms: int) -> int:
        """Delete what expired before that time; return how many."""
        return await self._database.write(partial(_remove_expired, before_ms))


def _put(row: tuple[str, str, str, int], connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO work (kind, key, value, expires_ms) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET value = excluded.value, expires_ms = excluded.expires_ms",
        row,
    )


def _take(kind: str, key: str, now_ms: int, connection: sqlite3.Connection) -> str | None:
    rows = connection.execute(
        "DELETE FROM work WHERE kind = ? AND key = ? RETURNING value, expires_ms", (kind, key)
    ).fetchall()
    return rows[0][0] if rows and rows[0][1] > now_ms else None


def _lease(
    name: str, owner: str, now_ms: int, until_ms: int, connection: sqlite3.Connection
) -> bool:
    cursor = connection.execute(
        "INSERT INTO leases (name, owner, until_ms) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms"
        " WHERE owner = excluded.owner OR until_ms <= ?",
        (name, owner, until_ms, now_ms),
    )
    return cursor.rowcount > 0


def _remove_expired(before_ms: int, connection: sqlite3.Connection) -> int:
    work = connection.execute("DELETE FROM work WHERE expires_ms < ?", (before_ms,))
    leases = connection.execute("DELETE FROM leases WHERE until_ms < ?", (before_ms,))
    return work.rowcount + leases.rowcount
