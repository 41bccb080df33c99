"""What was deleted is in no page of the file, and in no frame of its log."""

import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from shared.adapters.sqlite.connections import open_to_write
from shared.adapters.sqlite.database import MIGRATIONS, Database
from shared.adapters.sqlite.directory import SqliteDirectory
from shared.adapters.sqlite.events import SqliteEvents
from shared.domain.account_names import AccountName
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.requests import Busy
from shared.domain.events import Event
from tests.fakes.system import FakeRandomness


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ballroom.db"


@pytest.fixture
def database(path: Path) -> Generator[Database]:
    database = Database(path, MIGRATIONS, patience=timedelta(milliseconds=50))
    database.migrate()
    yield database
    database.close()


def person(number: int, random: Random) -> tuple[Account, AccountName, Event]:
    """Return the records of somebody, which are of different lengths and thus move rows."""
    name = f"name{random.randrange(10**12)}of"
    account = Account(
        id=f"{random.randrange(10**10):010}", name=name, created_ms=1, email="x" * (number % 700)
    )
    claim = AccountName(name=name, account=account.id, created_ms=1)
    event = Event(
        id=f"e{number}",
        kind="account.created",
        at_ms=number,
        actor=account.id,
        subject=account.id,
        account=account.id,
        address="203.0.113.7",
        details={"name": name},
    )
    return account, claim, event


def test_every_connection_overwrites_what_it_deletes(path: Path, database: Database) -> None:
    with closing(open_to_write(path)) as connection:
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
    assert database.is_current()


async def test_deleted_names_are_in_no_file_after_they_were_overwritten(
    path: Path, database: Database
) -> None:
    directory = SqliteDirectory(database)
    events = SqliteEvents(database, FakeRandomness())
    random = Random(7)  # noqa: S311 - the same people in every run.
    people = [person(number, random) for number in range(100)]
    for account, claim, event in people:
        await directory.add(account)
        await directory.add(claim)
        await events.append([event])
    gone = random.sample(people, 60)
    for account, claim, _ in gone:
        await directory.remove(account)
        await directory.remove(claim)
        await events.forget_account(account.id)
    await events.overwrite_forgotten()
    log = path.with_name(f"{path.name}-wal")
    stored = b"".join(each.read_bytes() for each in (path, log) if each.exists())
    assert not [account.name for account, _, _ in gone if account.name.encode() in stored]
    kept = [account for account, *_ in people if account not in [each[0] for each in gone]]
    assert await directory.list_all(Account, Place(""), 1_000) == sorted(
        kept, key=lambda account: account.place
    )


async def test_what_could_not_be_overwritten_while_somebody_read_is_due_again(
    path: Path, database: Database
) -> None:
    events = SqliteEvents(database, FakeRandomness())
    random = Random(1)  # noqa: S311 - the same in every run.
    await events.append([person(1, random)[2]])
    await events.forget_origins(before_ms=100, count=10)
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        with pytest.raises(Busy):
            await events.overwrite_forgotten()
    due = "SELECT count(*) FROM work WHERE kind = 'deleted-bytes'"
    assert database.row(due) == (1,)
    await events.overwrite_forgotten()
    assert database.row(due) == (0,)


# SQLite locks these bytes of the index of a log while it copies the log into the file.
_COPYING = """
import fcntl, sys, time
with open(sys.argv[1], "r+b") as index:
    fcntl.lockf(index, fcntl.LOCK_EX, 1, 121)
    print("copying", flush=True)
    time.sleep(0.3)
"""


async def test_the_log_is_emptied_when_another_process_has_copied_it(path: Path) -> None:
    database = Database(path, MIGRATIONS, patience=timedelta(seconds=20))
    database.migrate()
    events = SqliteEvents(database, FakeRandomness())
    await events.append([person(1, Random(1))[2]])  # noqa: S311 - the same in every run.
    await events.forget_origins(before_ms=100, count=10)
    index = path.with_name(f"{path.name}-shm")
    command = [sys.executable, "-c", _COPYING, str(index)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as copying:
        assert copying.stdout is not None
        assert copying.stdout.readline() == b"copying\n"
        await events.overwrite_forgotten()
    assert database.row("SELECT count(*) FROM work WHERE kind = 'deleted-bytes'") == (0,)
    database.close()


async def test_a_file_of_an_earlier_version_is_overwritten_once(path: Path) -> None:
    Database(path, MIGRATIONS[:12]).migrate()
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("PRAGMA secure_delete = OFF")
        body = Event(
            id="e1",
            kind="session.ended",
            at_ms=1,
            actor="a",
            subject="s",
            details={"from": "1.2.3.4"},
        ).model_dump_json()
        old.execute("INSERT INTO events (id, body) VALUES ('e1', ?)", (body,))
        old.execute("INSERT INTO texts VALUES ('d', ?)", (b"Methuselah" * 900,))
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("PRAGMA secure_delete = OFF")
        old.execute("DELETE FROM texts")
    database = Database(path, MIGRATIONS)
    database.migrate()
    events = SqliteEvents(database, FakeRandomness())
    assert await events.forget_origins(before_ms=100, count=10) == 1
    await events.overwrite_forgotten()
    [(_, event)] = await events.since(0, 10)
    assert event.details == {}
    stored = path.read_bytes() + path.with_name(f"{path.name}-wal").read_bytes()
    assert b"Methuselah" not in stored
    assert b"1.2.3.4" not in stored
    database.close()
