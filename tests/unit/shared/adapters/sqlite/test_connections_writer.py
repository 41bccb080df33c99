"""Writes to one SQLite file, and the mark that says that something was written."""

import sqlite3
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event, get_ident

import pytest

from shared.adapters.data_folder import data_version_path
from shared.adapters.sqlite.connections import UNSYNCED_COMMITS, DatabaseDamaged, Writer
from shared.adapters.sqlite.database import DATA_VERSION_BYTES, Database, DataVersionFile
from shared.domain.errors.requests import Busy, StorageFull
from tests.paths import ROOT
from tests.unit.shared.adapters.sqlite.sample_database import FIRST, adding, nearly_full, notes

RENEW = """
import sys
from pathlib import Path
from shared.adapters.sqlite.database import DataVersionFile
DataVersionFile(Path(sys.argv[1])).renew()
"""


def test_a_mark_stays_until_it_is_renewed(tmp_path: Path) -> None:
    with closing(DataVersionFile(tmp_path / "mark")) as mark:
        assert mark.read() == mark.read()
        seen = {mark.read()}
        for _ in range(100):
            mark.renew()
            seen.add(mark.read())
    assert len(seen) == 101
    assert {len(each) for each in seen} == {DATA_VERSION_BYTES}


def test_other_processes_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    with closing(DataVersionFile(path)) as mark:
        before = mark.read()
        command = [sys.executable, "-c", RENEW, str(path)]
        subprocess.run(command, cwd=ROOT, check=True, timeout=60)
        assert mark.read() != before


