"""Mail, and mail addresses; `shared/services/mail_texts.txt` has the texts."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple, NewType

from shared.domain.errors.base import InvalidRequest
from shared.domain.times import MS

EmailAddress = NewType("EmailAddress", str)

MAX_EMAIL_LENGTH = 254  # The limit of SMTP.
MAX_SUBJECT_LENGTH = 200  # Names of organizations may be as long.

# Refused mail waits no longer than this before it is sent again.
MAX_RETRY_AFTER = timedelta(hours=12)

# Stricter than RFC 5322: no quoted strings and no comments, against header injection.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


class MailText(NamedTuple):
    """A mail without its recipient. `unsubscribe` is an address to which mail programs send a
    `POST` that ends this mail (RFC 8058); empty for mail that nobody subscribed to."""

    subject: str
    text: str
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail with its recipient. Neither recipient nor text is in its `repr`."""

    to: EmailAddress = field(repr=False)
    subject: str
    text: str = field(repr=False)  # It may hold the code of an invitation.
    unsubscribe: str = field(default="", repr=False)


def unsubscribe_headers(mail: Mail) -> dict[str, str]:
    """Return the headers by which a mail program ends the mail with one click."""
    if not mail.unsubscribe:
        return {}
    return {
        "List-Unsubscribe": f"<{mail.unsubscribe}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def retry_ms(since_ms: int, now_ms: int, retry_after: timedelta) -> int:
    """Return when mail that the mail server refuses since `since_ms` is sent again: after as long
    as it has waited, but not before `retry_after`."""
    waited_ms = max(now_ms - since_ms, retry_after // MS)
    return now_ms + min(waited_ms, MAX_RETRY_AFTER // MS)


def parse_email(text: str) -> EmailAddress:
    """Return `text` as a mail address, or raise `InvalidRequest`."""
    trimmed = text.strip()
    if len(trimmed) > MAX_EMAIL_LENGTH or not _ADDRESS.fullmatch(trimmed):
        message = "This is not a valid email address. Write it as kim@example.org."
        raise InvalidRequest(message)
    return EmailAddress(trimmed)


def mailbox_key(address: str) -> str:
    """Return the mailbox of an address: `kim@example.org` for `Kim+work@Example.org`."""
    name, _, domain = address.lower().rpartition("@")
    return f"{name.partition('+')[0]}@{domain}"


def mask_email(address: str) -> str:
    """Return an address as strangers may see it: `k…@example.org`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}\N{HORIZONTAL ELLIPSIS}@{domain}"


def mail_line(text: str) -> str:
    """Return text for a header: one printable line, shortened."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line[:MAX_SUBJECT_LENGTH].strip()
