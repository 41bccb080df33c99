"""Makers: whose right what an organization has depends on, and why it stops with them.

The maker of a token, a trusted publisher or a webhook is the account that created it, confirmed
it, or last rotated it. Webhooks of the registry and tokens of directories belong to administrators.
What the operator or a file made, and what has no known maker, stops with nobody.
"""

from enum import Enum

from shared.domain.access_rights import AccessContext
from shared.domain.ids import is_id
from shared.domain.scopes import Role


class MakerStop(Enum):
    """Why something stops with its maker."""

    LOCKED = "locked"
    DELETED = "deleted"
    REMOVED = "removed"  # No owner of the organization any more, and no administrator.


# The reasons as pages show them after "because".
STOP_REASONS = {
    MakerStop.LOCKED: "its maker is locked",
    MakerStop.DELETED: "the account of its maker was deleted",
    MakerStop.REMOVED: "its maker is no owner any more",
}
MADE_BY_MEANING = "Who created, confirmed or last rotated it; null if nobody is known."
STOPPED_MEANING = "Why it stops with its maker, until an owner confirms it; null if it does not."


def known_maker(made_by: str) -> str | None:
    """Return the account that made something; None if none is known, or it was the operator."""
    return made_by if is_id(made_by) else None


def maker_stop(access: AccessContext, org: str) -> MakerStop | None:
    """Return why what an account made in an organization stops; None if it does not. Without `org`
    it belongs to the registry, and to administrators.

    A role by groups that nobody has confirmed for too long stops nothing: a directory that is away
    ends no builds. What takes the role away does.
    """
    account = access.account
    if account is None:
        return MakerStop.DELETED
    if account.is_locked:
        return MakerStop.LOCKED
    is_owner = access.role is Role.OWNER or (
        access.ended_group is not None and access.ended_group.role is Role.OWNER
    )
    if account.administrator or (org and is_owner):
        return None
    return MakerStop.REMOVED
