"""Records that are written with their events."""

import pytest

from shared.domain.accounts import Account
from shared.domain.principals import Principal
from shared.ports.conflicts import AlreadyThere, Stale
from shared.services.records import EntityChange
from tests.fakes.services import fake_record_writer
from tests.fakes.stores import FakeDirectory, FakeEvents

KIM = Account(id="kim0000000", name="kim", created_ms=1)
BY = Principal("ann0000000", "t1", address="203.0.113.7")
CHANGE = EntityChange("account.made", "kim", org="Acme", account="kim0000000", details={"a": "b"})


async def test_a_refused_change_publishes_nothing() -> None:
    directory = FakeDirectory.holding(KIM)
    events = FakeEvents()
    service = fake_record_writer(directory, events)
    with pytest.raises(AlreadyThere):
        await service.add(KIM, change=CHANGE, by=BY)
    old = KIM.model_copy(update={"revision": 7})
    for attempt in (service.replace, service.remove):
        with pytest.raises(Stale):
            await attempt(old, change=CHANGE, by=BY)
    assert events.feed == []
