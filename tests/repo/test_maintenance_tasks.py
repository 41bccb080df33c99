"""What documentation and modules say of maintenance tasks is what their objects say."""

import inspect
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.runtime.schedules import next_run
from shared.services.maintenance.tasks import Task
from tests.paths import ROOT, docs
from tests.support.tasks import TASKS

TABLE = docs("develop/consistency").partition("## Maintenance tasks")[2]
WORDS = {1: "every minute", 60: "hourly", 24 * 60: "nightly"}


# How sentences say when a task runs: "the nightly `x`", "Every five minutes the task `x`", or
# "`x` repeats it each hour".
OFTEN = r"(night(?:ly)?|minute|hour|five minutes|six hours)"
BEFORE = re.compile(rf"(?:the|The|[Ee]very|[Ww]ithin) {OFTEN}(?: the task)? `([a-z-]+)`")
AFTER = re.compile(rf"`([a-z-]+)`,?(?: \w+){{0,2}} (?:each|every) {OFTEN}")
SPOKEN = {
    "minute": "every minute",
    "five minutes": "every 5 minutes",
    "hour": "hourly",
    "six hours": "every 6 hours",
    "night": "nightly",
    "nightly": "nightly",
}


def minutes_between_runs(schedule: str) -> int:
    first_ms = next_run(schedule, 0)
    return (next_run(schedule, first_ms) - first_ms) // 60_000


def when(schedule: str | None) -> str:
    """Say when a task runs by itself; the schedule is one of equal intervals."""
    if schedule is None:
        return "on request"
    minutes = minutes_between_runs(schedule)
    return WORDS.get(minutes) or (
        f"every {minutes} minutes" if minutes % 60 else f"every {minutes // 60} hours"
    )


def when_exactly(schedule: str | None) -> str:
    """Say at which minute of the hour, or at which time of the night, a task runs."""
    often = when(schedule)
    if schedule is None or minutes_between_runs(schedule) < 60:
        return often
    first = datetime.fromtimestamp(next_run(schedule, 0) / 1000, UTC)
    if often == "nightly":
        return f"every night at {first:%H:%M} UTC"
    return f"{often.replace('hourly', 'every hour')} at minute {first.minute}"


def test_the_documentation_describes_every_task() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+) \|$", TABLE, re.MULTILINE)
    said = {name: often.partition(",")[0] for name, often, _ in rows}
    assert said == {each.id: when(each.schedule) for each in TASKS}


def test_sentences_about_running_a_registry_say_how_often_a_task_runs() -> None:
    schedules = {each.id: when(each.schedule) for each in TASKS}
    pages = sorted((ROOT / "docs" / "run").rglob("*.md"))
    text = " ".join(" ".join(each.read_text("utf-8").split()) for each in pages)
    said = [(task, often) for often, task in BEFORE.findall(text)] + AFTER.findall(text)
    assert len(said) > 8
    assert [(task, SPOKEN[often]) for task, often in said] == [
        (task, schedules[task]) for task, _ in said
    ]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_a_task_has_a_module_of_its_name_that_says_when_it_runs(task: type[Task]) -> None:
    assert Path(inspect.getfile(task)).stem == task.id.replace("-", "_")
    said = inspect.cleandoc(inspect.getmodule(task).__doc__ or "").replace("\n", " ")
    assert said.startswith(f"Task `{task.id}`, {when_exactly(task.schedule)}: ")


def test_the_documentation_names_the_tasks_that_run_in_read_only_mode() -> None:
    [sentence] = re.findall(r"([^.]+?) still run[ .|]", docs("run/azure/operations"))
    named = set(re.findall(r"`([a-z-]+)`", sentence))
    assert named == {each.id for each in TASKS if each.runs_in_read_only_mode}
