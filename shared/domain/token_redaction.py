"""Access tokens in texts that are logged or sent: they are found by their form, and redacted."""

import re

REDACTED_TOKEN = "blr_****"  # noqa: S105 - no secret.

# Parts of tokens match as well, because sentences quote and shorten their input.
_LIKE = re.compile(r"blr_[a-z0-9]{1,12}_[0-9A-Za-z]{8,}")
_LIKE_BYTES = re.compile(_LIKE.pattern.encode())


def redact_tokens(text: str) -> str:
    """Replace access tokens in a text with asterisks."""
    # Most texts hold no token; the check for the prefix is faster.
    return _LIKE.sub(REDACTED_TOKEN, text) if "blr_" in text else text


def contains_token(content: bytes) -> bool:
    return b"blr_" in content and _LIKE_BYTES.search(content) is not None
