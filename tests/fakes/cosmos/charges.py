"""Request units: what the documentation says an operation costs, as a model and not a bill.

A point read costs 1 unit for each KiB, a write about 5 and one more for each KiB, a query 2.3 and
half a point read of all that it finds. Reads at strong consistency or bounded staleness, which is
what the account has by itself, cost twice as much as those that ask for less.
https://learn.microsoft.com/azure/cosmos-db/request-units
"""

import json
from collections.abc import Iterable
from math import ceil
from typing import Any

WRITE = 5.0
QUERY = 2.3
BOUNDED = 2.0  # Two replicas answer, instead of one.
WEAKER = frozenset({"Session", "ConsistentPrefix", "Eventual"})


def weight(consistency: str | None) -> float:
    """Return what a read costs more for the consistency that it asks for; None is the account's."""
    return 1.0 if consistency in WEAKER else BOUNDED


def of_read(item: Any) -> float:
    """Return the charge of a point read; one that finds nothing costs as much as a small one."""
    return float(_kibibytes(item))


def of_write(item: Any) -> float:
    """Return the charge of a write."""
    return WRITE + _kibibytes(item)


def of_query(found: Iterable[Any]) -> float:
    """Return the charge of a query in one partition."""
    return QUERY + 0.5 * sum(_kibibytes(item) for item in found)


def _kibibytes(item: Any) -> int:
    return max(1, ceil(len(json.dumps(item)) / 1024))
