"""The problems of a status report."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion

from shared.domain.notices import ReadOnlyState
from shared.domain.status import BACKLOG_STUCK_AFTER, Backlog, DiskSpace, StatusReport, Urgency
from shared.domain.tasks import OVERDUE_AFTER, PROBLEMS_KEPT, TaskResult, TaskRun, TaskState

NOW_MS = 1_790_000_000_000
GiB = 1024**3
DONE = TaskRun(task="roll-up-pulls", started_ms=NOW_MS, ended_ms=NOW_MS, result=TaskResult.DONE)
WELL = StatusReport(
    at_ms=NOW_MS,
    tasks=(
        TaskState("roll-up-pulls", DONE, NOW_MS + 1),
        TaskState("rebuild-derived-data", None, None),
    ),
    backlog=Backlog(0, is_more=False, oldest_ms=None, task="process-outboxes"),
    counts=None,
    disk_space=DiskSpace(500 * GiB, 250 * GiB),
)


def ran(task: str = "roll-up-pulls", **changes: object) -> StatusReport:
    """Return an overview in which one task has run like this."""
    run = DONE.model_copy(update={"task": task, **changes})
    return replace(WELL, tasks=(TaskState(task, run, NOW_MS + 1),))


def test_a_run_with_many_problems_may_have_more_than_are_stored() -> None:
    many = tuple(f"{number} is wrong." for number in range(PROBLEMS_KEPT))
    [concern] = ran(result=TaskResult.PROBLEMS, problems=many).problems
    assert "found 20 problems or more, the first: 0 is wrong." in concern.sentence
    [concern] = ran(result=TaskResult.PROBLEMS, problems=many[:2]).problems
    assert "found 2 problems, the first: 0 is wrong." in concern.sentence


@pytest.mark.parametrize(
    ("room", "mood"),
    [
        (DiskSpace(500 * GiB, 25 * GiB), None),
        (DiskSpace(500 * GiB, 24 * GiB), Urgency.WARN),
        (DiskSpace(50 * GiB, 4 * GiB), Urgency.WARN),
        (DiskSpace(50 * GiB, GiB), Urgency.WARN),
        (DiskSpace(500 * GiB, GiB - 1), Urgency.BAD),
        (None, None),
    ],
)
def test_a_disk_is_reported_before_it_is_full(room: DiskSpace | None, mood: Urgency | None) -> None:
    assert [each.severity for each in replace(WELL, disk_space=room).problems] == (
        [mood] if mood else []
    )


def test_a_task_is_found_by_its_name() -> None:
    assert WELL.task("roll-up-pulls") == TaskState("roll-up-pulls", DONE, NOW_MS + 1)
    assert WELL.task("update-search-index") is None
    assert replace(WELL, tasks=None).task("roll-up-pulls") is None


def test_each_problem_says_what_to_do(snapshot: SnapshotAssertion) -> None:
    late_ms = NOW_MS - BACKLOG_STUCK_AFTER // timedelta(milliseconds=1)
    overdue_ms = NOW_MS + 2 + OVERDUE_AFTER // timedelta(milliseconds=1)

    def waiting(oldest_ms: int) -> StatusReport:
        backlog = Backlog(3, is_more=False, oldest_ms=oldest_ms, task="process-outboxes")
        return replace(WELL, backlog=backlog)

    fine = [WELL, replace(WELL, at_ms=overdue_ms - 1), waiting(late_ms), replace(WELL, tasks=())]
    assert [each.problems for each in fine] == [()] * len(fine)
    late = replace(WELL, at_ms=overdue_ms)
    assert (WELL.problem_tasks, [each.task for each in late.problem_tasks]) == (
        (),
        ["roll-up-pulls"],
    )
    read_only = ReadOnlyState(reason="moving.", since_ms=NOW_MS)
    # Read-only mode postpones tasks, and no timer has to be restarted.
    assert replace(late, read_only=read_only).problem_tasks == ()
    reports = [
        replace(WELL, tasks=None),
        ran(result=TaskResult.FAILED),
        ran(result=TaskResult.PROBLEMS, problems=("a is wrong.",)),
        late,
        replace(WELL, tasks=(TaskState("roll-up-pulls", None, NOW_MS),)),
        waiting(late_ms - 1),
        replace(late, read_only=read_only),
        replace(WELL, disk_space=DiskSpace(500 * GiB, GiB - 1)),
        replace(WELL, disk_space=DiskSpace(50 * GiB, GiB)),
    ]
    assert replace(WELL, backlog=None).problems == reports[0].problems
    worst = replace(reports[1], disk_space=DiskSpace(50 * GiB, GiB)).problems
    assert [each.severity for each in worst] == [Urgency.BAD, Urgency.WARN]
    problems = [problem for report in reports for problem in report.problems]
    assert [(each.severity.name, each.sentence, each.way_out, each.task) for each in problems] == (
        snapshot
    )
