"""Times as people write and read them, in UTC unless they say otherwise, and times as records store
them.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, GetPydanticSchema

from shared.domain.errors.base import InvalidRequest, about_field

MS = timedelta(milliseconds=1)  # `duration // MS` is its length in milliseconds.
DAY_MS = timedelta(days=1) // MS
# How far the clocks of two instances are apart, at most. What lies further in the future is from
# before the clock was set back.
CLOCK_DIFFERENCE_MS = timedelta(minutes=1) // MS


def parse_time(name: str, text: str) -> int:
    """Parse the field `name` as a time, in milliseconds since 1970, or raise `InvalidRequest`."""
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        message = f"The parameter {name} is a time such as 2026-11-20T10:00:00Z, not {text[:40]!r}."
        with about_field(name):
            raise InvalidRequest(message) from None


def time_text(at_ms: int) -> str:
    """Return a time for a sentence."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%d %B %Y, %H:%M} UTC"


def utc_text(at_ms: int) -> str:
    """Return a time as machines write it, to the second, such as 2026-11-20T10:00:00Z."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def is_younger(at_ms: int, age: timedelta, now_ms: int) -> bool:
    """Check whether less than `age` has passed since a stored time. A time that is further in the
    future than clocks differ is from before the clock was set back, and counts as old: nobody knows
    how long ago it was."""
    return -CLOCK_DIFFERENCE_MS <= now_ms - at_ms < age // MS


LATEST_MS = 253_402_300_799_999  # The end of the year 9999: no later time can be written.


# A number that is 0 where it is out of bounds; reading it calls no Python.
_STORED_MS: Any = {
    "type": "default",
    "schema": {"type": "int", "ge": 0, "le": LATEST_MS},
    "default": 0,
    "on_error": "default",
}
StoredMs = Annotated[int, GetPydanticSchema(lambda _source, _handler: _STORED_MS)]
SignedMs = Annotated[int, Field(ge=0, le=LATEST_MS)]  # Refused where it is out of bounds.


NO_END_MS = 253_402_300_799_000  # The end of the year 9999: a role that ends when SCIM says it.
