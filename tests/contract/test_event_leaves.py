"""What EventStore promises of leaves: stored with the number, never changed, carried by backups."""

import asyncio
import hashlib
import json

import pytest

from shared.adapters.cloud import CloudStores
from shared.adapters.embedded import EmbeddedStores
from shared.domain.events import Event
from shared.domain.transparency.leaves import FrozenLeaf, LoggedEvent, commitment
from tests.contract.sample_records import event, head, release
from tests.contract.stores import Stores

pytestmark = pytest.mark.measured


def published(id_: str, *, public: bool = True) -> Event:
    """Return the event of a release."""
    fields = {"kind": "release.published", "public": public, "org": "acme"}
    return event(id_).model_copy(update=fields)


async def logged(stores: Stores) -> list[LoggedEvent]:
    return await stores.events.logged(0, 1_000)


async def stored_leaf(stores: Stores, number: int) -> FrozenLeaf:
    [found] = await stores.events.logged(number - 1, 1)
    assert found.leaf is not None
    return found.leaf


async def test_an_event_gets_its_leaf_with_its_number(stores: Stores, others: Stores) -> None:
    await stores.events.append([published("e1"), published("e2", public=False)])
    first, second = await others.events.leaves(0, 10)
    assert json.loads(first)["package"] == "acme/greet"
    assert [json.loads(each)["index"] for each in (first, second)] == [0, 1]
    assert b"greet" not in second
    readable, hidden = [each.leaf for each in await logged(others)]
    assert readable == FrozenLeaf(first)
    assert hidden is not None
    assert len(hidden.salt) == 32
    assert second == hidden.leaf == commitment(2, hidden.salt, hidden.opening)
    assert json.loads(hidden.opening)["package"] == "acme/greet"


async def test_events_of_an_outbox_have_leaves_as_well(stores: Stores) -> None:
    source = release(outbox=(published("e1"), published("e2")))
    await stores.metadata.claim(head())
    await stores.metadata.add_release(source)
    for _ in range(2):
        await stores.events.append_outbox(source)
    assert [json.loads(each)["index"] for each in await stores.events.leaves(0, 10)] == [0, 1]


async def test_leaves_are_read_from_a_number_on(stores: Stores) -> None:
    await stores.events.append([published(f"e{number}") for number in range(1, 6)])
    leaves = await stores.events.leaves(2, 2)
    assert [json.loads(each)["index"] for each in leaves] == [2, 3]
    assert await stores.events.leaves(5, 2) == []


async def test_a_repeat_and_others_never_change_a_leaf(stores: Stores, others: Stores) -> None:
    events = [published(f"e{number}", public=False) for number in range(5)]
    await stores.events.append(events)
    before = await logged(stores)
    await asyncio.gather(*(each.events.append(events) for each in (stores, others)))
    await stores.events.freeze(1, FrozenLeaf(b"other"))
    assert await logged(others) == before


async def test_leaves_have_no_gaps_whoever_appends(stores: Stores, others: Stores) -> None:
    await asyncio.gather(
        *(
            process.events.append([published(f"{place}.{number}"), published("shared")])
            for number in range(10)
            for place, process in enumerate((stores, others))
        )
    )
    leaves = await stores.events.leaves(0, 100)
    assert [json.loads(each)["index"] for each in leaves] == list(range(21))


async def test_forgetting_leaves_the_leaf_as_it_is(stores: Stores) -> None:
    origin = {"address": "203.0.113.7", "credential": "t1", "actor": "a1", "account": "a1"}
    said = {"kind": "account.created", "details": {"name": "kim"}, "subject": "kim"}
    await stores.events.append([published("e1").model_copy(update={**origin, **said})])
    before = await stored_leaf(stores, 1)
    assert await stores.events.forget_origins(before_ms=100, count=3) == 1
    await stores.events.append([published("e2").model_copy(update={**origin, **said})])
    last = await stored_leaf(stores, 2)
    assert await stores.events.forget_account("a1") == 1
    assert [each.leaf for each in await logged(stores)] == [before, last]
    assert [each.event.details for each in await logged(stores)] == [{}, {}]


async def test_events_of_earlier_versions_get_their_leaves_later(
    stores: Stores, others: Stores
) -> None:
    await stores.events.append([published(f"e{number}") for number in range(1, 5)])
    await forget_leaves(stores, 2, 3)
    assert len(await stores.events.leaves(0, 10)) == 1
    assert [each.leaf is None for each in await logged(stores)] == [False, True, True, False]
    assert await stores.events.without_leaf(0, 10) == [(2, published("e2")), (3, published("e3"))]
    assert await stores.events.without_leaf(0, 1) == [(2, published("e2"))]
    assert not await stores.events.is_complete()
    assert await stores.events.without_leaf(2, 10) == [(3, published("e3"))]
    hidden = FrozenLeaf(b"{}", hashlib.sha256(b"salt").digest(), b'{"v":1}')
    await stores.events.freeze(2, hidden)
    await others.events.freeze(3, FrozenLeaf(b'{"index":2}'))
    assert await stored_leaf(others, 2) == hidden
    assert (await others.events.leaves(1, 2)) == [b"{}", b'{"index":2}']
    assert len(await stores.events.leaves(0, 10)) == 4
    assert await stores.events.without_leaf(0, 10) == []
    assert await others.events.is_complete()


async def test_a_restore_keeps_numbers_and_leaves(stores: Stores, others: Stores) -> None:
    kept = FrozenLeaf(b'{"index":0}', bytes(range(32)), b'{"v":1}')
    backup = [
        LoggedEvent(1, published("e1"), kept),
        LoggedEvent(2, published("e2"), FrozenLeaf(b'{"index":1}')),
        LoggedEvent(3, published("e3"), None),
    ]
    for process in (stores, others):
        await process.events.restore(backup)
        await process.events.restore([])
    assert await logged(stores) == backup
    log = await stores.events.stream("org:acme", None, 10)
    assert [number for number, _ in log] == [3, 2, 1]


async def test_an_event_that_a_backup_has_twice_keeps_its_leaf(stores: Stores) -> None:
    fed = LoggedEvent(1, published("e1"), FrozenLeaf(b'{"index":0}'))
    pending = LoggedEvent(0, published("e1"), None)
    await stores.events.restore([fed, pending])
    assert await logged(stores) == [fed]


async def forget_leaves(stores: Stores, *numbers: int) -> None:
    """Delete the leaves of some events, as earlier versions stored none."""
    if isinstance(stores, EmbeddedStores):
        for number in numbers:
            await stores.database.execute_few(
                "UPDATE events SET leaf = NULL, salt = NULL, opening = NULL WHERE number = ?",
                number,
            )
        return
    assert isinstance(stores, CloudStores)
    container = stores.cosmos.container("events")
    for item in await container.query("SELECT * FROM c WHERE c.feed = true"):
        if item["number"] in numbers:
            plain = {key: item[key] for key in item.keys() - {"leaf", "salt", "opening"}}
            await container.put(plain)
