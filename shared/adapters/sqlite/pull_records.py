"""The record of pulls in SQLite: a row a pull."""

import json
import sqlite3
from collections.abc import Iterable
from functools import partial

from shared.adapters.sqlite.database import Database
from shared.domain.pull_records import (
    FoundPulls,
    PullQuery,
    PullRecordBatch,
    RecordedPull,
    number_in_cursor,
)

ROWS_A_TRANSACTION = 5_000  # Deleting them takes some 20 ms; pushes go between two.

_COLUMNS = "org, name, version, at_ms, principal, credential, job, network"

# One statement for all rows, for the reason in `pull_ledger.py`.
_ADD = """
    INSERT INTO pull_records
        (org, name, version, window, at_ms, principal, credential, job, network)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
        value ->> 6, value ->> 7, value ->> 8
    FROM json_each(?) WHERE true ON CONFLICT DO NOTHING
"""


# The index has the pulls of an organization in the order of their times, so this reads an entry for
# each organization, and those that it deletes. The numbers have the order of the clock, which may
# have been ahead.
_REMOVE_BEFORE = """
    DELETE FROM pull_records WHERE number IN (
        WITH RECURSIVE orgs (org) AS (
            SELECT min(org) FROM pull_records
            UNION ALL
            SELECT (SELECT min(org) FROM pull_records WHERE org > orgs.org)
            FROM orgs WHERE orgs.org IS NOT NULL
        )
        SELECT pulls.number FROM orgs CROSS JOIN pull_records AS pulls
        WHERE pulls.org = orgs.org AND pulls.at_ms < ? LIMIT ?
    )
"""


class SqlitePullRecords:
    """The PullRecordStore of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, batch: PullRecordBatch) -> None:
        await self._database.write(partial(_record, batch.pulls))

    async def find(self, query: PullQuery) -> FoundPulls:
        conditions, values = _conditions(query)
        statement = (
            f"SELECT number, {_COLUMNS} FROM pull_records WHERE {' AND '.join(conditions)}"  # noqa: S608 - texts of this file.
            " ORDER BY at_ms DESC, number DESC LIMIT ?"
        )
        rows = await self._database.decoded(_numbered, statement, *values, query.count + 1)
        shown = rows[: query.count]
        next_ = f"{shown[-1][1].at_ms}.{shown[-1][0]}" if len(rows) > query.count else ""
        return FoundPulls(tuple(pull for _, pull in shown), next_)

    async def of_principal(self, principal: str, count: int) -> list[RecordedPull]:
        statement = f"SELECT {_COLUMNS} FROM pull_records WHERE principal = ? LIMIT ?"  # noqa: S608
        return await self._database.decoded(RecordedPull, statement, principal, count)

    async def forget_principal(self, principal: str) -> int:
        # Read on a thread, because there is no index: this is done once for an erased account.
        statement = "SELECT number FROM pull_records WHERE principal = ?"
        numbers = await self._database.decoded(int, statement, principal)
        for start in range(0, len(numbers), ROWS_A_TRANSACTION):
            await self._database.execute(
                "DELETE FROM pull_records WHERE number IN (SELECT value FROM json_each(?))",
                json.dumps(numbers[start : start + ROWS_A_TRANSACTION]),
            )
        return len(numbers)

    async def remove_before(self, before_ms: int, count: int) -> int:
        return await self._database.execute(_REMOVE_BEFORE, before_ms, count)


def _record(pulls: Iterable[RecordedPull], connection: sqlite3.Connection) -> None:
    connection.execute(_ADD, (json.dumps([_row(each) for each in pulls]),))


def _row(pull: RecordedPull) -> tuple[str | int, ...]:
    who = (pull.principal, pull.credential, pull.job, pull.network)
    return (pull.org, pull.name, pull.version, pull.window, pull.at_ms, *who)


def _numbered(number: int, *columns: str | int) -> tuple[int, RecordedPull]:
    return number, RecordedPull(*columns)  # pyright: ignore[reportArgumentType] - in its order.


def _conditions(query: PullQuery) -> tuple[list[str], list[str | int]]:
    """Return what the rows of a query fulfil, and the values in it."""
    conditions = ["org = ?", "at_ms >= ?"]
    values = list[str | int]([query.org, query.since_ms])
    if query.package:
        conditions.append("name = ?")
        values.append(query.package)
    if query.version:
        conditions.append("version = ?")
        values.append(query.version)
    if query.principal:
        conditions.append("? IN (principal, credential, job)")
        values.append(query.principal)
    if query.until_ms is not None:
        conditions.append("at_ms < ?")
        values.append(query.until_ms)
    if query.before:
        conditions.append("(at_ms, number) < (?, ?)")
        values += _position(query.before)
    return conditions, values


def _position(cursor: str) -> tuple[int, int]:
    at_ms, _, number = cursor.partition(".")
    return number_in_cursor(at_ms, cursor), number_in_cursor(number, cursor)
