"""The writer of one process: what waits together is committed together."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from shared.adapters.paths import data_version_path
from shared.adapters.sqlite.connections import DatabaseDamaged
from shared.adapters.sqlite.database import JOBS_PER_COMMIT, Database, DataVersionFile, Writer
from shared.domain.errors.requests import Busy, StorageFull
from tests.unit.adapters.sqlite.sample_database import FIRST, adding, nearly_full, notes

Work = Callable[[sqlite3.Connection], object]
DEADLINE = 60  # Seconds: a writer that hangs fails its test.


class Refused(Exception):
    """What some work of these tests ends with."""


def refused(connection: sqlite3.Connection) -> None:
    """Change something, then refuse."""
    adding("refused")(connection)
    raise Refused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a database of notes."""
    Database(tmp_path / "notes.db", [FIRST]).migrate()
    return tmp_path / "notes.db"


@pytest.fixture
def mark(path: Path) -> Iterator[DataVersionFile]:
    """Return the mark of the database."""
    with closing(DataVersionFile(data_version_path(path))) as opened:
        yield opened


@pytest.fixture
def writer(path: Path, mark: DataVersionFile) -> Iterator[Writer]:
    """Return a writer that does not wait for others."""
    opened = Writer(path, timedelta(0), mark)
    yield opened
    opened.close()


def stored(path: Path) -> list[str]:
    """Return what another process would read."""
    with closing(sqlite3.connect(path)) as connection:
        return notes(connection)


def outcome(future: Future[object]) -> object:
    """Return what came of the work: its result, or its error."""
    return future.exception(DEADLINE) or future.result(DEADLINE)


def queued(writer: Writer, works: Sequence[Work]) -> tuple[Event, list[Future[object]]]:
    """Queue the works behind something that ends with an event."""
    go_on = Event()
    writer._thread.submit(go_on.wait, DEADLINE)
    return go_on, [writer.submit(work) for work in works]


def together(writer: Writer, *works: Work) -> list[object]:
    """Let the works wait together, and return what came of each."""
    go_on, waiting = queued(writer, works)
    go_on.set()
    return [outcome(each) for each in waiting]


def commits(writer: Writer, *works: Work) -> int:
    """Let the works wait together, and count the commits that they take."""
    statements: list[str] = []
    writer._connection.set_trace_callback(statements.append)
    together(writer, *works)
    writer._connection.set_trace_callback(None)
    return statements.count("COMMIT")


def test_work_is_durable_when_it_is_done(writer: Writer, path: Path) -> None:
    assert writer.submit(adding("one")).result(DEADLINE) == 1
    assert stored(path) == ["one"]


def test_work_that_is_refused_changes_nothing(writer: Writer, path: Path) -> None:
    assert isinstance(outcome(writer.submit(refused)), Refused)
    assert stored(path) == []


def test_what_waits_together_is_committed_together(writer: Writer, path: Path) -> None:
    assert commits(writer, *(adding(f"note {number}") for number in range(20))) == 1
    assert stored(path) == [f"note {number}" for number in range(20)]


def test_no_commit_holds_more_than_its_share(writer: Writer, path: Path) -> None:
    assert commits(writer, *(adding(str(number)) for number in range(JOBS_PER_COMMIT + 1))) == 2
    assert len(stored(path)) == JOBS_PER_COMMIT + 1


def test_refused_work_takes_none_of_its_company_with_it(writer: Writer, path: Path) -> None:
    one, other, two = together(writer, adding("one"), refused, adding("two"))
    assert isinstance(other, Refused)
    assert (one, two) == (1, 2)
    assert stored(path) == ["one", "two"]


def test_work_that_breaks_a_constraint_takes_none_of_its_company(
    writer: Writer, path: Path
) -> None:
    one, other, two = together(writer, adding("one"), adding("one"), adding("two"))
    assert isinstance(other, DatabaseDamaged)
    assert (one, two) == (1, 2)
    assert stored(path) == ["one", "two"]


def test_of_work_that_waits_together_what_finds_no_room_fails_alone(
    writer: Writer, path: Path
) -> None:
    writer.submit(nearly_full).result(DEADLINE)
    one, other, two = together(writer, adding("one"), adding("x" * 1_000_000), adding("two"))
    assert isinstance(other, StorageFull)
    assert (one, two) == (1, 2)
    assert stored(path) == ["one", "two"]


def test_all_that_waited_together_is_busy_when_another_process_writes(
    writer: Writer, path: Path
) -> None:
    go_on, waiting = queued(writer, [adding(str(number)) for number in range(5)])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        go_on.set()
        assert [type(outcome(each)) for each in waiting] == [Busy] * 5
    assert stored(path) == []


def test_work_whose_caller_gave_up_before_it_began_is_not_done(writer: Writer, path: Path) -> None:
    go_on, (late,) = queued(writer, [adding("late")])
    assert late.cancel()
    go_on.set()
    assert writer.submit(adding("next")).result(DEADLINE) == 1
    assert stored(path) == ["next"]


def test_the_mark_is_another_one_before_anybody_is_told(
    writer: Writer, mark: DataVersionFile
) -> None:
    seen = [mark.read()]
    for number in range(5):
        told = list[bytes]()
        writer.submit(adding(str(number))).add_done_callback(lambda _: told.append(mark.read()))  # noqa: B023
        writer.submit(adding(f"after {number}")).result(DEADLINE)
        seen += told
    assert len(set(seen)) == 6


def test_the_mark_is_renewed_for_what_is_committed_together(
    writer: Writer, mark: DataVersionFile
) -> None:
    before = mark.read()
    go_on, futures = queued(writer, [adding("one"), adding("two")])
    assert mark.read() == before
    go_on.set()
    assert [future.result(DEADLINE) for future in futures] == [1, 2]
    assert mark.read() != before


def test_what_is_refused_leaves_the_mark(writer: Writer, mark: DataVersionFile) -> None:
    before = mark.read()
    with pytest.raises(Refused):
        writer.submit(refused).result(DEADLINE)
    assert mark.read() == before


def test_closing_finishes_what_was_begun(path: Path, mark: DataVersionFile) -> None:
    writer = Writer(path, timedelta(0), mark)
    futures = [writer.submit(adding(str(number))) for number in range(10)]
    writer.close()
    assert all(future.done() for future in futures)
    assert len(stored(path)) == 10
