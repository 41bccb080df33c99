"""What administrators ask for runs once, within a minute, and when nothing is in its way."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest

from shared.auth.administration import Administration
from shared.domain.accounts import Account
from shared.domain.entity import Entity, Place
from shared.domain.errors import InvalidRequest, NotPermitted, SignInAgain
from shared.domain.identity import Principal
from shared.domain.rights import Grant
from shared.domain.wishes import LASTS, Wish
from shared.services.pausing import Pausing
from shared.services.reporting import Report
from shared.services.wishing import BEGINS_WITHIN, Wishing
from tests.fakes.clock import FakeClock
from tests.fakes.directory import FakeDirectory
from tests.fakes.events import FakeEvents
from tests.fakes.pausing import taking_changes, taking_none
from tests.fakes.randomness import FakeRandomness
from tests.fakes.recording import recording

E = TypeVar("E", bound=Entity)

ADMIN = Account(id="admin00000", name="kim", administrator=True, created_ms=1)
MEMBER = Account(id="member0000", name="ann", created_ms=1)
TASKS = ("audit", "snapshot", "sweep")
A_SECOND = timedelta(seconds=1)


@dataclass
class Running:
    """Runs tasks, each for a while, and says of each what it was told to."""

    clock: FakeClock
    lasts: timedelta
    reports: list[Report | Exception | None]
    ran: list[str] = field(default_factory=list[str])

    async def __call__(self, task: str) -> Report | None:
        """Run a task."""
        self.ran.append(task)
        self.clock.advance(self.lasts)
        report = self.reports.pop(0) if self.reports else Report(task)
        if isinstance(report, Exception):
            raise report
        return report


@dataclass
class Desk:
    """What wishes are noted with."""

    clock: FakeClock = field(default_factory=FakeClock)
    events: FakeEvents = field(default_factory=FakeEvents)
    pausing: Pausing = field(default_factory=taking_changes)
    randomness: FakeRandomness = field(default_factory=lambda: FakeRandomness("wishes"))
    directory: FakeDirectory = field(default_factory=lambda: FakeDirectory.holding(ADMIN, MEMBER))

    @property
    def wishing(self) -> Wishing:
        administration = Administration(self.directory, self.clock)
        notes = recording(self.directory, self.events, self.clock, randomness=self.randomness)
        return Wishing(administration, TASKS, self.directory, notes, self.pausing, self.clock)

    def signed_in(self, account: Account = ADMIN, *, ago: timedelta = timedelta(0)) -> Principal:
        at_ms = self.clock.now_ms() - ago // timedelta(milliseconds=1)
        return Principal(account.id, "session", (Grant(),), signed_in_ms=at_ms)

    async def ask(self, *tasks: str) -> None:
        for task in tasks:
            await self.wishing.ask(task, by=self.signed_in())
            self.clock.advance(timedelta(milliseconds=1))

    async def serve(
        self, *reports: Report | Exception | None, lasts: timedelta = A_SECOND
    ) -> list[str]:
        running = Running(self.clock, lasts, list(reports))
        await self.wishing.serve(running)
        return running.ran


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_what_was_asked_for_runs_once_in_the_order_in_which_it_was_asked_for(
    desk: Desk,
) -> None:
    await desk.ask("sweep", "audit")
    assert await desk.serve() == ["sweep", "audit"]
    assert await desk.serve() == []


async def test_whoever_asks_is_named_in_an_event(desk: Desk) -> None:
    await desk.ask("audit")
    [(_, event)] = await desk.events.since(0, 10)
    assert (event.kind, event.subject, event.actor) == ("task.asked", "task:audit", ADMIN.id)
    assert event.account == ADMIN.id


async def test_asking_again_changes_nothing(desk: Desk) -> None:
    await desk.ask("audit", "audit")
    assert len(await desk.events.since(0, 10)) == 1
    assert await desk.serve() == ["audit"]


async def test_what_nobody_took_up_for_a_day_is_asked_for_anew(desk: Desk) -> None:
    await desk.ask("audit")
    desk.clock.advance(LASTS)
    assert await desk.serve() == []
    await desk.ask("audit")
    assert await desk.serve() == ["audit"]
    assert len(await desk.events.since(0, 10)) == 2


async def test_it_takes_an_administrator_who_signed_in_a_moment_ago(desk: Desk) -> None:
    with pytest.raises(NotPermitted, match="You may not run tasks of upkeep"):
        await desk.wishing.ask("audit", by=desk.signed_in(MEMBER))
    with pytest.raises(SignInAgain):
        await desk.wishing.ask("audit", by=desk.signed_in(ago=timedelta(hours=1)))
    assert await desk.wishing.waiting() == []


async def test_a_task_that_is_not_there_is_refused_and_those_that_are_are_named(
    desk: Desk,
) -> None:
    with pytest.raises(InvalidRequest, match="There are: audit, snapshot, sweep"):
        await desk.ask("cleanup")


async def test_what_runs_elsewhere_is_tried_again(desk: Desk) -> None:
    await desk.ask("audit")
    assert await desk.serve(None) == ["audit"]
    [wish] = await desk.wishing.waiting()
    assert wish.is_held_up
    assert await desk.serve() == ["audit"]
    assert await desk.wishing.waiting() == []


async def test_what_stopped_halfway_goes_on_after_what_has_not_begun(desk: Desk) -> None:
    await desk.ask("audit")
    await desk.serve(Report("audit", unfinished=True))
    await desk.ask("sweep")
    assert await desk.serve() == ["sweep", "audit"]
    assert await desk.wishing.waiting() == []


async def test_nothing_is_taken_up_while_the_registry_takes_no_changes(desk: Desk) -> None:
    await desk.ask("audit")
    desk.pausing = taking_none()
    before = desk.directory.every(Wish)
    assert await desk.serve() == []
    assert desk.directory.every(Wish) == before


async def test_what_broke_off_is_not_repeated_by_itself(desk: Desk) -> None:
    await desk.ask("audit", "sweep")
    with pytest.raises(ValueError, match="no such thing"):
        await desk.serve(ValueError("no such thing"))
    assert await desk.serve() == ["sweep"]


async def test_what_cannot_begin_in_time_waits_for_the_next_minute(desk: Desk) -> None:
    await desk.ask(*TASKS)
    assert await desk.serve(lasts=BEGINS_WITHIN / 2) == ["audit", "snapshot"]
    assert await desk.serve() == ["sweep"]


async def test_what_another_instance_has_taken_up_is_left_to_it(desk: Desk) -> None:
    await desk.ask("audit", "sweep")

    async def meanwhile(task: str) -> Report:
        for wish in desk.directory.every(Wish):
            await desk.directory.replace(wish)  # As another instance does that takes it up.
        return Report(task)

    await desk.wishing.serve(meanwhile)
    assert {each.task for each in await desk.wishing.waiting()} == {"audit", "sweep"}


@dataclass
class Late(FakeDirectory):
    """A directory that shows no entity that is there."""

    async def get(self, kind: type[E], place: Place) -> E | None:
        """Return accounts alone."""
        return await FakeDirectory.get(self, kind, place) if kind is Account else None


async def test_of_two_who_ask_at_the_same_moment_one_is_noted(desk: Desk) -> None:
    await desk.ask("audit")
    desk.directory = Late(desk.directory.entities)
    await desk.ask("audit")
    assert [each.task for each in await desk.wishing.waiting()] == ["audit"]


async def test_what_was_asked_for_anew_meanwhile_stays(desk: Desk) -> None:
    await desk.ask("audit")

    async def lasting_for_a_day(task: str) -> Report:
        desk.clock.advance(LASTS)
        await desk.ask(task)
        return Report(task)

    await desk.wishing.serve(lasting_for_a_day)
    assert [each.task for each in await desk.wishing.waiting()] == ["audit"]


async def test_an_unknown_task_is_answered_with_the_tasks_that_there_are(desk: Desk) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await desk.ask("cleanup")
    sentence = "This registry has no task of that name. There are: audit, snapshot, sweep."
    assert str(refused.value) == sentence


async def test_a_task_begins_until_the_minute_is_over(desk: Desk) -> None:
    await desk.ask("audit", "sweep")
    assert await desk.serve(lasts=BEGINS_WITHIN) == ["audit"]
    assert await desk.serve(lasts=BEGINS_WITHIN - timedelta(milliseconds=1)) == ["sweep"]


async def test_a_wish_that_was_taken_up_says_since_when_and_is_not_held_up_any_more(
    desk: Desk,
) -> None:
    await desk.ask("audit")
    await desk.serve(None)
    begun_ms = desk.clock.now_ms()
    await desk.serve(Report("audit", unfinished=True))
    [wish] = await desk.wishing.waiting()
    assert (wish.begun_ms, wish.is_held_up) == (begun_ms, False)


async def test_what_was_asked_for_anew_after_a_day_is_noted_with_its_event(desk: Desk) -> None:
    await desk.ask("audit")
    desk.clock.advance(LASTS)
    await desk.ask("audit")
    [wish] = await desk.wishing.waiting()
    assert wish.asked_by == ADMIN.id
    details = [event.details for _, event in await desk.events.since(0, 10)]
    assert details == [{"name": "audit"}, {"name": "audit"}]
