"""Every mail that the registry sends, and every sentence in it."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple, NewType

from shared.domain.errors import InvalidRequest

EmailAddress = NewType("EmailAddress", str)

MAX_ADDRESS_LENGTH = 254  # What fits into the envelope of a mail.
MAX_SUBJECT_LENGTH = 200  # Names of organizations may be as long; people read the beginning.

# Deliberately less than mail allows: no quotes and no comments, which no header may begin anew.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


class Letter(NamedTuple):
    """What is said, without whom it is said to."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter with its address; neither the address nor the text is ever printed by accident."""

    to: EmailAddress = field(repr=False)
    subject: str
    text: str = field(repr=False)  # It may hold the code of an invitation.


def parse_email(text: str) -> EmailAddress:
    """Return `text` as an address that mail can be sent to, or raise `InvalidRequest`."""
    trimmed = text.strip()
    if len(trimmed) > MAX_ADDRESS_LENGTH or not _ADDRESS.fullmatch(trimmed):
        message = "That is no mail address. Write it as kim@example.org."
        raise InvalidRequest(message)
    return EmailAddress(trimmed)


def masked(address: str) -> str:
    """Return an address as a stranger may see it: `k…@example.org`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}\N{HORIZONTAL ELLIPSIS}@{domain}"


def one_line(text: str) -> str:
    """Return what a header can hold: one line, printable, not too long."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line[:MAX_SUBJECT_LENGTH].strip()
