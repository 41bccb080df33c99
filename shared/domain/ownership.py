"""Organizations without an owner who can sign in, and members who ask for the ownership."""

from datetime import timedelta
from typing import ClassVar

from shared.domain.entities import Entity, Place

# Owners without a sign-in method and without a session for this long count as absent.
UNSEEN_FOR = timedelta(days=90)
MEMBER_FOR = timedelta(days=30)  # How long somebody has to be a member to ask for the ownership.
# The owner is notified this long before an administrator transfers the ownership.
OWNERSHIP_NOTICE = timedelta(days=7)
SECOND_MAIL_AFTER = timedelta(days=30)


class OwnerlessOrganization(Entity):
    """An organization that nobody can govern; it ends when an owner can sign in."""

    kind: ClassVar[str] = "ownerless-organization"

    org: str
    since_ms: int  # When it was found first.
    reasons: tuple[str, ...]  # A sentence part about each owner, such as `kim is locked`.

    @property
    def place(self) -> Place:
        return ownerless_place(self.org)


def ownerless_place(org: str) -> Place:
    return Place(org.lower(), "ownerless")


class OwnershipRequest(Entity):
    """A member who asks for the ownership; an administrator decides after the notice."""

    kind: ClassVar[str] = "ownership-request"

    org: str
    account: str
    reason: str
    requested_ms: int
    notice_until_ms: int

    @property
    def place(self) -> Place:
        return request_place(self.org, self.account)

    @property
    def subject(self) -> str:
        """The id of the account that asks, so that the requests are deleted with the account."""
        return self.account


def request_place(org: str, account_id: str) -> Place:
    return Place(org.lower(), account_id)
