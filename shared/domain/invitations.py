"""Invitations: how somebody becomes a member by their own decision."""

import hashlib
from datetime import timedelta
from typing import ClassVar, Self

from shared.domain.entity import Entity, Place
from shared.domain.mails import EmailAddress
from shared.domain.rights import Role

INVITATION_LIFETIME = timedelta(days=7)  # Over a holiday, and not longer than anybody remembers.
INVITATION_LIFETIME_MS = INVITATION_LIFETIME // timedelta(milliseconds=1)
MAX_INVITATIONS = 100  # Open ones of an organization, so that nobody mails a whole town.
CODE_LENGTH = 32  # Base62: 190 bits, which nobody guesses.
ID_LENGTH = 20  # Hexadecimal digits.


class Invitation(Entity):
    """What somebody was offered, by whom, and until when; the code itself is stored nowhere.

    `label` is what the organization's owners know it by: a masked address, or words of their own.
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
        """Return its place among the organization's invitations."""
        return place_of_invitation(self.org, self.id)

    @property
    def subject(self) -> str:
        """Return the hash of the code, by which whoever holds the code finds it."""
        return self.code_hash

    @property
    def ends_ms(self) -> int:
        """Return when it expires."""
        return self.expires_ms

    def is_open_at(self, now_ms: int) -> bool:
        """Say whether it can be accepted at that time."""
        return now_ms < self.expires_ms


class KeptInvitation(Entity):
    """An invitation whose link somebody has opened, so that they can answer it later.

    Nobody is found for an invitation by their mail address, which changes hands: whoever holds the
    code is meant.
    """

    kind: ClassVar[str] = "kept-invitation"

    account: str
    org: str
    id: str
    code_hash: str
    expires_ms: int

    @classmethod
    def of(cls, invitation: Invitation, account_id: str) -> Self:
        """Keep an invitation for an account."""
        return cls(
            account=account_id,
            org=invitation.org,
            id=invitation.id,
            code_hash=invitation.code_hash,
            expires_ms=invitation.expires_ms,
        )

    @property
    def place(self) -> Place:
        """Return its place among what the account has kept."""
        return place_of_kept(self.account, self.org, self.id)

    @property
    def ends_ms(self) -> int:
        """Return when it expires."""
        return self.expires_ms


def place_of_kept(account_id: str, org: str, invitation_id: str) -> Place:
    """Return the place of an invitation that an account has kept."""
    return Place(account_id, f"{org.lower()}:{invitation_id}")


def place_of_invitation(org: str, invitation_id: str) -> Place:
    """Return the place of an invitation."""
    return Place(org.lower(), invitation_id)


def id_for(org: str, address: EmailAddress) -> str:
    """Return the id of an address's invitation: inviting somebody again renews it."""
    named = f"{org.lower()}\n{address.lower()}"
    return hashlib.sha256(named.encode()).hexdigest()[:ID_LENGTH]
