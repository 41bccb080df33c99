"""Bounds of JSON that others send: how many values it may hold, and how deep they may lie.

A body of a few letters a value grows twentyfold when it is read, so values are counted before.
"""

from collections.abc import Iterator
from typing import cast

DEEPEST = 32  # Levels. What clients send has four, and a bill of materials about ten.

_SEPARATORS = (b",", b"[", b"{")


def has_at_most(values: int, content: bytes) -> bool:
    """Say whether the text holds no more values than that; signs within strings count as well."""
    return sum(content.count(sign) for sign in _SEPARATORS) < values


def is_shallow(value: object) -> bool:
    """Say whether a value that was read is no deeper than `DEEPEST`."""
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return True
    return False


def _inside(value: object) -> Iterator[object]:
    """Yield the lists and objects that lie directly in a value."""
    if isinstance(value, dict):
        members = cast(dict[str, object], value).values()
    elif isinstance(value, list):
        members = cast(list[object], value)
    else:
        return
    for member in members:
        if isinstance(member, dict | list):
            yield cast(object, member)
