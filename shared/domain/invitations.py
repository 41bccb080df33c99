"""Invitations: an offered role in an organization, which somebody accepts by its code."""

import hashlib
from datetime import timedelta
from typing import ClassVar

from shared.domain.entities import Entity, Place
from shared.domain.mail import EmailAddress
from shared.domain.scopes import Role
from shared.domain.text_lines import MAX_DISPLAY_NAME, parse_line
from shared.domain.times import MS

INVITATION_LIFETIME = timedelta(days=7)  # Long enough for a holiday.
INVITATION_LIFETIME_MS = INVITATION_LIFETIME // MS
MAX_INVITATIONS = 100  # Open ones per organization, against mass mailing.
INVITATION_CODE_LENGTH = 32  # Characters of base62: 190 bits.
INVITATION_ID_LENGTH = 20  # Hexadecimal digits.


class Invitation(Entity):
    """An offered role. The code itself is stored nowhere.

    `label` is what the owners know it by: a masked address, or words of their own.
    """

    kind: ClassVar[str] = "invitation"

    org: str
    id: str
    role: Role
    code_hash: str
    label: str
    by: str
    created_ms: int
    expires_ms: int
    made_with: str = ""  # The id of the token that sent it; empty for a person.

    @property
    def place(self) -> Place:
        return invitation_place(self.org, self.id)

    @property
    def subject(self) -> str:
        """The hash of the code, by which the invitation is found."""
        return self.code_hash

    @property
    def ends_ms(self) -> int:
        return self.expires_ms

    def is_open_at(self, now_ms: int) -> bool:
        return now_ms < self.expires_ms


def invitation_place(org: str, invitation_id: str) -> Place:
    return Place(org.lower(), invitation_id)


def invitation_id(org: str, address: EmailAddress) -> str:
    """Return the id of the invitation of an address; a second invitation renews the first."""
    named = f"{org.lower()}\n{address.lower()}"
    return hashlib.sha256(named.encode()).hexdigest()[:INVITATION_ID_LENGTH]


def parse_invitation_label(text: str) -> str:
    """Return `text` as the label of an invitation, or raise `InvalidRequest`."""
    return parse_line("label", text, MAX_DISPLAY_NAME)
