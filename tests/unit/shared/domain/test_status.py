"""The census counts what is there, and what everybody may have of it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion

from shared.domain.accounts import Account, Organization
from shared.domain.packages import State, Visibility
from shared.domain.status import (
    BACKLOG_STUCK_AFTER,
    OVERDUE_AFTER,
    PROBLEMS_KEPT,
    Backlog,
    DiskSpace,
    ReadOnlyState,
    RegistryCounts,
    Severity,
    StatusReport,
    TaskOverview,
    TaskResult,
    TaskRun,
    TaskState,
)
from tests.contract.sample_records import head, release

MiB = 1024 * 1024


@pytest.mark.parametrize(
    ("state", "releases", "public", "withheld"),
    [
        (State.LIVE, 1, 1, 0),
        (State.HELD, 1, 0, 1),
        (State.QUARANTINED, 1, 0, 1),
        (State.REMOVED, 0, 0, 0),
    ],
)
def test_a_release_counts_by_what_moderation_made_of_it(
    state: State, releases: int, public: int, withheld: int
) -> None:
    one = release("acme/greet:1.0.0").model_copy(update={"state": state, "size_bytes": MiB})
    census = RegistryCounts.of_package(head("acme/greet"), [one])
    assert (census.releases, census.public_releases) == (releases, public)
    assert (census.withheld_releases, census.archive_bytes) == (withheld, releases * MiB)


def test_private_packages_are_counted_and_not_public() -> None:
    secret = head("acme/secret").model_copy(update={"visibility": Visibility.PRIVATE, "pulls": 7})
    census = RegistryCounts.of_package(secret, [release("acme/secret:1.0.0")])
    assert (census.packages, census.private_packages, census.pulls) == (1, 1, 7)
    assert (census.releases, census.public_releases) == (1, 0)


def test_an_organization_that_is_deleted_counts_no_more() -> None:
    ann = Account(id="ann", name="ann", created_ms=1)
    acme = Organization(name="acme", founder="ann", created_ms=1)
    gone = Organization(name="gone", founder="ann", created_ms=1, deleting_ms=5)
    assert RegistryCounts.of_entities([ann, acme, gone], 4) == RegistryCounts(
        accounts=1, organizations=2
    )
    assert RegistryCounts.of_entities([ann, acme, gone], 5) == RegistryCounts(
        accounts=1, organizations=1
    )


def test_two_censuses_add_up() -> None:
    one = RegistryCounts(accounts=1, releases=2, archive_bytes=3)
    other = RegistryCounts(organizations=4, releases=5, archive_bytes=6)
    assert one.plus(other) == RegistryCounts(
        accounts=1, organizations=4, releases=7, archive_bytes=9
    )


def test_a_name_without_a_release_is_no_package() -> None:
    assert RegistryCounts.of_package(head("acme/greet"), []) == RegistryCounts()


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


def shown(overview: StatusReport) -> list[tuple[Severity, str, str]]:
    return [(each.severity, each.sentence, each.task) for each in overview.problems]


def test_a_healthy_registry_reports_no_problem() -> None:
    assert shown(WELL) == []
    assert WELL.problem_tasks == ()


@pytest.mark.parametrize("lacks", ["tasks", "backlog"])
def test_stores_that_do_not_answer_are_the_worst(lacks: str) -> None:
    assert shown(replace(WELL, **{lacks: None})) == [
        (Severity.BAD, "The stores do not respond.", "")
    ]


def test_a_task_that_failed_is_reported() -> None:
    assert shown(ran(result=TaskResult.FAILED)) == [
        (Severity.BAD, "The task roll-up-pulls failed.", "roll-up-pulls")
    ]


def test_problems_are_reported_by_the_first_of_them() -> None:
    one, two = ("a is wrong.",), ("a is wrong.", "b is wrong.")
    assert shown(ran("audit-archives", result=TaskResult.PROBLEMS, problems=one)) == [
        (Severity.WARN, "The task audit-archives found a problem: a is wrong.", "audit-archives")
    ]
    assert shown(ran("audit-archives", result=TaskResult.PROBLEMS, problems=two)) == [
        (
            Severity.WARN,
            "The task audit-archives found 2 problems, the first: a is wrong.",
            "audit-archives",
        )
    ]


def test_a_run_with_many_problems_may_have_more_than_are_stored() -> None:
    many = tuple(f"{number} is wrong." for number in range(PROBLEMS_KEPT))
    [concern] = ran(result=TaskResult.PROBLEMS, problems=many).problems
    assert "found 20 problems or more, the first: 0 is wrong." in concern.sentence


def test_a_late_task_is_reported_and_counts_as_a_problem() -> None:
    later = replace(WELL, at_ms=NOW_MS + 2 + OVERDUE_AFTER // timedelta(milliseconds=1))
    assert shown(later) == [(Severity.WARN, "The task roll-up-pulls is overdue.", "roll-up-pulls")]
    assert [each.task for each in later.problem_tasks] == ["roll-up-pulls"]


def test_a_registry_without_any_run_is_reported_with_what_to_do() -> None:
    begun = replace(WELL, tasks=(TaskState("roll-up-pulls", None, NOW_MS),))
    assert shown(begun) == [(Severity.WARN, "No task has run yet.", "")]
    assert shown(replace(WELL, tasks=())) == []


def test_changes_are_reported_when_they_wait_longer_than_a_maintenance_run() -> None:
    late_ms = NOW_MS - BACKLOG_STUCK_AFTER // timedelta(milliseconds=1)
    [concern] = replace(
        WELL, backlog=Backlog(3, is_more=False, oldest_ms=late_ms - 1, task="process-outboxes")
    ).problems
    assert (concern.severity, concern.task) == (Severity.WARN, "process-outboxes")
    assert (
        shown(
            replace(
                WELL, backlog=Backlog(3, is_more=False, oldest_ms=late_ms, task="process-outboxes")
            )
        )
        == []
    )


@pytest.mark.parametrize(
    ("room", "mood"),
    [
        (DiskSpace(500 * GiB, 25 * GiB), None),
        (DiskSpace(500 * GiB, 24 * GiB), Severity.WARN),
        (DiskSpace(50 * GiB, 4 * GiB), Severity.WARN),
        (DiskSpace(50 * GiB, GiB), Severity.WARN),
        (DiskSpace(500 * GiB, GiB - 1), Severity.BAD),
        (None, None),
    ],
)
def test_a_disk_is_reported_before_it_is_full(
    room: DiskSpace | None, mood: Severity | None
) -> None:
    assert [each.severity for each in replace(WELL, disk_space=room).problems] == (
        [mood] if mood else []
    )


def test_a_registry_that_takes_no_changes_says_so() -> None:
    moving = replace(WELL, read_only=ReadOnlyState(reason="moving house", since_ms=NOW_MS))
    assert shown(moving) == [(Severity.WARN, "Read-only mode is on: moving house.", "")]


def test_the_worst_problem_is_first() -> None:
    several = replace(ran(result=TaskResult.FAILED), disk_space=DiskSpace(50 * GiB, 4 * GiB))
    assert [each.severity for each in several.problems] == [Severity.BAD, Severity.WARN]


def test_a_task_is_found_by_its_name() -> None:
    assert WELL.task("roll-up-pulls") == TaskState("roll-up-pulls", DONE, NOW_MS + 1)
    assert WELL.task("update-search-index") is None
    assert replace(WELL, tasks=None).task("roll-up-pulls") is None
    assert TaskOverview(TaskState("roll-up-pulls", None, None)).name == "roll-up-pulls"


def test_each_problem_says_what_to_do(snapshot: SnapshotAssertion) -> None:
    late_ms = NOW_MS - BACKLOG_STUCK_AFTER // timedelta(milliseconds=1) - 1
    overdue_ms = NOW_MS + 2 + OVERDUE_AFTER // timedelta(milliseconds=1)
    reports = [
        replace(WELL, tasks=None),
        ran(result=TaskResult.FAILED),
        ran(result=TaskResult.PROBLEMS, problems=("a is wrong.",)),
        replace(WELL, at_ms=overdue_ms),
        replace(WELL, tasks=(TaskState("roll-up-pulls", None, NOW_MS),)),
        replace(
            WELL, backlog=Backlog(3, is_more=False, oldest_ms=late_ms, task="process-outboxes")
        ),
        replace(WELL, read_only=ReadOnlyState(reason="moving.", since_ms=NOW_MS)),
        replace(WELL, disk_space=DiskSpace(500 * GiB, GiB - 1)),
        replace(WELL, disk_space=DiskSpace(50 * GiB, GiB)),
    ]
    problems = [problem for report in reports for problem in report.problems]
    assert [(each.severity.name, each.sentence, each.way_out, each.task) for each in problems] == (
        snapshot
    )
