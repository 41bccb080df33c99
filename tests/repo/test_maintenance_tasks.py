"""What documentation says of maintenance tasks is what their objects say."""

import re

from functions.manage.status import schedule_text
from tests.paths import docs
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
