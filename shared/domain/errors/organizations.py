"""Refusals about accounts, organizations, their members, and administration of the registry.

NotFound     OrganizationNotFound · AccountNotFound · MemberNotFound · InvitationNotFound
             NothingPending · DomainNotFound · ReservedNameNotFound · NoticeNotFound
Conflict     OrganizationExists · AccountExists · LastOwner · NotClosing · LooksAlike
             AlreadyMember · ChangePending · OrganizationNotEmpty · InvitationsFull · DomainsFull
             DomainUnproven · LastAdministrator · ReservedAlready · ReservedNamesFull ·
             TooManyNotices
Forbidden    NameKeptBack · OwnerTooNew
Invalid      ReasonMissing · PatternUnreadable · NotMeant
Unavailable  DomainSilent
"""

from datetime import timedelta

from shared.domain.errors.base import Conflict, Forbidden, Invalid, NotFound, Unavailable


class OrganizationNotFound(NotFound):
    org: str
    sentence = "organization not found: {org}"


class AccountNotFound(NotFound):
    account: str
    way_out: str = ""
    sentence = "account not found: {account}{ending}"

    @property
    def ending(self) -> str:
        return f". {self.way_out}" if self.way_out else ""


class OrganizationExists(Conflict):
    org: str
    sentence = "The organization {org} exists already. Choose another name."


class AccountExists(Conflict):
    name: str
    sentence = "The account {name} exists already. Choose another name."


class LastOwner(Conflict):
    account: str
    org: str
    sentence = (
        "{account} is the only owner of {org}, and an organization keeps at least one. Make "
        "another member owner first."
    )


class DomainSilent(Unavailable):
    retry_after = timedelta(minutes=1)
    domain: str
    sentence = (
        "The name servers of {domain!q} did not answer, so nothing was changed. Try again in a few "
        "minutes."
    )


class MemberNotFound(NotFound):
    account: str
    org: str
    sentence = "{account} is no member of {org}. Invite them first."


class InvitationNotFound(NotFound):
    # Never which organization, nor which of these it was: codes could be tried.
    sentence = (
        "This invitation is not open: it was used, withdrawn or renewed, or is too old. Ask "
        "whoever sent it for a new one."
    )


class NothingPending(NotFound):
    what: str
    org: str
    sentence = "No change of {what} in {org} waits. What counts already is changed, not undone."


class DomainNotFound(NotFound):
    domain: str
    org: str
    sentence = "{org} does not claim the domain {domain}. Add it first."


class NotClosing(Conflict):
    org: str
    sentence = "{org} is not being deleted, so there is nothing to undo."


class LooksAlike(Conflict):
    # Never which organization: its name may not be public.
    name: str
    sentence = (
        "{name} looks like the name of another organization, and people would take one for the "
        "other. Choose a name that tells itself apart."
    )


class AlreadyMember(Conflict):
    org: str
    role: str
    sentence = (
        "You are {role} of {org} already. Its owners can change your role; the invitation stays "
        "open for somebody else."
    )


class ChangePending(Conflict):
    account: str
    org: str
    sentence = (
        "A change of what {account} is in {org} waits for its time already. Undo that one first."
    )


class OrganizationNotEmpty(Conflict):
    org: str
    package: str
    sentence = (
        "{org} has packages, such as {package}, and releases stay for those who use them. Only an "
        "organization that never published anything can be deleted; deprecate its packages instead."
    )


class OwnerMissing(Conflict):
    org: str
    sentence = (
        "The owners of {org} have all deleted their accounts. The operator gives it another owner: "
        "org add-member {org} ACCOUNT --role owner."
    )


class InvitationsFull(Conflict):
    org: str
    limit: int
    sentence = (
        "{org} has {limit} open invitations, which is the most there may be. Withdraw one, or wait "
        "until one ends."
    )


class DomainsFull(Conflict):
    org: str
    limit: int
    sentence = "{org} claims {limit} domains, which is the most there may be."


class DomainUnproven(Conflict):
    domain: str
    record: str
    text: str
    sentence = (
        '{domain} is not proven: there is no TXT record {record} with "{text}". Set it, and try '
        "again when it has spread, which may take an hour."
    )


class NameKeptBack(Forbidden):
    name: str
    sentence = (
        "{name} is, or looks like, a name that the operator of this registry keeps. Choose another "
        "one."
    )


class OwnerTooNew(Forbidden):
    org: str
    until: str
    sentence = (
        "You are a new owner of {org}. Until {until} you cannot take out or lower owners who were "
        "there before you, nor undo what they decide."
    )


class ReasonMissing(Invalid):
    what: str
    sentence = "Say why, in a line: {what} is looked up by others later."


class PatternUnreadable(Invalid):
    pattern: str
    sentence = (
        "{shown!r} is no pattern of names. Use letters, digits and underscores, with * for any "
        "number of them and ? for one, and at least one letter or digit."
    )

    @property
    def shown(self) -> str:
        return self.pattern[:80]


class NotMeant(Invalid):
    name: str
    sentence = "To show that you mean it, type the name, {name}, as it is written here."


class ReservedNameNotFound(NotFound):
    pattern: str
    sentence = (
        "{shown!r} is not among the patterns that administrators keep back. Those of the setting "
        "BALLROOM_RESERVED_NAMES, and ballerina*, are not changed here."
    )

    @property
    def shown(self) -> str:
        return self.pattern[:80]


class LastAdministrator(Conflict):
    name: str
    sentence = "{name} is the only administrator who can sign in. Make somebody else one first."


class ReservedAlready(Conflict):
    pattern: str
    sentence = "{pattern} is kept back already. Give it free first to change its reason."


class ReservedNamesFull(Conflict):
    limit: int
    sentence = (
        "There are {limit} patterns, which is the most there may be: each founding reads all of "
        "them. Replace several by one with *."
    )


class NoticeNotFound(NotFound):
    notice_id: str
    sentence = (
        "There is no notice {notice_id!q} that is shown or will be. Open the page again: it may "
        "have ended meanwhile."
    )


class TooManyNotices(Conflict):
    limit: int
    sentence = (
        "There are {limit} notices that are shown or will be, and nobody reads more. End one of "
        "them first."
    )
