"""Base64 in notes: the standard alphabet with padding, in its one spelling."""

import base64
import binascii

from shared.domain.errors.transparency import NoteUnreadable


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def bytes_of_base64(what: str, text: str) -> bytes:
    """Return the bytes; raise `NoteUnreadable` about `what` for any other spelling of them."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteUnreadable(what, "it has a part that is not base64") from None
    if base64_of(content) != text:
        raise NoteUnreadable(what, "it has a part that is not base64 in its usual form")
    return content
