"""Organizations, which own packages, and their members."""

from datetime import timedelta
from typing import ClassVar, Self

from shared.domain.entity import Entity, Place
from shared.domain.package import Record, Visibility
from shared.domain.rights import Role

COOLING_OFF = timedelta(hours=48)  # Whoever reads mail once a day still has a day to undo it.
# A stranger who was let in by trick has owned an organization alone within a minute, before.
NEW_OWNER_FOR = timedelta(days=7)

# Whoever lets helpers in to publish more than they may would have to wait that long.
NEW_MEMBER_FOR = timedelta(days=7)

MAX_DISPLAY_NAME, MAX_DESCRIPTION = 80, 500  # Characters: a line of a list, a paragraph.


class Organization(Entity):
    """The owner of packages; `name` keeps its first spelling, and never changes."""

    kind: ClassVar[str] = "organization"

    id: str = ""  # Never changes; its tokens are found by it.
    name: str
    founder: str
    created_ms: int
    display_name: str = ""
    description: str = ""
    default_visibility: Visibility = Visibility.PUBLIC  # Of packages whose archive says nothing.
    deleting_ms: int | None = None  # When it is gone, unless somebody undoes that before.

    @property
    def key(self) -> str:
        """Return what organizations are compared by."""
        return self.name.lower()

    def is_deleted_at(self, now_ms: int) -> bool:
        """Say whether it is gone at that time; while its record stays, nobody gets its name."""
        return self.deleting_ms is not None and now_ms >= self.deleting_ms

    @property
    def place(self) -> Place:
        """Return the organization's own place."""
        return place_of(self.name)


class PendingRole(Record):
    """A role that counts from a moment on; None takes the account out.

    `heir` is who owns the organization from that moment on instead; without them it does not count.
    """

    role: Role | None
    at_ms: int
    by: str
    heir: str = ""


class Membership(Entity):
    """An account's role in an organization."""

    kind: ClassVar[str] = "membership"

    org: str
    account: str
    role: Role
    since_ms: int = 0
    pending: PendingRole | None = None
    is_shown: bool = False  # To everybody; nobody decides that for somebody else.
    invited_by: str = ""  # The account whose invitation was accepted.
    made_with: str = ""  # The token that invited them, until a person gives them another role.

    @property
    def place(self) -> Place:
        """Return the place of the account among the members."""
        return place_of_member(self.org, self.account)

    @property
    def subject(self) -> str:
        """Return the account, whose organizations are listed by it."""
        return self.account

    def role_at(self, now_ms: int) -> Role | None:
        """Return the role that counts at that time."""
        if self.pending is not None and now_ms >= self.pending.at_ms:
            return self.pending.role
        return self.role

    def sponsor_at(self, now_ms: int) -> str:
        """Return who let the account in, while its role is new; then it stands for itself."""
        is_new = now_ms - self.since_ms < NEW_MEMBER_FOR // timedelta(milliseconds=1)
        return self.invited_by if is_new else ""

    def at(self, now_ms: int) -> Self | None:
        """Return the membership as it counts at that time; None when it is over by then."""
        if self.pending is None or now_ms < self.pending.at_ms:
            return self
        if self.pending.role is None:
            return None
        since_ms = self.pending.at_ms
        return self.model_copy(
            update={"role": self.pending.role, "since_ms": since_ms, "pending": None}
        )


def place_of(org: str) -> Place:
    """Return the place of an organization, in any spelling."""
    return Place(org.lower())


def place_of_member(org: str, account_id: str) -> Place:
    """Return the place of an account among the members of an organization."""
    return Place(org.lower(), account_id)


class LookAlike(Entity):
    """One of the two skeletons of an organization's name, by which look-alikes of it are found."""

    kind: ClassVar[str] = "look-alike"

    org: str
    skeleton: str

    @property
    def place(self) -> Place:
        """Return its place beside the organization, with which it is added."""
        return Place(self.org.lower(), self.skeleton)

    @property
    def subject(self) -> str:
        """Return what look-alikes share."""
        return self.skeleton
