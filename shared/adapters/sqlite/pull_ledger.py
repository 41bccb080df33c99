"""Pull counts in SQLite."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import partial

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.package_records import read_head
from shared.domain.coordinates import Package
from shared.ports.pull_ledger import Pull, PullBatch, PullHistory, RollUp

# Rows of counts read on the event loop, because passing them to a thread takes longer.
ROWS_ON_THE_LOOP = 50
GUARDS_A_TRANSACTION = 5_000  # Deleting them takes some 20 ms; pushes go between two batches.


class SqlitePulls:
    """The PullLedger of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, batch: PullBatch) -> None:
        await self._database.write(partial(_record, batch.counts))

    async def roll_up(self, before_window: int, today: str) -> RollUp:  # noqa: ARG002 - all.
        changed = await self._database.write(_roll_up)
        deleted = GUARDS_A_TRANSACTION
        while deleted == GUARDS_A_TRANSACTION:
            deleted = await self._database.execute(
                "DELETE FROM pull_guards WHERE (window, pk, version, caller) IN"
                " (SELECT window, pk, version, caller FROM pull_guards WHERE window < ? LIMIT ?)",
                before_window,
                GUARDS_A_TRANSACTION,
            )
        return RollUp(changed, is_behind=False)

    async def restore(self, package: Package, daily: Mapping[str, Mapping[str, int]]) -> None:
        await self._database.write(partial(_restore, package.key, daily))

    async def daily(self, package: Package) -> Mapping[str, Mapping[str, int]]:
        return await self._database.scan(partial(_daily, package.key))

    async def history(self, package: Package, since: str) -> PullHistory:
        counts = self._database.read(partial(_first_counts, package.key))
        if len(counts) > ROWS_ON_THE_LOOP:
            return await self._database.scan(partial(_history, package.key, since))
        return _history_of(
            (version, day[:7], day if day >= since else "", pulls) for version, day, pulls in counts
        )


# Four statements, however many pulls there are: while the event loop is busy, the writing thread
# waits for the interpreter after each step of a statement, and so do all other writers.
_NEW_PULLS = """
    SELECT json_group_array(json_array(window, pk, version, caller, day)) FROM (
        SELECT value ->> 0 AS window, value ->> 1 AS pk, value ->> 2 AS version,
            value ->> 3 AS caller, min(value ->> 4) AS day
        FROM json_each(?) GROUP BY 1, 2, 3, 4
    ) AS pulled WHERE NOT EXISTS (
        SELECT 1 FROM pull_guards AS known WHERE known.window = pulled.window
        AND known.pk = pulled.pk AND known.version = pulled.version
        AND known.caller = pulled.caller
    )
"""
_ADD_GUARDS = """
    INSERT INTO pull_guards (window, pk, version, caller)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)
"""
_ADD_COUNTS = """
    INSERT INTO pull_counts (pk, version, day, pulls, pending)
    SELECT value ->> 1, value ->> 2, value ->> 4, count(*), count(*) FROM json_each(?)
    WHERE true GROUP BY 1, 2, 3
    ON CONFLICT DO UPDATE SET pulls = pulls + excluded.pulls, pending = pending + excluded.pending
"""
_ADD_TO_HEADS = """
    UPDATE heads SET body = json_set(body, '$.pulls', (body ->> '$.pulls') + counted.pulls)
    FROM (SELECT value ->> 1 AS pk, count(*) AS pulls FROM json_each(?) GROUP BY 1) AS counted
    WHERE heads.pk = counted.pk
"""


def _record(pulls: Iterable[Pull], connection: sqlite3.Connection) -> None:
    """Count pulls and add them to the heads: readers see them at once, and the search with the next
    roll-up, which is told by `pending`."""
    asked = json.dumps([_row(each) for each in pulls])
    (new,) = connection.execute(_NEW_PULLS, (asked,)).fetchone()
    for statement in (_ADD_GUARDS, _ADD_COUNTS, _ADD_TO_HEADS):
        connection.execute(statement, (new,))


def _row(pull: Pull) -> tuple[int, str, str, str, str]:
    at = pull.coordinate
    return pull.window, at.package.key, at.version.text, pull.caller, pull.day


def _roll_up(connection: sqlite3.Connection) -> list[Package]:
    rows = connection.execute(
        "SELECT body FROM heads WHERE pk IN (SELECT pk FROM pull_counts WHERE pending > 0)"
    ).fetchall()
    connection.execute("UPDATE pull_counts SET pending = 0 WHERE pending > 0")
    return [read_head(body).package for (body,) in rows]


def _restore(
    pk: str, daily: Mapping[str, Mapping[str, int]], connection: sqlite3.Connection
) -> None:
    rows = [(pk, version, day, n) for version, days in daily.items() for day, n in days.items()]
    connection.execute("DELETE FROM pull_counts WHERE pk = ?", (pk,))
    connection.executemany(
        "INSERT INTO pull_counts (pk, version, day, pulls, pending) VALUES (?, ?, ?, ?, 0)", rows
    )
    connection.execute(
        "UPDATE heads SET body = json_set(body, '$.pulls', ?) WHERE pk = ?",
        (sum(row[-1] for row in rows), pk),
    )


def _daily(pk: str, connection: sqlite3.Connection) -> dict[str, dict[str, int]]:
    rows = connection.execute("SELECT version, day, pulls FROM pull_counts WHERE pk = ?", (pk,))
    counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for version, day, pulls in rows:
        counts[version][day] = pulls
    return dict(counts)


def _first_counts(pk: str, connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """Return the counts of a package: all of them, or one more than are read on the loop."""
    statement = "SELECT version, day, pulls FROM pull_counts WHERE pk = ? LIMIT ?"
    return connection.execute(statement, (pk, ROWS_ON_THE_LOOP + 1)).fetchall()


def _history(pk: str, since: str, connection: sqlite3.Connection) -> PullHistory:
    # Grouped in SQLite: a year of a hundred versions is 36,500 rows, and a few hundred of these.
    grouped = connection.execute(
        "SELECT version, substr(day, 1, 7) AS month, iif(day >= ?, day, '') AS recent,"
        " sum(pulls) AS counted FROM pull_counts WHERE pk = ?"
        " GROUP BY version, month, recent",
        (since, pk),
    )
    return _history_of(grouped)


def _history_of(rows: Iterable[tuple[str, str, str, int]]) -> PullHistory:
    """Return the sums of rows of a version, a month, a recent day or an empty text, and pulls."""
    versions = Counter[str]()
    months = Counter[str]()
    days: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for version, month, day, pulls in rows:
        versions[version] += pulls
        months[month] += pulls
        if day:
            days[day][version] = pulls
    return PullHistory(dict(versions), dict(months), dict(days))
