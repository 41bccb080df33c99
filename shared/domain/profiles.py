"""Texts that people write of organizations and of what they do: one line, all of it visible."""

import re
import unicodedata

from shared.domain.administration_errors import ReasonMissing
from shared.domain.errors import InvalidRequest
from shared.domain.organizations import MAX_DESCRIPTION, MAX_DISPLAY_NAME

# Controls, private letters, and what turns the direction of a text or joins letters unseen.
_UNSEEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def parse_display_name(text: str) -> str:
    """Return `text` as a display name, empty for none, or raise `InvalidRequest`."""
    return _line("display name", text, MAX_DISPLAY_NAME)


def parse_description(text: str) -> str:
    """Return `text` as a description, empty for none, or raise `InvalidRequest`."""
    return _line("description", text, MAX_DESCRIPTION)


def parse_label(text: str) -> str:
    """Return `text` as what an invitation is known by, or raise `InvalidRequest`."""
    return _line("label", text, MAX_DISPLAY_NAME)


def parse_reason(text: str, what: str) -> str:
    """Return `text` as the reason for `what`, or raise `ReasonMissing` or `InvalidRequest`."""
    reason = _line("reason", text, MAX_DESCRIPTION)
    if not reason:
        raise ReasonMissing(what)
    return reason


def _line(what: str, text: str, limit: int) -> str:
    line = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()
    if len(line) > limit:
        message = f"The {what} has {len(line)} characters, and {limit} fit. Shorten it."
        raise InvalidRequest(message)
    if any(unicodedata.category(character) in _UNSEEN for character in line):
        message = f"The {what} holds characters that nobody sees. Write it with visible ones."
        raise InvalidRequest(message)
    return line
