"""Refusals about organizations, and who belongs to them.

NotFound
└── MemberNotFound · InvitationNotFound · NothingPending · DomainNotFound
Conflict
├── NotClosing · LooksAlike · AlreadyMember · ChangePending · OrganizationNotEmpty
└── InvitationsFull · DomainsFull · DomainUnproven · OwnerMissing
Forbidden
└── NameKeptBack · OwnerTooNew
TooMany
└── MailedLately
"""

from typing import TYPE_CHECKING

from shared.domain.errors import Conflict, Forbidden, NotFound, TooMany

if TYPE_CHECKING:
    from shared.domain.rates import Allowance


class MemberNotFound(NotFound):
    """Nobody of this name belongs to the organization."""

    def __init__(self, account: str, org: str) -> None:
        """Name both, and say how people become members."""
        super().__init__(f"{account} is no member of {org}. Invite them first.")


class InvitationNotFound(NotFound):
    """The code opens nothing: never, no more, or not yet again."""

    def __init__(self) -> None:
        """Say what may have happened; never which organization it was about."""
        super().__init__(
            "This invitation is not open: it was used, withdrawn or renewed, or is too old. "
            "Ask whoever sent it for a new one."
        )


class NothingPending(NotFound):
    """There is no change that could still be undone."""

    def __init__(self, what: str, org: str) -> None:
        """Name what was looked for."""
        super().__init__(
            f"No change of {what} in {org} waits. What counts already is changed, not undone."
        )


class DomainNotFound(NotFound):
    """The organization does not claim this domain."""

    def __init__(self, domain: str, org: str) -> None:
        """Name both."""
        super().__init__(f"{org} does not claim the domain {domain}. Add it first.")


class NotClosing(Conflict):
    """Nobody deletes the organization."""

    def __init__(self, org: str) -> None:
        """Name it."""
        super().__init__(f"{org} is not being deleted, so there is nothing to undo.")


class LooksAlike(Conflict):
    """A name would be taken for that of an organization that is there."""

    def __init__(self, name: str) -> None:
        """Leave open which one it is: it may be nobody's business."""
        super().__init__(
            f"{name} looks like the name of another organization, and people would take one for "
            "the other. Choose a name that tells itself apart."
        )


class AlreadyMember(Conflict):
    """An invitation was accepted by somebody who is a member."""

    def __init__(self, org: str, role: str) -> None:
        """Say what they are, and who changes that."""
        super().__init__(
            f"You are {role} of {org} already. Its owners can change your role; the invitation "
            "stays open for somebody else."
        )


class ChangePending(Conflict):
    """Another change of the same member waits for its time."""

    def __init__(self, account: str, org: str) -> None:
        """Name the member and what to do first."""
        super().__init__(
            f"A change of what {account} is in {org} waits for its time already. "
            "Undo that one first."
        )


class OrganizationNotEmpty(Conflict):
    """An organization with packages cannot be deleted."""

    def __init__(self, org: str, package: str) -> None:
        """Name one of its packages."""
        super().__init__(
            f"{org} has packages, such as {package}, and releases stay for those who use them. "
            "Only an organization that never published anything can be deleted; deprecate its "
            "packages instead."
        )


class OwnerMissing(Conflict):
    """The accounts of all owners of an organization are gone, and something of it is in use."""

    def __init__(self, org: str) -> None:
        """Say who gives it another owner, and how."""
        super().__init__(
            f"The owners of {org} have all deleted their accounts. The operator gives it another "
            f"owner: org add-member {org} ACCOUNT --role owner."
        )


class InvitationsFull(Conflict):
    """So many invitations are open that no further one fits."""

    def __init__(self, org: str, limit: int) -> None:
        """Say how many fit."""
        super().__init__(
            f"{org} has {limit} open invitations, which is the most there may be. "
            "Withdraw one, or wait until one ends."
        )


class DomainsFull(Conflict):
    """So many domains are claimed that no further one fits."""

    def __init__(self, org: str, limit: int) -> None:
        """Say how many fit."""
        super().__init__(f"{org} claims {limit} domains, which is the most there may be.")


class DomainUnproven(Conflict):
    """The record that proves a domain is not there."""

    def __init__(self, domain: str, record: str, text: str) -> None:
        """Say which record it takes."""
        super().__init__(
            f'{domain} is not proven: there is no TXT record {record} with "{text}". '
            "Set it, and try again when it has spread, which may take an hour."
        )


class NameKeptBack(Forbidden):
    """The name is the operator's, or looks like one that is."""

    def __init__(self, name: str) -> None:
        """Name it."""
        super().__init__(
            f"{name} is, or looks like, a name that the operator of this registry keeps. "
            "Choose another one."
        )


class OwnerTooNew(Forbidden):
    """A new owner cannot drive out those who were there before."""

    def __init__(self, org: str, until: str) -> None:
        """Say until when."""
        super().__init__(
            f"You are a new owner of {org}. Until {until} you cannot take out or lower owners who "
            "were there before you, nor undo what they decide."
        )


class MailedLately(TooMany):
    """An address got an invitation by mail a moment ago, from whomever."""

    def __init__(self, allowance: "Allowance", address: str) -> None:
        """Say how long to wait, and how to invite without a mail; the address is masked."""
        super().__init__(
            allowance,
            f"{address} got an invitation by mail a few minutes ago, and no address gets many. "
            f"Wait {allowance.wait_s} seconds to send another one, or invite without an address "
            "and pass the link on yourself.",
        )
