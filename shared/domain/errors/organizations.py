"""Refusals about accounts, organizations, their members, and administration of the registry.

NotFound     OrganizationNotFound · AccountNotFound · MemberNotFound · InvitationNotFound
             NothingPending · DomainNotFound · ReservedNameNotFound · NoticeNotFound
Conflict     OrganizationExists · AccountExists · LastOwner · NotClosing · LooksAlike
             AlreadyMember · ChangePending · OrganizationNotEmpty · InvitationsFull · DomainsFull
             DomainUnproven · LastAdministrator · ReservedAlready · ReservedNamesFull ·
             TooManyNotices
Forbidden    NameKeptBack · NotCreatedByPush
Invalid      ReasonMissing · PatternUnreadable · NotMeant
Unavailable  DomainSilent
"""

from datetime import timedelta

from shared.domain.errors.base import Conflict, Declared, Forbidden, Invalid, NotFound, Unavailable


class OrganizationNotFound(Declared, NotFound):
    org: str
    sentence = "organization not found: {org}"


class AccountNotFound(Declared, NotFound):
    account: str
    way_out: str = ""
    sentence = "account not found: {account}{ending}"

    @property
    def ending(self) -> str:
        return f". {self.way_out}" if self.way_out else ""


class OrganizationExists(Declared, Conflict):
    org: str
    sentence = "The organization {org} exists already. Choose another name."


class AccountExists(Declared, Conflict):
    name: str
    sentence = "The account {name} exists already. Choose another name."


class LastOwner(Declared, Conflict):
    account: str
    org: str
    sentence = (
        "{account} is the only owner of {org}, and an organization keeps at least one. Make "
        "another member owner first."
    )


class DomainSilent(Declared, Unavailable):
    retry_after = timedelta(minutes=1)
    domain: str
    sentence = (
        "The name servers of {domain!q} did not answer, so nothing was changed. Try again in a few "
        "minutes."
    )


class MemberNotFound(Declared, NotFound):
    account: str
    org: str
    sentence = "{account} is not a member of {org}. Invite them first."


class InvitationNotFound(Declared, NotFound):
    # Never which organization, nor which of these it was: codes could be tried.
    sentence = (
        "This invitation is not valid: it was used, revoked or replaced, or has expired. Ask the "
        "sender for a new one."
    )


class NothingPending(Declared, NotFound):
    what: str
    org: str
    sentence = "There is no pending change of {what} in {org}, so there is nothing to cancel."


class DomainNotFound(Declared, NotFound):
    domain: str
    org: str
    sentence = "{org} does not claim the domain {domain}. Add it first."


class NotClosing(Declared, Conflict):
    org: str
    sentence = "{org} is not being deleted, so there is nothing to cancel."


class LooksAlike(Declared, Conflict):
    # Never which organization: its name may not be public.
    name: str
    sentence = (
        "{name} looks like the name of another organization, so people could confuse them. Choose "
        "a name that differs more."
    )


class AlreadyMember(Declared, Conflict):
    org: str
    role: str
    sentence = (
        "You are {role} of {org} already. Its owners can change your role; the invitation stays "
        "open for somebody else."
    )


class ChangePending(Declared, Conflict):
    account: str
    org: str
    sentence = (
        "There is a pending change of the role of {account} in {org} already. Cancel it first."
    )


class OrganizationNotEmpty(Declared, Conflict):
    org: str
    package: str
    sentence = (
        "{org} has packages, such as {package}, and releases stay for those who use them. Only an "
        "organization that never published anything can be deleted; deprecate its packages instead."
    )


class OwnerMissing(Declared, Conflict):
    org: str
    sentence = (
        "The owners of {org} have all deleted their accounts. The operator gives it another owner: "
        "org add-member {org} ACCOUNT --role owner."
    )


class InvitationsFull(Declared, Conflict):
    org: str
    limit: int
    sentence = (
        "{org} has {limit} pending invitations, which is the limit. Revoke one, or wait until one "
        "expires."
    )


class DomainsFull(Declared, Conflict):
    org: str
    limit: int
    sentence = "{org} has {limit} domains, which is the limit. Remove one first."


class DomainUnproven(Declared, Conflict):
    domain: str
    record: str
    text: str
    sentence = (
        '{domain} is not verified: there is no TXT record {record} with "{text}". Add it, and try '
        "again when DNS servers have it, which may take an hour."
    )


class NameKeptBack(Declared, Forbidden):
    name: str
    sentence = "{name} is, or looks like, a reserved name of this registry. Choose another name."


class NotCreatedByPush(Declared, Forbidden):
    org: str
    reason: str
    sentence = (
        "The organization {org} does not exist, and a push does not create it, because {reason}. "
        "Correct org in Ballerina.toml, or create the organization on /manage/organizations and "
        "push again."
    )


class ReasonMissing(Declared, Invalid):
    what: str
    sentence = "Enter a reason for {what}, in one line: others read it later."


class PatternUnreadable(Declared, Invalid):
    pattern: str
    sentence = (
        "{shown!r} is not a pattern of names. Use letters, digits and underscores, with * for any "
        "number of them and ? for one, and at least one letter or digit."
    )

    @property
    def shown(self) -> str:
        return self.pattern[:80]


class NotMeant(Declared, Invalid):
    name: str
    sentence = "To confirm, type the name, {name}, exactly as shown."


class ReservedNameNotFound(Declared, NotFound):
    pattern: str
    sentence = (
        "{shown!r} is not a reserved name that administrators added. Those of the setting "
        "BALLROOM_RESERVED_NAMES, and ballerina*, cannot be changed here."
    )

    @property
    def shown(self) -> str:
        return self.pattern[:80]


class LastAdministrator(Declared, Conflict):
    name: str
    sentence = "{name} is the only administrator who can sign in. Appoint another one first."


class ReservedAlready(Declared, Conflict):
    pattern: str
    sentence = "{pattern} is reserved already. Remove it first to change its reason."


class ReservedNamesFull(Declared, Conflict):
    limit: int
    sentence = (
        "There are {limit} patterns, which is the limit, because creating an organization reads "
        "all of them. Replace several by one with *."
    )


class NoticeNotFound(Declared, NotFound):
    notice_id: str
    sentence = (
        "There is no active or scheduled notice {notice_id!q}. Reload the page: it may have ended."
    )


class TooManyNotices(Declared, Conflict):
    limit: int
    sentence = (
        "There are {limit} active and scheduled notices, which is the limit. End one of them first."
    )
