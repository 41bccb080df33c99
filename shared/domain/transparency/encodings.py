"""Base64 in notes: the standard alphabet with padding, in its one spelling."""

import binascii

from shared.domain.errors.transparency import NoteUnreadable


def base64_of(content: bytes) -> str:
    return binascii.b2a_base64(content, newline=False).decode()


def bytes_of_base64(what: str, text: str) -> bytes:
    """Return the bytes; raise `NoteUnreadable` about `what` for any other spelling of them."""
    try:
        content = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise NoteUnreadable(what, "it has a part that is not base64") from None
    if base64_of(content) != text:
        raise NoteUnreadable(what, "it has a part that is not base64 in its usual form")
    return content
