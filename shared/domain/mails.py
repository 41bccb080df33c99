"""Every mail that the registry sends, and every sentence in it."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
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


def mailbox(address: str) -> str:
    """Return what an address is counted by: `Kim+work@Example.org` is read by `kim@example.org`."""
    name, _, domain = address.lower().rpartition("@")
    return f"{name.partition('+')[0]}@{domain}"


def masked(address: str) -> str:
    """Return an address as a stranger may see it: `k…@example.org`."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}\N{HORIZONTAL ELLIPSIS}@{domain}"


def one_line(text: str) -> str:
    """Return what a header can hold: one line, printable, not too long."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line[:MAX_SUBJECT_LENGTH].strip()


def invited(org: str, role: str, *, by: str, link: str, until_ms: int) -> Letter:
    """Invite somebody, who may never have heard of the registry."""
    return Letter(
        f"{by} invites you to {org}",
        f"{by} invites you to be {role} of the organization {org}. Open this link to accept or "
        f"decline; it is good for one person, until {moment_text(until_ms)}:\n\n{link}\n\n"
        "If you do not know what this is about, there is nothing that you need to do.\n",
    )


def owners_will_change(org: str, what: str, *, by: str, at_ms: int, link: str) -> Letter:
    """Tell owners what is about to happen to them, while it can be undone."""
    return Letter(
        f"The owners of {org} are about to change",
        f"{by} has decided that {what}. This counts from {moment_text(at_ms)} on. Until then every "
        f"owner of {org} can undo it:\n\n{link}\n\n"
        "If nobody of you wanted this, undo it, and let whoever decided it sign out everywhere: "
        "somebody else may be using their account.\n",
    )


def owners_changed(org: str, what: str, *, by: str, link: str) -> Letter:
    """Tell owners what has happened to them."""
    return Letter(
        f"The owners of {org} have changed",
        f"{by} has decided that {what}. This counts from now on:\n\n{link}\n\n"
        "If it is a mistake, turn to the operator of the registry.\n",
    )


def owners_will_stay(org: str, what: str, *, by: str, link: str) -> Letter:
    """Tell owners that a change was undone in time."""
    return Letter(
        f"The owners of {org} stay as they are",
        f"It had been decided that {what}. {by} has undone that:\n\n{link}\n",
    )


def will_be_deleted(org: str, *, by: str, at_ms: int, link: str) -> Letter:
    """Tell owners that their organization is about to go, for ever."""
    return Letter(
        f"The organization {org} is about to be deleted",
        f"{by} deletes the organization {org}. It takes no packages any more, and from "
        f"{moment_text(at_ms)} on it is gone, and somebody else may found it a day later. Until "
        f"then every owner can undo it:\n\n{link}\n",
    )


def will_not_be_deleted(org: str, *, by: str, link: str) -> Letter:
    """Tell owners that their organization stays."""
    return Letter(
        f"The organization {org} stays",
        f"{by} has undone the deletion of the organization {org}:\n\n{link}\n",
    )


def domain_lapsed(org: str, domain: str, *, record: str, link: str) -> Letter:
    """Tell owners that a domain of theirs is no longer proven."""
    return Letter(
        f"{domain} is no longer verified for {org}",
        f"The record {record}, by which {org} proved that {domain} is its own, is gone, so the "
        f"domain is no longer shown as verified. Set the record again and verify it:\n\n{link}\n",
    )


def moment_text(at_ms: int) -> str:
    """Return a time as a sentence holds it."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%d %B %Y, %H:%M} UTC"
