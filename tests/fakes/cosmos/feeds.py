"""The change feed of a container: a read for each of its partitions, from where the last one ended.

From https://learn.microsoft.com/rest/api/cosmos-db/list-documents and the pull model of the change
feed: `A-IM: Incremental feed`, `If-None-Match` with the `etag` of the answer before or `*` for what
changes from now on, `If-Modified-Since` for what changed from a second on, 304 when nothing did.
Each item is there once, at its newest; what was deleted, or has ended, is not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from tests.fakes.cosmos.containers import Container, Failed, Item, bad_request, number_of

INCREMENTAL = "incremental feed"
RANGE = "x-ms-documentdb-partitionkeyrangeid"
PAGE = 100  # Items of one answer, unless the client asks for fewer.
_GONE = 1002  # The partition was split, or never was.


@dataclass(frozen=True, slots=True)
class Changes:
    """One answer: what changed, and where the next one begins."""

    items: list[Item]
    etag: str


def changes(container: Container, headers: Mapping[str, str], key: str | None) -> Changes:
    """Return the changes of one partition key, or of one range of them."""
    if headers.get("a-im", "").lower() != INCREMENTAL:
        raise bad_request("The double shows the newest of each item, and no other feed.")
    since = _since(container, headers)
    most = _most(headers)
    wanted = container.living(key) if key is not None else in_range(container, headers)
    found = [item for item in wanted if number_of(item) > since and _is_late(item, headers)][:most]
    last = number_of(found[-1]) if found else since
    return Changes([{**item, "_lsn": number_of(item)} for item in found], f'"{last}"')


def described(container: Container) -> Mapping[str, Any]:
    """Return the ranges of partition keys that a container has, one for each partition."""
    ranges = [
        {
            "id": each.id,
            "minInclusive": each.least,
            "maxExclusive": each.end,
            "_rid": f"r{each.id}",
            "parents": list(each.parents),
        }
        for each in container.ranges
    ]
    return {"_rid": f"rid-{container.name}", "PartitionKeyRanges": ranges, "_count": len(ranges)}


def _since(container: Container, headers: Mapping[str, str]) -> int:
    text = headers.get("if-none-match", "").strip('"')
    if text == "*":
        return container.last
    if text and not text.isdigit():
        raise bad_request("If-None-Match is no etag of this feed.")
    return int(text or 0)


def _most(headers: Mapping[str, str]) -> int:
    most = int(headers.get("x-ms-max-item-count") or PAGE)
    return PAGE if most == -1 else most


def _is_late(item: Item, headers: Mapping[str, str]) -> bool:
    text = headers.get("if-modified-since")
    return not text or item["_ts"] >= parsedate_to_datetime(text).timestamp()


def in_range(container: Container, headers: Mapping[str, str]) -> list[Item]:
    """Return the items of the range that the request names, less what its client took out."""
    id_ = headers.get(RANGE)
    if id_ is None:
        raise bad_request("The feed is read by partition key, or by partition key range.")
    named = next((each for each in container.ranges if each.id == id_), None)
    if named is None:
        raise Failed(410, "Gone", "The partition key range is gone.", _GONE)
    least = max(named.least, headers.get("x-ms-start-epk", ""))
    end = min(named.end, headers.get("x-ms-end-epk", named.end))
    if (least, end) == ("", "FF"):
        return container.living(None)  # All, without their hashes.
    return [item for item in container.living(None) if least <= container.place_of(item) < end]
