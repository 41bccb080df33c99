"""Pages of records, and records that are written with their events."""

import pytest

from shared.domain.accounts import Account
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import Busy
from shared.domain.identity import Principal
from shared.domain.records import Place
from shared.ports import AlreadyThere, Stale
from shared.services.records import EntityChange, ListPage, iterate_pages
from tests.fakes.services import fake_record_writer
from tests.fakes.stores import FakeDirectory, FakeEvents
from tests.fakes.system import FakeClock
from tests.support.port_doubles import Fault, Moment, failing

LETTERS = "abcde"


@pytest.mark.parametrize("size", [1, 2, 5, 9])
async def test_pages_of_any_size_contain_every_row_once(size: int) -> None:
    async def page(after: str) -> ListPage[str]:
        left = [each for each in LETTERS if each > after]
        shown = tuple(left[:size])
        return ListPage(shown, shown[-1] if len(left) > size else "")

    assert [each async for each in iterate_pages(page)] == list(LETTERS)


async def test_an_empty_list_has_no_page() -> None:
    async def page(_after: str) -> ListPage[str]:
        return ListPage(())

    assert [each async for each in iterate_pages(page)] == []


KIM = Account(id="kim0000000", name="kim", created_ms=1)
BY = Principal("ann0000000", "t1", address="203.0.113.7")
CHANGE = EntityChange("account.made", "kim", org="Acme", account="kim0000000", details={"a": "b"})


async def test_an_event_says_who_did_what_with_which_credential_from_where() -> None:
    events, clock = FakeEvents(), FakeClock()
    await fake_record_writer(FakeDirectory(), events, clock).add(KIM, change=CHANGE, by=BY)
    [event] = events.feed
    assert (event.kind, event.subject, event.details) == ("account.made", "kim", {"a": "b"})
    assert (event.actor, event.credential, event.address) == ("ann0000000", "t1", "203.0.113.7")
    assert event.at_ms == clock.now_ms()
    assert event.streams == ("org:acme", "account:kim0000000")


async def test_every_change_has_an_event_of_its_own() -> None:
    directory, events = FakeDirectory(), FakeEvents()
    service = fake_record_writer(directory, events)
    stored = await service.add(KIM, change=CHANGE, by=BY)
    stored = await service.replace(stored, change=CHANGE, by=BY)
    await service.remove(stored, change=CHANGE, by=BY)
    await service.add(KIM, change=CHANGE, by=BY)
    assert len({event.id for event in events.feed}) == 4


async def test_published_events_leave_the_outbox() -> None:
    directory = FakeDirectory()
    stored = await fake_record_writer(directory).add(KIM, change=CHANGE, by=BY)
    assert stored.outbox == ()
    assert directory.every(Account) == [stored]


async def test_a_refused_change_publishes_nothing() -> None:
    directory, events = FakeDirectory.holding(KIM), FakeEvents()
    service = fake_record_writer(directory, events)
    with pytest.raises(AlreadyThere):
        await service.add(KIM, change=CHANGE, by=BY)
    old = KIM.model_copy(update={"revision": 7})
    for attempt in (service.replace, service.remove):
        with pytest.raises(Stale):
            await attempt(old, change=CHANGE, by=BY)
    assert events.feed == []


async def test_a_change_is_stored_while_the_feed_fails_and_both_events_follow() -> None:
    directory, events, heard = FakeDirectory(), FakeEvents(fails_with=Busy()), list[Refusal]()
    service = fake_record_writer(directory, events, delayed=heard.append)
    stored = await service.add(KIM, change=CHANGE, by=BY)
    events.fails_with = None
    await service.replace(stored, change=CHANGE, by=BY)
    assert len(events.feed) == 2
    assert await directory.unpublished(10) == []
    assert [type(each) for each in heard] == [Busy]


@pytest.mark.parametrize("moment", Moment)
async def test_an_event_of_a_change_that_was_not_acknowledged_is_there_once_or_not_at_all(
    moment: Moment,
) -> None:
    directory, events = FakeDirectory(), FakeEvents()
    broken = failing(directory, Fault("add", Busy(), moment))
    with pytest.raises(Busy):
        await fake_record_writer(broken, events).add(KIM, change=CHANGE, by=BY)
    for waiting in await directory.unpublished(10):
        await events.publish(waiting)
    there = await directory.get(Account, Place(KIM.id))
    assert len(events.feed) == (0 if there is None else 1)
