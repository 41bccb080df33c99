"""Conditional requests and ranges, as RFC 9110 defines them in sections 13 and 14."""

import re
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

WHOLE = 200
PART = 206
UNCHANGED = 304
OUTDATED = 412
UNSATISFIABLE = 416


class Selected(Struct, frozen=True):
    """What a request is answered with: the status, and the bytes of the file, none for a status
    that sends none. `content_range` is the header of that name, empty if the answer has none."""

    status: int
    span: range
    content_range: str = ""


def select(headers: Mapping[str, str], *, tag: str, length: int, method: str = "GET") -> Selected:
    """Return what a request for a file of this entity tag and length is answered with.

    `tag` has its quotes. Files have no `Last-Modified` here, so a date in `If-Range` never
    matches, and `If-Unmodified-Since` and `If-Modified-Since` have no effect. Several ranges, other
    units and invalid ranges mean the whole file, and so does any range of a `HEAD`.
    """
    required = headers.get("if-match")
    if required is not None and not _matches(required, tag, _are_same):
        return Selected(OUTDATED, _NOTHING)
    if is_known(headers, tag=tag):
        return Selected(UNCHANGED, _NOTHING)
    wanted = _requested_span(headers, tag, length) if method == "GET" else None
    if wanted is None:
        return Selected(WHOLE, range(length))
    if not wanted:
        return Selected(UNSATISFIABLE, _NOTHING, f"bytes */{length}")
    place = f"bytes {wanted.start}-{wanted.stop - 1}/{length}"
    return Selected(PART, wanted, place)


def is_known(headers: Mapping[str, str], *, tag: str) -> bool:
    """Return whether the client has the file of this tag: its `If-None-Match` names it, or any."""
    known = headers.get("if-none-match")
    return known is not None and _matches(known, tag, _are_alike)


_Compare = Callable[[str, str], bool]

_NOTHING = range(0)
_ANY = "*"
_WEAK = "W/"
_ENTITY_TAG = re.compile(r'[ \t]*(?:((?:W/)?"[^"]*")[ \t]*)?(?:,|\Z)')


def _matches(condition: str, tag: str, compare: _Compare) -> bool:
    if condition.strip() == _ANY:
        return True
    return any(compare(each, tag) for each in _entity_tags(condition))


def _entity_tags(condition: str) -> Iterator[str]:
    """Yield the tags of a list, up to the first element that is none; a tag may have commas."""
    place = 0
    while place < len(condition):
        found = _ENTITY_TAG.match(condition, place)
        if found is None:
            return
        place = found.end()
        if found[1]:
            yield found[1]


def _are_same(one: str, other: str) -> bool:
    """Compare by the strong comparison: a weak tag is the same as none."""
    return one == other and not one.startswith(_WEAK)


def _are_alike(one: str, other: str) -> bool:
    """Compare by the weak comparison."""
    return one.removeprefix(_WEAK) == other.removeprefix(_WEAK)


# More digits than these name no byte of any file, and would take long to parse.
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def _requested_span(headers: Mapping[str, str], tag: str, length: int) -> range | None:
    """Return the bytes of the one range that is requested, none if the file has none of them; None
    if the whole file is meant."""
    found = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    condition = headers.get("if-range")
    if condition is not None and not _are_same(condition, tag):
        return None
    first = found[1]
    last = found[2]
    if not first:
        return range(max(0, length - int(last)), length)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, length) if last else length)
