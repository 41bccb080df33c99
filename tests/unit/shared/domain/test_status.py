"""The census counts what is there, and what everybody may have of it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion

from shared.domain.accounts import Account
from shared.domain.errors.base import InvalidRequest
from shared.domain.organizations import Organization
from shared.domain.release_states import State
from shared.domain.status import (
    BACKLOG_STUCK_AFTER,
    OVERDUE_AFTER,
    PROBLEMS_KEPT,
    Backlog,
    Banner,
    DiskSpace,
    NoticeBoard,
    ReadOnlyState,
    RegistryCounts,
    StatusReport,
    TaskResult,
    TaskRun,
    TaskState,
    Urgency,
    first_of,
    parse_read_only_reason,
)
from shared.domain.visibility import Visibility
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
    secret = head("acme/greet").model_copy(update={"visibility": Visibility.PRIVATE, "pulls": 7})
    hidden = RegistryCounts.of_package(secret, [one])
    assert (hidden.packages, hidden.private_packages) == (releases, releases)
    assert (hidden.pulls, hidden.public_releases) == (7 * releases, 0)


def test_an_organization_that_is_deleted_counts_no_more() -> None:
    ann = Account(id="ann", name="ann", created_ms=1)
    acme = Organization(name="acme", founder="ann", created_ms=1)
    gone = Organization(name="gone", founder="ann", created_ms=1, deleting_ms=5)
    assert RegistryCounts.of_entities([ann, acme, gone], 4) == RegistryCounts(
        accounts=1, organizations=2
    )
    later = RegistryCounts.of_entities([ann, acme, gone], 5)
    assert later == RegistryCounts(accounts=1, organizations=1)
    more = RegistryCounts(organizations=4, releases=5, archive_bytes=6)
    both = RegistryCounts(accounts=1, organizations=5, releases=5, archive_bytes=6)
    assert later.plus(more) == both


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
    reports = [
        replace(WELL, tasks=None),
        ran(result=TaskResult.FAILED),
        ran(result=TaskResult.PROBLEMS, problems=("a is wrong.",)),
        late,
        replace(WELL, tasks=(TaskState("roll-up-pulls", None, NOW_MS),)),
        waiting(late_ms - 1),
        replace(WELL, read_only=ReadOnlyState(reason="moving.", since_ms=NOW_MS)),
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


def test_read_only_mode_is_shown_before_the_notice() -> None:
    board = NoticeBoard(notice="Hello.", read_only=ReadOnlyState(reason="why", since_ms=1))
    text = "This registry is in read-only mode: why. Packages can still be searched and pulled."
    assert board.banners == (Banner(text, is_about_read_only=True), Banner("Hello."))
    assert NoticeBoard().banners == ()


def test_a_reason_is_a_part_of_a_sentence() -> None:
    assert parse_read_only_reason(" moving house\nuntil 22:00. ") == "moving house until 22:00"
    for text in ("", "!", "x" * 201, "\a"):
        with pytest.raises(InvalidRequest, match="A reason has 1 to 200"):
            parse_read_only_reason(text)


def test_a_sentence_names_the_first_ten_and_counts_the_others() -> None:
    names = [f"n{number}" for number in range(12)]
    assert first_of(names[:2]) == "n0; n1"
    assert first_of(names[:10]).endswith("; n8; n9")
    assert first_of(names).endswith("; n8; n9; and 2 more")
