"""Query parameters as pages read them and show them again."""

from datetime import date, timedelta

from functions.html.pages import PageCall
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.token_redaction import redact_tokens


def text_param(call: PageCall, name: str) -> str:
    """Return a query parameter, with tokens redacted, since the page shows it."""
    return redact_tokens(call.params.get(name, "")).strip()


def day_param(call: PageCall, name: str, *, is_included: bool = False) -> str:
    """Return the beginning of a day that a query names, or the end of one that is included; empty
    if it names none."""
    text = text_param(call, name)
    later = timedelta(days=int(is_included))
    try:
        return (date.fromisoformat(text) + later).isoformat() if text else ""
    except (ValueError, OverflowError):
        message = f"{text[:40]!r} is not a date. Write it as 2026-11-20."
        with about_field(name):
            raise InvalidRequest(message) from None
