"""The logs of packages get the events of earlier versions, over several runs if there are many."""

from datetime import timedelta

from shared.domain.events import Event
from shared.services.maintenance.complete_event_logs import CompleteEventLogs
from shared.services.maintenance.tasks import RUN_TIME
from tests.fakes.stores import FakeEvents, FakeWork
from tests.fakes.system import FakeClock


class SlowEvents(FakeEvents):
    """Takes half of a run's time for each batch, and keeps where each began."""

    def __init__(self, count: int, clock: FakeClock) -> None:
        subject = "acme/greet:1.0.0"
        super().__init__(
            [
                Event(id=f"e{n}", kind="release.published", at_ms=n, actor="a", subject=subject)
                for n in range(count)
            ]
        )
        self._clock = clock
        self.begun = list[int]()

    async def complete_logs(self, after: int, count: int) -> int:
        self.begun.append(after)
        self._clock.advance(RUN_TIME / 2)
        return await super().complete_logs(after, count)


async def test_a_run_continues_where_the_one_before_ended_and_the_last_one_is_the_end() -> None:
    clock = FakeClock()
    events = SlowEvents(500, clock)
    task = CompleteEventLogs(events, FakeWork(), clock)
    first = await task.run()
    second = await task.run()
    assert (first.seen, first.unfinished) == (400, True)
    assert (second.seen, second.unfinished) == (100, False)
    assert events.begun == [0, 200, 400, 500]
    clock.advance(timedelta(days=20))
    assert (await task.run()).seen == 0
    clock.advance(timedelta(days=20))  # It was remembered anew.
    await task.run()
    assert events.begun == [0, 200, 400, 500]
