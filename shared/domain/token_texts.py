"""Texts that look like access tokens: nothing that is shown or kept holds one."""

import re

HIDDEN = "blr_****"

# A part of a token counts as well: sentences quote what they were given, and cut it off.
_LIKE = re.compile(r"blr_[a-z0-9]{1,12}_[0-9A-Za-z]{8,}")
_LIKE_BYTES = re.compile(_LIKE.pattern.encode())


def without_tokens(text: str) -> str:
    """Return the text with asterisks for each access token in it."""
    # Most texts hold none, and are told by their first letters.
    return _LIKE.sub(HIDDEN, text) if "blr_" in text else text


def holds_token(content: bytes) -> bool:
    """Say whether there is an access token in what somebody has sent."""
    return b"blr_" in content and _LIKE_BYTES.search(content) is not None
