"""Task `notify-dependents`: none of its parts stops the others."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from shared.domain.errors.requests import Busy
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.services.maintenance.notify_dependents import NotifyDependents
from shared.services.maintenance.tasks import RUN_TIME
from tests.fakes.system import FakeClock


class Part(Struct):
    """A part of the task, which may fail."""

    failure: Exception | None = None
    runs: int = 0

    async def run(self, _until_ms: int) -> TaskReport:
        self.runs += 1
        if self.failure:
            raise self.failure
        return TaskReport(2, 1)


def task(*parts: Any) -> NotifyDependents:
    notices, provenance_notices, mail, queued = parts
    return NotifyDependents(
        notices=notices,
        provenance_notices=provenance_notices,
        send_new_release_mail=mail.run,
        send_queued_mail=queued.run,
        clock=FakeClock(),
    )


@pytest.mark.parametrize("failing", range(4))
async def test_a_part_that_fails_is_reported_and_stops_none(failing: int) -> None:
    parts = [Part(), Part(), Part(), Part()]
    parts[failing].failure = Busy()
    report = await task(*parts).run()
    assert [each.runs for each in parts] == [1, 1, 1, 1]
    assert (report.seen, report.changed, report.problems) == (6, 3, (str(Busy()),))


@pytest.mark.parametrize("failing", range(4))
async def test_an_unexpected_failure_fails_the_task_after_the_other_parts(failing: int) -> None:
    parts = [Part(), Part(), Part(), Part()]
    parts[failing].failure = RuntimeError("unexpected")
    with pytest.raises(RuntimeError, match="unexpected"):
        await task(*parts).run()
    assert [each.runs for each in parts] == [1, 1, 1, 1]


async def test_a_part_that_takes_all_of_its_time_leaves_the_others_theirs() -> None:
    clock = FakeClock()
    given = list[int]()

    async def slow(until_ms: int) -> TaskReport:
        """Go on until the time is over, as mail to a server that does not answer does."""
        given.append(until_ms - clock.now_ms())
        clock.advance(timedelta(milliseconds=given[-1]))
        return TaskReport(1, 0, unfinished=True)

    part = SimpleNamespace(run=slow)
    report = await replace(task(part, part, part, part), clock=clock).run()
    assert given == [RUN_TIME // MS // 4] * 4
    assert report.unfinished
