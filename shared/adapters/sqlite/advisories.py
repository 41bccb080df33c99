"""The files of imported advisories, in the database of one machine."""

from functools import partial
from sqlite3 import Connection

from shared.adapters.sqlite.database import Database


class SqliteAdvisoryFiles:
    """The AdvisoryFiles of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, name: str, content: bytes) -> None:
        await self._database.write(partial(_put, name, content))

    async def get(self, name: str) -> bytes | None:
        statement = "SELECT body FROM advisory_files WHERE name = ?"
        return next(iter(await self._database.decoded(bytes, statement, name)), None)

    async def names(self) -> list[str]:
        statement = "SELECT name FROM advisory_files ORDER BY name"
        return await self._database.decoded(str, statement)

    async def delete(self, name: str) -> None:
        await self._database.execute("DELETE FROM advisory_files WHERE name = ?", name)


def _put(name: str, content: bytes, connection: Connection) -> None:
    connection.execute("INSERT OR IGNORE INTO advisory_files VALUES (?, ?)", (name, content))
