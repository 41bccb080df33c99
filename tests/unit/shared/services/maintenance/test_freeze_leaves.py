"""The leaves of events of earlier versions are stored over several runs, and say that."""

import json
from typing import cast

from shared.domain.events import Event
from shared.domain.transparency.leaves import FrozenLeaf
from shared.ports.metadata import MetadataStore
from shared.services.maintenance.freeze_leaves import FreezeLeaves
from shared.services.maintenance.tasks import RUN_TIME
from tests.fakes.stores import FakeEvents, FakeWork
from tests.fakes.system import FakeClock, FakeRandomness


class SlowEvents(FakeEvents):
    """Takes half of a run's time for each batch, and keeps where each began."""

    def __init__(self, count: int, clock: FakeClock) -> None:
        super().__init__(
            [
                Event(id=f"e{n}", kind="account.created", at_ms=n, actor="a", subject="a")
                for n in range(count)
            ]
        )
        self._clock = clock
        self.begun = list[int]()

    async def without_leaf(self, after: int, count: int) -> list[tuple[int, Event]]:
        self.begun.append(after)
        self._clock.advance(RUN_TIME / 2)
        return await super().without_leaf(after, count)


async def test_a_run_continues_where_the_one_before_ended() -> None:
    clock = FakeClock()
    events = SlowEvents(500, clock)
    metadata = cast("MetadataStore", None)  # The events are about no package.
    task = FreezeLeaves(events, metadata, FakeWork(), clock, FakeRandomness())
    first = await task.run()
    second = await task.run()
    assert (first.seen, first.unfinished) == (400, True)
    assert (second.seen, second.unfinished) == (100, False)
    assert events.begun == [0, 200, 400]
    assert (await task.run()).seen == 0
    assert events.begun == [0, 200, 400]  # Nothing happened since then.
    assert len({leaf.salt for leaf in events.frozen.values()}) == 500
    leaves = [json.loads(each) for each in await events.leaves(0, 1_000)]
    assert [each["index"] for each in leaves] == list(range(500))
    assert json.loads(events.frozen[1].opening)["later"] is True


async def test_an_event_of_a_process_of_the_version_before_is_found_among_later_ones() -> None:
    clock = FakeClock()
    events = SlowEvents(3, clock)
    events.frozen[3] = FrozenLeaf(b"there")
    task = FreezeLeaves(events, cast("MetadataStore", None), FakeWork(), clock, FakeRandomness())
    assert (await task.run()).seen == 2
    assert events.frozen[3] == FrozenLeaf(b"there")
