"""Heads, releases and entries as items of their package's partition."""

from typing import TypeVar

from shared.adapters.cosmos.connecting import Item
from shared.domain.package import Event, Head, Release

R = TypeVar("R", Head, Release)

HEAD = "head"


def release_id(version: str) -> str:
    """Return the id of a release in the partition of its package."""
    return f"release:{version}"


def id_of(record: Head | Release) -> str:
    """Return the id of a record in the partition of its package."""
    return release_id(record.version) if isinstance(record, Release) else HEAD


def pk_of(record: Head | Release) -> str:
    """Return the partition of a record."""
    return (record.coordinate.package if isinstance(record, Release) else record.package).key


def item_of(record: Head | Release) -> Item:
    """Return a record as it is stored."""
    body = record.model_dump(mode="json", exclude={"outbox", "revision", "pulls"})
    item: Item = {
        "id": id_of(record),
        "pk": pk_of(record),
        "schema": 1,
        "kind": "release" if isinstance(record, Release) else HEAD,
        "revision": record.revision,
        "outbox": [event.model_dump(mode="json") for event in record.outbox],
        "waiting": waiting_since(record.outbox),
        "body": body,
    }
    if isinstance(record, Head):
        item["pulls"] = record.pulls
    return item


def read(kind: type[R], item: Item) -> R:
    """Return the record of an item."""
    beside = {name: item[name] for name in ("revision", "outbox", "pulls") if name in item}
    return kind.model_validate({**item["body"], **beside})


def waiting_since(outbox: tuple[Event, ...]) -> int:
    """Return since when a record waits for its events to be published; 0 is not at all."""
    return outbox[0].at_ms if outbox else 0
