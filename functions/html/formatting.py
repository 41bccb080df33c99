"""Numbers, times and sizes as people read them; the filters of the templates."""

import re
from datetime import UTC, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from shared.domain.sentences import counted
from shared.domain.times import MS
from shared.prose.safe_html import SafeHtml, show_bidi_characters

if TYPE_CHECKING:
    from markupsafe import Markup

_SECOND_MS = 1_000
_MINUTE_MS = 60 * _SECOND_MS
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_MONTH_MS = _DAY_MS * 365 // 12
_YEAR_MS = 365 * _DAY_MS

# From the largest on; a week is left out, because "10 days ago" is exact.
_UNITS = (
    (_YEAR_MS, "year"),
    (_MONTH_MS, "month"),
    (_DAY_MS, "day"),
    (_HOUR_MS, "hour"),
    (_MINUTE_MS, "minute"),
)

_NAME_BREAK = re.compile(r"(?<=[._/])|(?<=[a-z0-9])(?=[A-Z])")

_KILO = 1_024
_THOUSAND = 1_000
_ONE_DIGIT = 10  # Smaller numbers get one digit after the point.


_ADDRESS = re.compile(r"https?://[^\s<>\"'`]+[^\s<>\"'`.,;:!?)\]}]")


def linked(text: str) -> SafeHtml:
    """Return a line of an author as HTML, in which web addresses are links."""
    plain = show_bidi_characters(text)
    parts = list[str]()
    end = 0
    for found in _ADDRESS.finditer(plain):
        address = escape(found[0])
        rel = "nofollow ugc noopener noreferrer"
        parts += [
            escape(plain[end : found.start()]),
            f'<a href="{address}" rel="{rel}">{address}</a>',
        ]
        end = found.end()
    return SafeHtml("".join([*parts, escape(plain[end:])]))


def moment(at_ms: int) -> str:
    """Return a time of the stores as people read it: UTC, to the minute."""
    return f"{_utc(at_ms).isoformat(' ', 'minutes')} UTC"


def machine_moment(at_ms: int) -> str:
    """Return a time of the stores as programs read it."""
    return f"{_utc(at_ms).isoformat()}Z"


def day(at_ms: int) -> str:
    """Return the day of a time of the stores, in UTC."""
    return _utc(at_ms).date().isoformat()


def ago(at_ms: int, now_ms: int) -> str:
    """Return how long ago a time was, rounded: `3 days ago`; for a time in the future `in 3
    days`."""
    amount = _rounded(abs(now_ms - at_ms))
    if not amount:
        return "just now" if at_ms <= now_ms else "in a moment"
    return f"{amount} ago" if at_ms < now_ms else f"in {amount}"


def _rounded(distance_ms: int) -> str:
    """Return a length of time in the largest unit that it fills when rounded to the next smaller
    one, so 59.7 minutes are an hour; empty below half a minute."""
    smaller = (*(length for length, _ in _UNITS[1:]), _MINUTE_MS)
    for (length, unit), step in zip(_UNITS, smaller, strict=True):
        if _times(distance_ms, step) * step >= length:
            return counted(_times(distance_ms, length), unit)
    return ""


def _times(distance_ms: int, length: int) -> int:
    return (distance_ms + length // 2) // length


def url_quoted(value: str) -> str:
    """Return a value of a query parameter as a URL has it."""
    # Most values are words, and a page has some hundred.
    return value if value.isascii() and value.isalnum() else quote_plus(value)


def lasting(span: timedelta) -> str:
    """Return a length of time in its largest whole unit: `90 days`."""
    milliseconds = span // MS
    for length, unit in (*_UNITS[2:], (_SECOND_MS, "second")):
        if milliseconds >= length:
            return counted(milliseconds // length, unit)
    return counted(milliseconds, "millisecond")


def grouped(number: int) -> str:
    """Return a number with its thousands apart: `12,345`."""
    return f"{number:,}"


def short_number(number: int) -> str:
    """Return a number in about three digits: `12k`, `1.2M`."""
    if number < _THOUSAND:
        return str(number)
    size = float(number)
    for letter in ("k", "M"):
        size /= _THOUSAND
        if round(size) < _THOUSAND:
            return f"{_short(size)}{letter}"
    return f"{_short(size / _THOUSAND)}G"


def _short(size: float) -> str:
    """Return a number in two digits if it is smaller than ten after rounding, else without a
    fraction."""
    return f"{size:.1f}" if round(size, 1) < _ONE_DIGIT else f"{size:.0f}"


def sized(size_bytes: int) -> str:
    """Return an amount of bytes in the unit that fits: `12 KiB`."""
    if size_bytes < _KILO:
        return counted(size_bytes, "byte")
    size = float(size_bytes)
    for unit in ("KiB", "MiB"):
        size /= _KILO
        if round(size) < _KILO:
            return f"{_short(size)} {unit}"
    return f"{size / _KILO:,.1f} GiB"


def breakable(name: str) -> "Markup":
    """Return a name as HTML whose line may break after dots, underscores and slashes and before
    capitals."""
    from markupsafe import Markup, escape  # noqa: PLC0415 - with the first page, as Jinja.

    return Markup("<wbr>").join(escape(part) for part in _NAME_BREAK.split(name))


def _utc(at_ms: int) -> datetime:
    """Return a time in UTC, without the zone, which `isoformat` would write."""
    return datetime.fromtimestamp(at_ms // _SECOND_MS, UTC).replace(tzinfo=None)
