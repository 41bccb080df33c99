"""Conditional requests and ranges, as RFC 9110 defines them in sections 13 and 14."""

import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus

from msgspec import Struct

# Looking up a member in the class takes half a microsecond in Python 3.11.
OK = HTTPStatus.OK
PARTIAL_CONTENT = HTTPStatus.PARTIAL_CONTENT
NOT_MODIFIED = HTTPStatus.NOT_MODIFIED
PRECONDITION_FAILED = HTTPStatus.PRECONDITION_FAILED
RANGE_NOT_SATISFIABLE = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


class Selected(Struct, frozen=True):
    """What a request is answered with: the status, and the bytes of the file, which are none if the
    status sends none of it. `content_range` is the header of that name, or empty."""

    status: HTTPStatus
    span: range
    content_range: str = ""

    @property
    def is_refusal(self) -> bool:
        """Whether the file is not sent because a condition or the range of the request is not
        met."""
        return self.status in _REFUSALS

    def headers(self, whole: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of the answer, where `whole` are those of the whole file but its
        length. No cache keeps a refusal, and a 304 has no length."""
        headers = dict(whole)
        if self.status == NOT_MODIFIED:
            return headers
        headers["Content-Length"] = str(len(self.span))
        if self.content_range:
            headers["Content-Range"] = self.content_range
        if self.is_refusal:
            headers["Cache-Control"] = "no-store"
        return headers


def select(headers: Mapping[str, str], *, tag: str, length: int, method: str = "GET") -> Selected:
    """Return what a request for a file of this entity tag and length is answered with.

    `tag` has its quotes. Files have no `Last-Modified` here, so a date in `If-Range` never
    matches, and `If-Unmodified-Since` and `If-Modified-Since` have no effect. Several ranges, other
    units and invalid ranges mean the whole file, and so does any range of a `HEAD`.
    """
    required = headers.get("if-match")
    if required is not None and not _matches(required, tag, _match_strongly):
        return Selected(PRECONDITION_FAILED, _NOTHING)
    if has_current_copy(headers, tag=tag):
        return Selected(NOT_MODIFIED, _NOTHING)
    wanted = _requested_span(headers, tag, length) if method == "GET" else None
    if wanted is None:
        return Selected(OK, range(length))
    if not wanted:
        return Selected(RANGE_NOT_SATISFIABLE, _NOTHING, f"bytes */{length}")
    place = f"bytes {wanted.start}-{wanted.stop - 1}/{length}"
    return Selected(PARTIAL_CONTENT, wanted, place)


def has_current_copy(headers: Mapping[str, str], *, tag: str) -> bool:
    """Check whether the client has a current copy: its `If-None-Match` names this tag, or `*`."""
    known = headers.get("if-none-match")
    return known is not None and _matches(known, tag, _match_weakly)


_Compare = Callable[[str, str], bool]

_NOTHING = range(0)
_REFUSALS = frozenset((PRECONDITION_FAILED, RANGE_NOT_SATISFIABLE))
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


def _match_strongly(one: str, other: str) -> bool:
    """Compare by the strong comparison: a weak tag matches no tag."""
    return one == other and not one.startswith(_WEAK)


def _match_weakly(one: str, other: str) -> bool:
    """Compare by the weak comparison."""
    return one.removeprefix(_WEAK) == other.removeprefix(_WEAK)


# More digits than these name no byte of any file, and would take long to parse.
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def _requested_span(headers: Mapping[str, str], tag: str, length: int) -> range | None:
    """Return the bytes of the one range that is requested, an empty range if the file has none of
    them, and None if the request is for the whole file."""
    found = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    condition = headers.get("if-range")
    if condition is not None and not _match_strongly(condition, tag):
        return None
    first = found[1]
    last = found[2]
    if not first:
        return range(max(0, length - int(last)), length)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, length) if last else length)
