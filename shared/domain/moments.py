"""Moments as people and programs write them, in UTC unless they say otherwise."""

from datetime import UTC, datetime

from shared.domain.errors import InvalidRequest


def parse_moment(name: str, text: str) -> int:
    """Return the moment that a field of this name says, in milliseconds since 1970.

    Raises `InvalidRequest`.
    """
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        message = f"The parameter {name} is a time such as 2026-11-20T10:00:00Z, not {text[:40]!r}."
        raise InvalidRequest(message) from None
