"""Access tokens in SQLite."""

import sqlite3
from functools import lru_cache, partial

from shared.adapters.sqlite.database import Database
from shared.domain.identity import Token
from shared.ports import AlreadyThere

_read = lru_cache(1_024)(Token.model_validate_json)  # By the text, so a changed token is read anew.


class SqliteTokens:
    """The TokenStore of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        """Keep the tokens in `database`."""
        self._database = database

    async def find(self, owner: str, token_hash: str) -> Token | None:
        """Return the token, or None."""
        row = self._database.row(
            "SELECT body FROM tokens WHERE owner = ? AND hash = ?", owner, token_hash
        )
        return None if row is None else _read(row[0])

    async def add(self, token: Token) -> None:
        """Store a new token; raise `AlreadyThere` when the hash or the id is taken."""
        await self._database.write(partial(_add, token))

    async def list(self, owner: str) -> list[Token]:
        """Return the owner's tokens, oldest first."""
        return await self._database.scan(partial(_list, owner))

    async def remove(self, owner: str, token_id: str) -> bool:
        """Delete the token; say whether it was there."""
        return await self._database.write(partial(_remove, owner, token_id))

    async def touch(self, owner: str, token_id: str, used_ms: int) -> None:
        """Note the last use; nothing happens when the token is gone."""
        await self._database.write(partial(_touch, owner, token_id, used_ms))

    async def remove_expired(self, before_ms: int) -> int:
        """Delete tokens that expired before that time; return how many."""
        return await self._database.write(partial(_remove_expired, before_ms))


def _add(token: Token, connection: sqlite3.Connection) -> None:
    cursor = connection.execute(
        "INSERT INTO tokens (owner, hash, id, created_ms, expires_ms, body)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            token.owner,
            token.hash,
            token.id,
            token.created_ms,
            token.expires_ms,
            token.model_dump_json(),
        ),
    )
    if not cursor.rowcount:
        raise AlreadyThere


def _list(owner: str, connection: sqlite3.Connection) -> list[Token]:
    rows = connection.execute(
        "SELECT body FROM tokens WHERE owner = ? ORDER BY created_ms, rowid", (owner,)
    )
    return [Token.model_validate_json(body) for (body,) in rows]


def _remove(owner: str, token_id: str, connection: sqlite3.Connection) -> bool:
    statement = "DELETE FROM tokens WHERE owner = ? AND id = ?"
    return connection.execute(statement, (owner, token_id)).rowcount > 0


def _touch(owner: str, token_id: str, used_ms: int, connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE tokens SET body = json_set(body, '$.last_used_ms', ?) WHERE owner = ? AND id = ?",
        (used_ms, owner, token_id),
    )


def _remove_expired(before_ms: int, connection: sqlite3.Connection) -> int:
    return connection.execute("DELETE FROM tokens WHERE expires_ms < ?", (before_ms,)).rowcount
