"""The event feed as it has to be, whatever failed while it was written: no gaps and no doubles."""

from collections import Counter
from collections.abc import Iterable

from shared.domain.events import Event
from shared.ports.events import EventStore
from tests.fakes.cosmos.protocol import CosmosDouble

MOST = 100_000


async def checked_feed(events: EventStore) -> list[Event]:
    """Return all events; check that they are numbered from 1 on, and that each is there once."""
    found = await events.since(0, MOST)
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    _check_once(event.id for _, event in found)
    return [event for _, event in found]


def check_stored_feed(double: CosmosDouble) -> None:
    """Check what is stored of a feed: its partitions follow each other without gaps or doubles."""
    [stored] = [each for each in double.containers.values() if each.name == "events"]
    listed = stored.partitions.get('["feed"]')
    labels = sorted(listed.items["months"]["firsts"]) if listed else []
    partitions = [stored.partitions[f'["feed:{label}"]'].items for label in labels]
    events = [[it for it in each.values() if it.get("feed")] for each in partitions]
    everywhere = [it for each in stored.partitions.values() for it in each.items.values()]
    assert sum(map(len, events)) == sum(bool(it.get("feed")) for it in everywhere)
    last = 0
    for items, numbered in zip(partitions, events, strict=True):
        head = items["head"]
        assert head["first"] == last + 1
        numbers = sorted(each["number"] for each in numbered)
        assert numbers == list(range(head["first"], head["next"]))
        last = head["next"] - 1
    _check_once(item["body"]["id"] for each in events for item in each)


def _check_once(ids: Iterable[str]) -> None:
    assert [each for each, times in Counter(ids).items() if times > 1] == []
