"""What documentation says of maintenance tasks is what their objects say."""

import re

from shared.runtime.background_tasks import next_run
from tests.paths import docs
from tests.support.tasks import TASKS

TABLE = docs("consistency").partition("## Maintenance tasks")[2]
WORDS = {1: "every minute", 60: "hourly", 24 * 60: "nightly"}


def when(schedule: str | None) -> str:
    """Say when a task runs by itself; the schedule is one of equal intervals."""
    if schedule is None:
        return "on request"
    first_ms = next_run(schedule, 0)
    minutes = (next_run(schedule, first_ms) - first_ms) // 60_000
    return WORDS.get(minutes) or (
        f"every {minutes} minutes" if minutes % 60 else f"every {minutes // 60} hours"
    )


def test_the_documentation_describes_every_task() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+) \|$", TABLE, re.MULTILINE)
    said = {name: often.partition(",")[0] for name, often, _ in rows}
    assert said == {each.id: when(each.schedule) for each in TASKS}


def test_the_documentation_names_the_tasks_that_run_in_read_only_mode() -> None:
    [sentence] = re.findall(r"([^.]+?) still run[ .|]", docs("operations"))
    named = set(re.findall(r"`([a-z-]+)`", sentence))
    assert named == {each.id for each in TASKS if each.runs_in_read_only_mode}
