"""What the stores of a place hold."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.system import FakeClock
from tests.support.cloud_stores import blob_double_at, double_of

RECORDS = ("packages", "tools", "accounts", "tokens", "events")  # Not `work`: it ends by itself.

SEARCH = "derived/search/"  # Made of the records, by whoever looks at them.

# What differs between two ways to the same state: versions, marks of writes, and last uses.
_PASSING = frozenset({"_etag", "_ts", "_rid", "_self", "_lsn", "mark", "revision"})


@dataclass(frozen=True)
class Contents:
    """All records that last, and the names of all blobs."""

    records: Mapping[str, Any]
    blobs: Set[str]


def contents_of(place: Path) -> Contents:
    """Return what is stored at the place."""
    double = double_of(place, FakeClock())
    records = {
        f"{container.name}/{key}/{id_}": {
            name: value for name, value in item.items() if name not in _PASSING
        }
        for container in double.containers.values()
        if container.name in RECORDS
        for key, partition in container.partitions.items()
        for id_, item in partition.items.items()
    }
    blobs = {
        f"{container}/{name}"
        for container, stored in blob_double_at(place).containers.items()
        for name in stored
    }
    return Contents(records, {name for name in blobs if not name.startswith(SEARCH)})
