"""Refusals about accounts, organizations and their members."""

from shared.domain.errors.base import Conflict, Invalid, NotFound


def organization_not_found(org: str) -> NotFound:
    return NotFound("organization-not-found", f"organization not found: {org}")


def account_not_found(account: str, way_out: str = "") -> NotFound:
    ending = f". {way_out}" if way_out else ""
    return NotFound("account-not-found", f"account not found: {account}{ending}")


class OrganizationExists(Conflict):
    def __init__(self, org: str) -> None:
        super().__init__(
            "organization-exists",
            f"The organization {org} exists already. Choose another name.",
        )


class AccountExists(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(
            "account-exists",
            f"The account {name} exists already. Choose another name.",
        )


def last_owner(account: str, org: str) -> Conflict:
    return Conflict(
        "last-owner",
        f"{account} is the only owner of {org}, and an organization keeps at least one. Make "
        "another member owner first.",
    )


def member_not_found(account: str, org: str) -> NotFound:
    return NotFound("member-not-found", f"{account} is not a member of {org}. Invite them first.")


class InvitationNotFound(NotFound):
    def __init__(self) -> None:
        # Never which organization, nor which of these it was: codes could be tried.
        super().__init__(
            "invitation-not-found",
            "This invitation is not valid: it was used, revoked or replaced, or has expired. Ask "
            "the sender for a new one.",
        )


class PatternUnreadable(Invalid):
    def __init__(self, pattern: str) -> None:
        super().__init__(
            "pattern-unreadable",
            f"{pattern[:80]!r} is not a pattern of names. Use letters, digits and underscores, "
            "with * for any number of them and ? for one, and at least one letter or digit.",
        )
