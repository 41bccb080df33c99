"""Entities that are written with their events."""

import pytest

from shared.domain.accounts import Account
from shared.domain.principals import Principal
from shared.ports.conflicts import AlreadyThere, Stale
from shared.services.audited_writes import EntityChange
from tests.fakes.services import fake_audited_writer
from tests.fakes.stores import FakeDirectory, FakeEvents

KIM = Account(id="kim0000000", name="kim", created_ms=1)
BY = Principal("ann0000000", "t1", address="203.0.113.7")
CHANGE = EntityChange("account.made", "kim", org="Acme", account="kim0000000", details={"a": "b"})


async def test_a_refused_change_publishes_nothing() -> None:
    directory = FakeDirectory.holding(KIM)
    events = FakeEvents()
    service = fake_audited_writer(directory, events)
    with pytest.raises(AlreadyThere):
        await service.add(KIM, change=CHANGE, by=BY)
    old = KIM.model_copy(update={"revision": 7})
    for attempt in (service.replace, service.remove):
        with pytest.raises(Stale):
            await attempt(old, change=CHANGE, by=BY)
    assert events.feed == []


async def test_put_creates_a_record_that_is_not_stored() -> None:
    for default in (None, KIM.model_copy(update={"revision": 0})):
        directory = FakeDirectory()
        service = fake_audited_writer(directory, FakeEvents())
        written = await service.put(default or KIM, stored=default, change=CHANGE, by=BY)
        assert written.revision == 1
        with pytest.raises(AlreadyThere):
            await service.put(KIM, stored=None, change=CHANGE, by=BY)


async def test_put_replaces_the_stored_record_and_keeps_its_pending_events() -> None:
    delayed = fake_audited_writer(FakeDirectory(), FakeEvents()).event(CHANGE, BY)
    stored = KIM.model_copy(update={"revision": 7, "outbox": (delayed,)})
    events = FakeEvents()
    service = fake_audited_writer(FakeDirectory.holding(stored), events)
    new = KIM.model_copy(update={"name": "kim2"})
    written = await service.put(new, stored=stored, change=CHANGE, by=BY)
    assert (written.name, written.revision) == ("kim2", 8)
    assert events.feed[0] == delayed
    assert len(events.feed) == 2
    with pytest.raises(Stale):
        await service.put(new, stored=stored, change=CHANGE, by=BY)