FULL = """
import resource, sys
from pathlib import Path
from shared.adapters.sqlite.database import DataVersionFile
mark = DataVersionFile(Path(sys.argv[1]))
before = mark.read()
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
mark.renew()
assert mark.read() != before
resource.setrlimit(resource.RLIMIT_FSIZE, limits)  # The coverage is written at the end.
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit.")
def test_a_mark_changes_also_where_no_file_can_be_written(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / "mark")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)


Work = Callable[[sqlite3.Connection], object]
DEADLINE = 60  # Seconds: a writer that hangs fails its test.


class Refused(Exception):
    """What some work of these tests ends with."""


def refused(connection: sqlite3.Connection) -> None:
    """Change something, then refuse."""
    adding("refused")(connection)
    raise Refused


@pytest.fixture
def migrated_path(tmp_path: Path) -> Path:
    """Return a database of notes."""
    Database(tmp_path / "notes.db", [FIRST]).migrate()
    return tmp_path / "notes.db"


@pytest.fixture
def mark(migrated_path: Path) -> Iterator[DataVersionFile]:
    """Return the mark of the database."""
    with closing(DataVersionFile(data_version_path(migrated_path))) as opened:
        yield opened


@pytest.fixture
def writer(migrated_path: Path, mark: DataVersionFile) -> Iterator[Writer]:
    """Return a writer that does not wait for others."""
    opened = Writer(migrated_path, timedelta(0), mark.renew)
    yield opened
    opened.close()


def stored(migrated_path: Path) -> list[str]:
    """Return what another process would read."""
    with closing(sqlite3.connect(migrated_path)) as connection:
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


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("failure", [Refused, sqlite3.OperationalError])
def test_work_that_failed_is_forgotten_without_the_garbage_collector(
    writer: Writer, others: int, failure: type[Exception]
) -> None:
    class Failing:
        def __call__(self, _connection: sqlite3.Connection) -> None:
            raise failure

    work = Failing()
    kept = weakref.ref(work)
    outcomes = together(writer, work, *(adding(str(number)) for number in range(others)))
    assert isinstance(outcomes.pop(0), Exception)
    del work
    writer._thread.submit(int).result(DEADLINE)  # The thread has let go of its earlier work.
    assert kept() is None


def test_writes_that_wait_together_are_committed_together(
    writer: Writer, migrated_path: Path
) -> None:
    assert commits(writer, *(adding(f"note {number}") for number in range(20))) == 1
    assert stored(migrated_path) == [f"note {number}" for number in range(20)]


@pytest.mark.parametrize(
    ("work", "error"),
    [
        (refused, Refused),
        (adding("one"), DatabaseDamaged),  # It breaks a constraint.
        (adding("x" * 1_000_000), StorageFull),
    ],
)
def test_a_refused_write_does_not_affect_others_in_its_transaction(
    writer: Writer, migrated_path: Path, work: Work, error: type[Exception]
) -> None:
    writer.submit(nearly_full).result(DEADLINE)
    one, other, two = together(writer, adding("one"), work, adding("two"))
    assert isinstance(other, error)
    assert (one, two) == (1, 2)
    assert stored(migrated_path) == ["one", "two"]


def test_all_that_waited_together_is_busy_when_another_process_writes(
    writer: Writer, migrated_path: Path
) -> None:
    go_on, waiting = queued(writer, [adding(str(number)) for number in range(5)])
    with closing(sqlite3.connect(migrated_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        go_on.set()
        assert [type(outcome(each)) for each in waiting] == [Busy] * 5
    assert stored(migrated_path) == []


def test_work_whose_caller_gave_up_before_it_began_is_not_done(
    writer: Writer, migrated_path: Path
) -> None:
    go_on, (late,) = queued(writer, [adding("late")])
    assert late.cancel()
    go_on.set()
    assert writer.submit(adding("next")).result(DEADLINE) == 1
    assert stored(migrated_path) == ["next"]


def test_the_data_version_changes_before_the_caller_continues(
    writer: Writer, mark: DataVersionFile
) -> None:
    seen = [mark.read()]
    for number in range(5):
        shown = list[bytes]()
        writer.submit(adding(str(number))).add_done_callback(lambda _: shown.append(mark.read()))  # noqa: B023
        writer.submit(adding(f"after {number}")).result(DEADLINE)
        seen += shown
    assert len(set(seen)) == 6


# --- short writes ------------------------------------------------------------------------------


def noting_thread(connection: sqlite3.Connection) -> int:
    """Add a note, and return the thread that does so."""
    adding("here")(connection)
    return get_ident()


def test_short_work_runs_in_the_calling_thread_and_is_durable_when_it_is_done(
    writer: Writer, migrated_path: Path, mark: DataVersionFile
) -> None:
    before = mark.read()
    assert writer.run(noting_thread).result(DEADLINE) == get_ident()
    assert stored(migrated_path) == ["here"]
    assert mark.read() != before


def test_short_work_waits_for_a_commit_that_is_under_way(
    writer: Writer, migrated_path: Path
) -> None:
    go_on = Event()
    writer._thread.submit(go_on.wait, DEADLINE)
    first = writer.run(adding("first"))
    second = writer.run(noting_thread)
    unsynced = writer.run_unsynced(adding("third"))
    assert not first.done()
    assert stored(migrated_path) == []
    go_on.set()
    assert [outcome(first), outcome(unsynced)] == [1, 3]
    assert second.result(DEADLINE) != get_ident()
    assert stored(migrated_path) == ["first", "here", "third"]


@pytest.mark.parametrize("begin", ["run", "submit"])
def test_who_writes_after_a_write_needs_no_thread(writer: Writer, begin: str) -> None:
    following = Future[Future[object]]()

    def write(_: object) -> None:
        following.set_result(writer.run_unsynced(adding("two")))

    first: Future[object] = getattr(writer, begin)(adding("one"))
    first.add_done_callback(write)
    assert outcome(first) == 1
    assert outcome(following.result(DEADLINE)) == 2
    assert writer._unsynced == 1  # Not queued: what is queued waits for the disk.


def test_refused_short_work_leaves_nothing_and_the_next_is_written(
    writer: Writer, migrated_path: Path
) -> None:
    for run in (writer.run, writer.run_unsynced):
        assert isinstance(outcome(run(refused)), Refused)
        assert isinstance(outcome(run(lambda c: c.execute("SELECT nothing"))), DatabaseDamaged)
        outcome(run(adding(run.__name__)))
    assert stored(migrated_path) == ["run", "run_unsynced"]


def test_short_work_that_another_process_keeps_waiting_is_busy(
    writer: Writer, migrated_path: Path
) -> None:
    with closing(sqlite3.connect(migrated_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for run in (writer.run, writer.run_unsynced):
            assert isinstance(outcome(run(adding("one"))), Busy)
        other.execute("ROLLBACK")
    assert outcome(writer.run(adding("two"))) == 1


def test_short_work_that_cannot_be_committed_is_refused(writer: Writer) -> None:
    writer._connection.set_authorizer(_deny_commits)
    for run in (writer.run, writer.run_unsynced):
        assert isinstance(outcome(run(adding("one"))), DatabaseDamaged)
    writer._connection.set_authorizer(None)
    assert outcome(writer.run(adding("two"))) == 1


def _deny_commits(action: int, argument: str | None, *_: object) -> int:
    denied = action == sqlite3.SQLITE_TRANSACTION and argument == "COMMIT"
    return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK


def test_an_unsynced_write_is_there_at_once_and_waits_for_no_disk(
    writer: Writer, migrated_path: Path, mark: DataVersionFile
) -> None:
    before = mark.read()
    assert _syncs_of(writer, lambda: writer.run_unsynced(adding("one"))) == ["1"]
    assert mark.read() != before
    assert stored(migrated_path) == ["one"]
    assert _syncs_of(writer, lambda: writer.submit(adding("two"))) == ["2"]


def _syncs_of(writer: Writer, run: Callable[[], Future[object]]) -> list[str]:
    """Return what `PRAGMA synchronous` is at each commit: 1 does not wait for the disk."""
    found: list[str] = []

    def note(statement: str) -> None:
        if statement == "COMMIT":
            [[level]] = writer._connection.execute("PRAGMA synchronous").fetchall()
            found.append(str(level))

    writer._connection.set_trace_callback(note)
    outcome(run())
    writer._connection.set_trace_callback(None)
    return found


def test_after_many_unsynced_writes_one_waits_for_the_disk(writer: Writer) -> None:
    def write() -> None:
        for number in range(2 * (UNSYNCED_COMMITS + 1)):
            outcome(writer.run_unsynced(adding(str(number))))

    synced: list[str] = []

    def note(statement: str) -> None:
        if statement.startswith("PRAGMA synchronous"):
            synced.append(statement)

    writer._connection.set_trace_callback(note)
    write()
    writer._connection.set_trace_callback(None)
    assert len(synced) == 2 * 2 * UNSYNCED_COMMITS


def test_closing_finishes_what_was_begun(migrated_path: Path, mark: DataVersionFile) -> None:
    writer = Writer(migrated_path, timedelta(0), mark.renew)
    futures = [writer.submit(adding(str(number))) for number in range(10)]
    writer.close()
    assert all(future.done() for future in futures)
    assert len(stored(migrated_path)) == 10
