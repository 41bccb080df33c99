"""Range requests and conditional requests: RFC 9110."""

import re
from collections.abc import Mapping

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class RangeNotSatisfiable(Exception):
    """The requested range has no byte of the file."""


def requested_range(headers: Mapping[str, str], *, size: int, etag: str) -> range | None:
    """Return the requested range, or None for the whole file.

    Several ranges, other units and invalid ranges are ignored, as the RFC allows. Raises
    `RangeNotSatisfiable`.
    """
    found = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    # Responses have no `Last-Modified`, so an `If-Range` with a date never matches.
    if headers.get("if-range", etag) != etag:
        return None
    if found[1] and found[2] and int(found[2]) < int(found[1]):
        return None
    wanted = _span(found[1], found[2], size)
    if not wanted:
        raise RangeNotSatisfiable
    return wanted


def _span(first: str, last: str, size: int) -> range:
    if not first:
        return range(max(0, size - int(last)), size)
    return range(int(first), min(int(last) + 1, size) if last else size)


def is_current(headers: Mapping[str, str], *, etag: str) -> bool:
    """Return whether there is no `If-Match`, or it matches; otherwise the answer is a 412.

    Tags that are marked as weak never match. Files have no `Last-Modified`, so an
    `If-Unmodified-Since` has no effect.
    """
    required = headers.get("if-match")
    return required is None or not _tags(required).isdisjoint(("*", etag))


def is_known(headers: Mapping[str, str], *, etag: str) -> bool:
    """Return whether the `If-None-Match` matches."""
    return not known_tags(headers).isdisjoint(("*", etag))


def known_tags(headers: Mapping[str, str]) -> frozenset[str]:
    """Return the entity tags of the `If-None-Match`, with their quotes."""
    return frozenset(tag.removeprefix("W/") for tag in _tags(headers.get("if-none-match", "")))


def _tags(value: str) -> frozenset[str]:
    return frozenset(tag.strip() for tag in value.split(","))
