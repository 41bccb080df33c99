"""Pull counts in SQLite."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import partial

from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.metadata import read_head
from shared.domain.names import Package
from shared.ports import Pull, PullBatch, PullHistory, RollUp

GUARDS_A_TRANSACTION = 5_000  # Deleting them takes some 20 ms; pushes go between two batches.


class SqlitePulls:
    """The PullLedger of a registry on one machine."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, batch: PullBatch) -> None:
        await self._database.write(partial(_record, batch.counts))

    async def roll_up(self, before_window: int, today: str) -> RollUp:  # noqa: ARG002 - all.
        changed = await self._database.write(_roll_up)
        while await self._database.write(partial(_forget, before_window)) == GUARDS_A_TRANSACTION:
            pass
        return RollUp(changed, is_behind=False)

    async def restore(self, package: Package, daily: Mapping[str, Mapping[str, int]]) -> None:
        await self._database.write(partial(_restore, package.key, daily))

    async def daily(self, package: Package) -> Mapping[str, Mapping[str, int]]:
        return await self._database.scan(partial(_daily, package.key))

    async def history(self, package: Package, since: str) -> PullHistory:
        return await self._database.scan(partial(_history, package.key, since))


def _record(pulls: Iterable[Pull], connection: sqlite3.Connection) -> None:
    """Count pulls and add them to the heads: readers see them at once, and the search with the next
    roll-up, which is told by `pending`."""
    counted = Counter[str]()
    for pull in pulls:
        pk, version = pull.coordinate.package.key, pull.coordinate.version.text
        guard = connection.execute(
            "INSERT INTO pull_guards (window, pk, version, caller) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (pull.window, pk, version, pull.caller),
        )
        if guard.rowcount:
            counted[pk] += 1
            connection.execute(
                "INSERT INTO pull_counts (pk, version, day, pulls, pending) VALUES (?, ?, ?, 1, 1)"
                " ON CONFLICT DO UPDATE SET pulls = pulls + 1, pending = pending + 1",
                (pk, version, pull.day),
            )
    connection.executemany(
        "UPDATE heads SET body = json_set(body, '$.pulls', (body ->> '$.pulls') + ?) WHERE pk = ?",
        [(pulls, pk) for pk, pulls in counted.items()],
    )


def _roll_up(connection: sqlite3.Connection) -> list[Package]:
    rows = connection.execute(
        "SELECT body FROM heads WHERE pk IN (SELECT pk FROM pull_counts WHERE pending > 0)"
    ).fetchall()
    connection.execute("UPDATE pull_counts SET pending = 0 WHERE pending > 0")
    return [read_head(body).package for (body,) in rows]


def _forget(before_window: int, connection: sqlite3.Connection) -> int:
    return connection.execute(
        "DELETE FROM pull_guards WHERE (window, pk, version, caller) IN"
        " (SELECT window, pk, version, caller FROM pull_guards WHERE window < ? LIMIT ?)",
        (before_window, GUARDS_A_TRANSACTION),
    ).rowcount


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


def _history(pk: str, since: str, connection: sqlite3.Connection) -> PullHistory:
    # Grouped in SQLite: a year of a hundred versions is 36,500 rows, and a few hundred of these.
    rows = connection.execute(
        "SELECT version, substr(day, 1, 7) AS month, iif(day >= ?, day, '') AS recent,"
        " sum(pulls) AS counted FROM pull_counts WHERE pk = ?"
        " GROUP BY version, month, recent",
        (since, pk),
    )
    versions, months = Counter[str](), Counter[str]()
    days: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for version, month, day, pulls in rows:
        versions[version] += pulls
        months[month] += pulls
        if day:
            days[day][version] = pulls
    return PullHistory(dict(versions), dict(months), dict(days))
