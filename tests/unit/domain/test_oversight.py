"""What is not as it should be is told, the worst first, with what to do about it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.bulletin import ReadOnly
from shared.domain.oversight import LATE, Backlog, Mood, Overview, Room, Task
from shared.domain.runs import PATIENCE, PROBLEMS_KEPT, Result, Run, Standing

NOW_MS = 1_790_000_000_000
GiB = 1024**3
DONE = Run(task="sweep", started_ms=NOW_MS, ended_ms=NOW_MS, result=Result.DONE)
WELL = Overview(
    at_ms=NOW_MS,
    standings=(Standing("sweep", DONE, NOW_MS + 1), Standing("refresh", None, None)),
    backlog=Backlog(0, is_more=False, oldest_ms=None),
    counted=None,
    room=Room(500 * GiB, 250 * GiB),
)


def ran(task: str = "sweep", **changes: object) -> Overview:
    """Return an overview in which one task has run like this."""
    run = DONE.model_copy(update={"task": task, **changes})
    return replace(WELL, standings=(Standing(task, run, NOW_MS + 1),))


def told(overview: Overview) -> list[tuple[Mood, str, str]]:
    return [(each.mood, each.sentence, each.task) for each in overview.concerns]


def test_nothing_is_told_of_a_registry_that_is_well() -> None:
    assert told(WELL) == []
    assert WELL.troubled == ()


@pytest.mark.parametrize("lacks", ["standings", "backlog"])
def test_stores_that_do_not_answer_are_the_worst(lacks: str) -> None:
    assert told(replace(WELL, **{lacks: None})) == [(Mood.BAD, "The stores do not answer.", "")]


def test_a_task_that_broke_off_is_told() -> None:
    assert told(ran(result=Result.FAILED)) == [(Mood.BAD, "The task sweep broke off.", "sweep")]


def test_problems_are_told_by_the_first_of_them() -> None:
    one, two = ("a is wrong.",), ("a is wrong.", "b is wrong.")
    assert told(ran("audit", result=Result.PROBLEMS, problems=one)) == [
        (Mood.WARN, "The task audit found a problem: a is wrong.", "audit")
    ]
    assert told(ran("audit", result=Result.PROBLEMS, problems=two)) == [
        (Mood.WARN, "The task audit found 2 problems, the first: a is wrong.", "audit")
    ]


def test_of_a_run_that_found_many_problems_there_may_be_more_than_are_kept() -> None:
    many = tuple(f"{number} is wrong." for number in range(PROBLEMS_KEPT))
    [concern] = ran(result=Result.PROBLEMS, problems=many).concerns
    assert "found 20 problems or more, the first: 0 is wrong." in concern.sentence


def test_a_task_that_is_late_is_told_and_counts_as_troubled() -> None:
    later = replace(WELL, at_ms=NOW_MS + 2 + PATIENCE // timedelta(milliseconds=1))
    assert told(later) == [(Mood.WARN, "The task sweep is overdue.", "sweep")]
    assert [each.task for each in later.troubled] == ["sweep"]


def test_a_registry_without_any_run_is_told_to_wait_or_to_start_again() -> None:
    begun = replace(WELL, standings=(Standing("sweep", None, NOW_MS),))
    assert told(begun) == [(Mood.WARN, "No task has run yet.", "")]
    assert told(replace(WELL, standings=())) == []


def test_changes_are_told_when_they_wait_for_longer_than_a_run_of_upkeep() -> None:
    late_ms = NOW_MS - LATE // timedelta(milliseconds=1)
    [concern] = replace(WELL, backlog=Backlog(3, is_more=False, oldest_ms=late_ms - 1)).concerns
    assert (concern.mood, concern.task) == (Mood.WARN, "settle")
    assert told(replace(WELL, backlog=Backlog(3, is_more=False, oldest_ms=late_ms))) == []


@pytest.mark.parametrize(
    ("room", "mood"),
    [
        (Room(500 * GiB, 25 * GiB), None),
        (Room(500 * GiB, 24 * GiB), Mood.WARN),
        (Room(50 * GiB, 4 * GiB), Mood.WARN),
        (Room(50 * GiB, GiB), Mood.WARN),
        (Room(500 * GiB, GiB - 1), Mood.BAD),
        (None, None),
    ],
)
def test_a_disk_is_told_before_it_is_full(room: Room | None, mood: Mood | None) -> None:
    assert [each.mood for each in replace(WELL, room=room).concerns] == ([mood] if mood else [])


def test_a_registry_that_takes_no_changes_says_so() -> None:
    moving = replace(WELL, read_only=ReadOnly(reason="moving house", since_ms=NOW_MS))
    assert told(moving) == [(Mood.WARN, "The registry takes no changes: moving house.", "")]


def test_the_worst_is_told_first() -> None:
    several = replace(ran(result=Result.FAILED), room=Room(50 * GiB, 4 * GiB))
    assert [each.mood for each in several.concerns] == [Mood.BAD, Mood.WARN]


def test_a_task_is_found_by_its_name() -> None:
    assert WELL.standing("sweep") == Standing("sweep", DONE, NOW_MS + 1)
    assert WELL.standing("search") is None
    assert replace(WELL, standings=None).standing("sweep") is None
    assert Task(Standing("sweep", None, None)).name == "sweep"
