"""What documentation says of maintenance tasks is what their objects say."""

import re

import pytest

from functions.manage.status import schedule_text
from tests.paths import ROOT, docs
from tests.support.tasks import TASKS

TABLE = docs("consistency").partition("## Maintenance tasks")[2]
WORDS = {"every hour": "hourly", "daily": "nightly"}


def test_the_documentation_describes_every_task() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+) \|$", TABLE, re.MULTILINE)
    said = {name: when.partition(",")[0] for name, when, _ in rows}
    schedules = {each.id: schedule_text(each.schedule).partition(" at ")[0] for each in TASKS}
    assert said == {name: WORDS.get(when, when) for name, when in schedules.items()}


def test_the_documentation_names_the_tasks_that_run_in_read_only_mode() -> None:
    [sentence] = re.findall(r"([^.]+?) still run[ .|]", docs("operations"))
    named = set(re.findall(r"`([a-z-]+)`", sentence))
    assert named == {each.id for each in TASKS if each.runs_in_read_only_mode}


def test_an_upgrade_says_how_tasks_are_named_now() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| `([a-z-]+)` \|$", docs("upgrade"), re.MULTILINE)
    ids = {each.id for each in TASKS}
    assert rows
    assert {now for _, now in rows} <= ids
    assert ids.isdisjoint(before for before, _ in rows)


@pytest.mark.parametrize("folder", ["functions", "shared"])
def test_only_the_module_of_a_task_has_its_id(folder: str) -> None:
    ids = "|".join(each.id for each in TASKS)
    for file in (ROOT / folder).rglob("*"):
        if file.suffix in (".py", ".html") and file.parent.name != "maintenance":
            assert re.findall(rf"[\"'#-]({ids})[\"']", file.read_text("utf-8")) == [], file
