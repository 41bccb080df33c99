"""upkeep …"""

import os
import sqlite3
from dataclasses import dataclass

import pytest

from shared.adapters.data_folder import ArchiveFolder
from shared.adapters.system import SystemClock
from shared.commands.upkeep import _whole
from shared.domain.archives.digests import Digest
from shared.domain.errors.requests import Busy
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.runtime.private_files import make_private_folder
from shared.services.maintenance.audit_archives import AuditArchives
from shared.services.maintenance.tasks import TASK_LEASE
from tests.support.tasks import TASKS
from tests.support.terminal import Terminal


def test_every_task_runs_and_reports(terminal: Terminal) -> None:
    lines = terminal.run("upkeep", "run").splitlines()
    tasks = [line.partition(":")[0] for line in lines]
    assert tasks[0] == "process-outboxes"  # Before tasks that read what it completes.
    assert set(tasks) <= {each.id for each in TASKS}
    assert len(set(tasks)) == len(tasks) == 27


def test_a_task_that_another_process_runs_is_left_to_it(terminal: Terminal) -> None:
    with sqlite3.connect(terminal.data / "ballroom.db") as connection:
        until_ms = SystemClock().now_ms() + TASK_LEASE // MS
        held = ("upkeep:audit-archives", "another", until_ms)
        connection.execute("INSERT INTO leases (name, owner, until_ms) VALUES (?, ?, ?)", held)
    connection.close()
    assert terminal.run("upkeep", "run", "audit-archives") == (
        "audit-archives: another process is running it.\n"
    )


ARCHIVE_MISSING = (
    "acme/greet:1.0.0: its archive is missing. Bring it back: ballroom restore --release "
    "acme/greet:1.0.0 --from BACKUP, or push the same archive again."
)


def test_problems_that_a_task_finds_are_shown_and_fail_the_command(published: Terminal) -> None:
    [archive] = (published.data / "archives" / "sha256").glob("*/*/*")
    archive.unlink()
    result = published.invoke("upkeep", "run", "audit-archives")
    assert result.exit_code == 1
    assert f"  {ARCHIVE_MISSING}\n" in result.stdout


class DiskError(Exception):
    """A failure that no command expects."""


def let_audit_fail(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    async def fail(_: AuditArchives) -> TaskReport:
        raise failure

    monkeypatch.setattr(AuditArchives, "run", fail)


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (Busy(), str(Busy())),
        (DiskError("sector 7"), "unexpected failure (DiskError); the log has it."),
    ],
)
def test_a_task_that_fails_does_not_keep_the_others_from_running(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, failure: Exception, sentence: str
) -> None:
    let_audit_fail(monkeypatch, failure)
    result = terminal.invoke("upkeep", "run")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert f"audit-archives: {sentence}" in lines
    assert len(lines) == 27
    assert ("upkeep.failed" in result.stderr) is isinstance(failure, DiskError)


def test_a_task_that_fails_is_named_by_itself(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_audit_fail(monkeypatch, Busy())
    assert terminal.fail("upkeep", "run", "audit-archives") == str(Busy())


def test_the_list_says_what_came_of_each_task_and_when_it_is_due(published: Terminal) -> None:
    [archive] = (published.data / "archives" / "sha256").glob("*/*/*")
    archive.unlink()
    assert published.invoke("upkeep", "run", "audit-archives").exit_code == 1
    published.run("upkeep", "run", "rebuild-derived-data")
    rows = {row["task"]: row for row in published.json("upkeep", "list")}
    audit = rows["audit-archives"]
    rebuild = rows["rebuild-derived-data"]
    assert audit["result"] == f"problems: {ARCHIVE_MISSING}"
    assert audit["due"].endswith(" 03:40Z")
    assert (rebuild["result"], rebuild["due"]) == ("done", "on request")
    never = rows["delete-orphaned-archives"]
    assert (never["last"], never["result"]) == (None, None)


def test_a_task_that_should_have_run_is_overdue(terminal: Terminal) -> None:
    terminal.run("upkeep", "run", "delete-orphaned-archives")
    with sqlite3.connect(terminal.data / "ballroom.db") as connection:
        connection.execute(
            "UPDATE work SET"
            " value = json_set(value, '$.started_ms', 0, '$.unfinished', json('true'))"
            " WHERE kind = 'upkeep-run'"
        )
    connection.close()
    rows = {row["task"]: row for row in terminal.json("upkeep", "list")}
    assert rows["delete-orphaned-archives"]["due"] == "overdue since 1970-01-01 03:20Z"
    assert rows["delete-orphaned-archives"]["result"] == "unfinished"


@dataclass
class Tiring:
    """A task runner with a task that takes three runs."""

    left: int = 3

    async def run(self, _task: str) -> TaskReport:
        """Do a part."""
        self.left -= 1
        return TaskReport(unfinished=self.left > 0)


async def test_a_task_that_is_run_by_hand_runs_until_it_has_read_everything() -> None:
    upkeep = Tiring()
    assert len(await _whole(upkeep.run, "audit-archives")) == 3


def test_the_sweep_of_too_many_archives_is_forced_by_hand(published: Terminal) -> None:
    folder = ArchiveFolder(published.data / "archives")
    for number in range(6):
        path = folder.archive(Digest.of(b"%d" % number))
        make_private_folder(path.parent)
        path.write_bytes(b"%d" % number)
        os.utime(path, (1, 1))
    task = ("upkeep", "run", "delete-orphaned-archives")
    refused = published.invoke(*task)
    assert refused.exit_code == 1
    assert "6 of 7 archives have no release" in refused.stdout
    assert published.run(*task, "--force") == "delete-orphaned-archives: checked 7, changed 6.\n"


def test_force_needs_a_task_that_has_a_guard(terminal: Terminal) -> None:
    assert terminal.fail("upkeep", "run", "--force") == "--force needs the name of a task."
    assert "cannot be forced" in terminal.fail("upkeep", "run", "audit-archives", "--force")
