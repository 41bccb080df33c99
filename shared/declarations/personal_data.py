"""What stored records say of people: each field about a person, why it is stored, how long, and
how it goes. docs/run/personal-data.md has these tables.

A test fails for a field of any record that is neither here nor among those about nobody.
"""

from collections.abc import Mapping

from msgspec import Struct

from shared.domain.account_erasure import AccountErasure
from shared.domain.account_names import AccountName, RetiredName
from shared.domain.accounts import Account, AccountByGroups, AccountLock
from shared.domain.advisories.assessments import Assessment
from shared.domain.advisories.followers import AdvisoryFollower
from shared.domain.approved_packages import ApprovalAsker
from shared.domain.device_login import DeviceDecision, DeviceRequest
from shared.domain.directory_locks import DirectoryFinding
from shared.domain.events import Event
from shared.domain.following import Follow, FollowerNews, LeaveLink, WaitingNews
from shared.domain.identities import Identity
from shared.domain.invitations import Invitation
from shared.domain.memberships import GroupRole, Membership, PendingRole
from shared.domain.name_disputes import DisputeAppeal, DisputeDecision, NameDispute, Statement
from shared.domain.notices import ReadOnlyState
from shared.domain.organizations import Freeze, Organization
from shared.domain.ownership import OwnerlessOrganization, OwnershipRequest
from shared.domain.packages import ArchiveFacts, GivenApproval, Head, Origin, Provenance, Release
from shared.domain.policies import Policy
from shared.domain.proposals import Proposal
from shared.domain.pull_records import RecordedPull
from shared.domain.queued_mail import QueuedMail, Recipients
from shared.domain.records import Record
from shared.domain.registry_files.managed import ManagedByFile
from shared.domain.release_pullers import ReleasePullers
from shared.domain.release_states import PackageHold
from shared.domain.reports import Report, ReportDecision
from shared.domain.reserved_names import ReservedName
from shared.domain.scim import (
    ScimEmail,
    ScimKey,
    ScimMembers,
    ScimName,
    ScimPerson,
    ScimToken,
    ScimUser,
    ScimWaiting,
)
from shared.domain.sessions import Session
from shared.domain.sign_in import SignInAttempt
from shared.domain.tokens import Token, TokenUse
from shared.domain.transparency.leaves import FrozenLeaf
from shared.domain.transparency.records import ReleaseProof
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.upstream_withdrawals import GoneRelease
from shared.domain.webhooks import Delivery, Webhook
from shared.domain.withheld_notes import WithheldNote


class Lifetime(Struct, frozen=True):
    """How long a record about a person is kept, and what deletes it."""

    kept: str
    goes: str


class PersonalField(Struct, frozen=True):
    """Why a field about a person is stored, and how long."""

    why: str
    lifetime: Lifetime


class PersonalRecord(Struct, frozen=True):
    """A record with fields about people, and where it lies: SQLite's table, and Cosmos DB's
    container."""

    record: type[Record | Struct]
    where: str
    fields: Mapping[str, PersonalField]


_ACCOUNT = Lifetime("as long as the account", "deleted with the account")
_ID = Lifetime("for ever", "stays, and leads to nobody after the account is erased")
_CREDENTIAL = Lifetime(
    "until it is revoked, or seven days after it expired", "deleted; at the latest with the account"
)
_LAST_USE = Lifetime(
    "until the next use, and as long as the token", "deleted with the token or the account"
)
_SESSION = Lifetime(
    "until it ends; seven days longer if it expired", "deleted; at the latest with the account"
)
_MEMBERSHIP = Lifetime("as long as the role", "deleted with the role or the account")
_INVITATION = Lifetime("until it is answered, or seven days after it expired", "deleted")
_MINUTES = Lifetime("ten minutes", "deleted within an hour after it expired")
_AUDIT = Lifetime(
    "`BALLROOM_AUDIT_DAYS` (365)",
    "removed from the event by `anonymize-events`, and with the account at once",
)
_RELEASE = Lifetime("as long as the release", "deleted when the release is erased")
_ORGANIZATION = Lifetime("as long as the organization", "an id, which stays until then")
_DECISION = Lifetime("until the next decision", "overwritten, or removed by an administrator")
_FILE = Lifetime("until the file is applied again", "overwritten; name nobody in it who left")
_DISPUTE = Lifetime("as long as the organization", "stays, and leads to nobody")
_OF_A_CLAIMANT = Lifetime(
    "as long as the organization",
    "that of a claimant is deleted with the account; in what others wrote, the name and the mail "
    "address of the account are replaced",
)
_REPORT = Lifetime(
    "until one year after the decision, or after the report if nobody decides",
    "deleted with the account, from which on the report names nobody",
)
_REPORT_NETWORK = Lifetime("until the decision, one year at most", "deleted with the account")
_REPORT_DECISION = Lifetime("as long as the report", "stays, and leads to nobody")
_REQUEST = Lifetime("until it is decided", "deleted; at the latest with the account")
_ASKED = Lifetime("until it is decided, 180 days at most", "deleted")
_FINDING = Lifetime("until the directory says otherwise", "deleted; at the latest with the account")
_PROVISIONED = Lifetime(
    "until the directory removes the person", "deleted; at the latest with the account"
)
_FREEZE = Lifetime("until it ends", "deleted")
_PULL = Lifetime("90 days", "deleted within an hour; with the account at once")
_PROPOSAL = Lifetime("until it is decided, or seven days after it expired", "deleted")
_FOLLOWED = Lifetime(
    "until the person ends it", "deleted; at the latest with the account or the organization"
)
_NEXT_MAIL = Lifetime(
    "until the next mail, two weeks at most", "deleted; at the latest with the account"
)
_QUEUED = Lifetime("until the mail is sent, a week at most", "deleted")
_LEAVE = Lifetime("60 days", "deleted; at the latest with the account")
_ROLE = "decides what the account may do"
_WRITTEN = "words of an administrator, who is asked to name nobody"


def _each(why: str, lifetime: Lifetime, *names: str) -> dict[str, PersonalField]:
    return dict.fromkeys(names, PersonalField(why, lifetime))


_DIRECTORY = "`entities`, `directory`"
_PACKAGES = "`heads` and `releases`, `packages`"
_WORK = "`work`, `work`"

PERSONAL_RECORDS: tuple[PersonalRecord, ...] = (
    PersonalRecord(
        Account,
        _DIRECTORY,
        {
            **_each("stands for the person in roles, releases and logs", _ID, "id"),
            **_each("others know the person by it", _ACCOUNT, "name"),
            **_each("for mail about the account; a provider says it", _ACCOUNT, "email"),
            **_each(
                "is used again if its domain is again as it was",
                _ACCOUNT,
                "distrusted_email",
            ),
            **_each("says since when there is an account", _ACCOUNT, "created_ms"),
            **_each(_ROLE, _ACCOUNT, "administrator", "auditor", "by_groups", "groups_until_ms"),
            **_each("says who no longer uses an account", _ACCOUNT, "signed_in_ms"),
            **_each("says why the account is refused", _ACCOUNT, "lock", "directory_lock"),
            **_each("decides whether the person is staff", _ACCOUNT, "providers"),
        },
    ),
    PersonalRecord(
        AccountLock,
        "in `Account`",
        {
            **_each("says who locked the account and when", _ACCOUNT, "at_ms", "by", "source"),
            **_each(_WRITTEN, _ACCOUNT, "reason"),
        },
    ),
    PersonalRecord(
        DirectoryFinding,
        _DIRECTORY,
        {
            **_each(
                "says who is disabled or gone in a directory", _FINDING, "account", "said", "at_ms"
            ),
            **_each(
                "says what follows, and who decided",
                _FINDING,
                "state",
                "decided_by",
                "deactivated_by",
            ),
            **_each(_WRITTEN, _FINDING, "decision_reason"),
        },
    ),
    PersonalRecord(
        AccountByGroups,
        "in `Account`",
        _each(
            _ROLE,
            _ACCOUNT,
            "administrator",
            "staff",
            "until_ms",
            "staff_until_ms",
            "administrator_by_hand",
            "auditor",
            "auditor_until_ms",
        ),
    ),
    PersonalRecord(
        AccountName,
        _DIRECTORY,
        _each(
            "gives each name to one account",
            Lifetime("as long as the account has the name", "replaced by its hash"),
            "name",
            "account",
            "created_ms",
        ),
    ),
    PersonalRecord(
        RetiredName,
        _DIRECTORY,
        _each(
            "nobody gets a former name; a salted hash, from which a name can be guessed, not read",
            Lifetime("for ever", "stays"),
            "hash",
        ),
    ),
    PersonalRecord(
        AccountErasure,
        _DIRECTORY,
        {
            **_each(
                "announces the erasure, and continues it after a crash",
                Lifetime("until the account is erased", "deleted"),
                "account",
                "by",
                "asked_ms",
                "due_ms",
            ),
            **_each("says why; it must not name the person", _ID, "reason"),
            **_each(
                "gets the last mail, which is sent when the account is gone",
                Lifetime(
                    "from the removal of the account until the mail is sent, a day at most while "
                    "the mail server refuses it",
                    "removed from the record, whose old bytes are overwritten",
                ),
                "address",
            ),
        },
    ),
    PersonalRecord(
        Identity,
        _DIRECTORY,
        {
            **_each(
                "finds the account of whoever signs in", _ACCOUNT, "issuer", "identifier", "account"
            ),
            **_each("the person recognizes the sign-in method", _ACCOUNT, "label", "provider"),
            **_each("says since when it is linked", _ACCOUNT, "linked_ms"),
            **_each(
                "rules about groups give roles",
                _ACCOUNT,
                "groups",
                "groups_ms",
                "roles_ms",
                "pushed_groups",
            ),
            **_each("says that a directory provisions the account", _ACCOUNT, "is_provisioned"),
        },
    ),
    PersonalRecord(
        ScimUser,
        _DIRECTORY,
        {
            **_each("the directory finds the person by it", _PROVISIONED, "id", "directory"),
            **_each("says which account is theirs", _PROVISIONED, "account", "waits_for"),
            **_each("rules about groups give roles", _PROVISIONED, "groups"),
            **_each(
                "the directory compares it with its own", _PROVISIONED, "created_ms", "modified_ms"
            ),
            **_each("see `ScimPerson`", _PROVISIONED, "person"),
        },
    ),
    PersonalRecord(
        ScimPerson,
        "in `ScimUser`",
        {
            **_each("the directory finds the person by it", _PROVISIONED, "user_name"),
            **_each("is the identity of the person", _PROVISIONED, "external_id"),
            **_each("names the account", _PROVISIONED, "display_name", "name"),
            **_each("for mail about the account", _PROVISIONED, "emails"),
            **_each("decides whether the account is locked", _PROVISIONED, "active"),
        },
    ),
    PersonalRecord(
        ScimName,
        "in `ScimPerson`",
        _each("names the account", _PROVISIONED, "formatted", "family_name", "given_name"),
    ),
    PersonalRecord(
        ScimEmail,
        "in `ScimPerson`",
        _each("for mail about the account", _PROVISIONED, "value", "type", "primary"),
    ),
    PersonalRecord(
        ScimKey,
        _DIRECTORY,
        _each(
            "gives a user name and an external id to one person; a hash",
            _PROVISIONED,
            "directory",
            "field",
            "digest",
            "holder",
        ),
    ),
    PersonalRecord(
        ScimWaiting,
        _DIRECTORY,
        _each(
            "waits for the yes of an administrator", _PROVISIONED, "directory", "user", "account"
        ),
    ),
    PersonalRecord(
        ScimMembers,
        _DIRECTORY,
        _each(
            "says who is in a group, by ids of the directory's users",
            Lifetime("as long as the group", "an id, which leads to nobody without `ScimUser`"),
            "members",
            "pending",
        ),
    ),
    PersonalRecord(
        ScimToken,
        _DIRECTORY,
        _each(
            "says who made the token, which stops with them",
            Lifetime("until it is revoked or expires", "an id, which stays until then"),
            "made_by",
        ),
    ),
    PersonalRecord(
        Session,
        _DIRECTORY,
        {
            **_each("knows the browser that is signed in", _SESSION, "id", "account", "secrets"),
            **_each(
                "decides when the session ends and what needs a new sign-in",
                _SESSION,
                "provider",
                "created_ms",
                "seen_ms",
                "expires_ms",
                "idle_ms",
                "signed_in_ms",
                "strong",
                "confirmed_ms",
            ),
            **_each("the person recognizes the session", _SESSION, "agent", "address"),
        },
    ),
    PersonalRecord(
        SignInAttempt,
        _WORK,
        _each(
            "continues a sign-in that a browser began",
            _MINUTES,
            "browser",
            "account",
            "session",
            "begun_ms",
        ),
    ),
    PersonalRecord(
        Membership,
        _DIRECTORY,
        {
            **_each(_ROLE, _MEMBERSHIP, "account", "role", "since_ms", "pending", "group"),
            **_each("limits what a new member may do", _MEMBERSHIP, "invited_by"),
        },
    ),
    PersonalRecord(
        PendingRole,
        "in `Membership`",
        _each(
            "announces a change of owners",
            _MEMBERSHIP,
            "role",
            "at_ms",
            "by",
            "on_hold",
            "new_owner",
        ),
    ),
    PersonalRecord(
        GroupRole,
        "in `Membership`",
        _each(_ROLE, _MEMBERSHIP, "role", "until_ms", "groups", "by_hand"),
    ),
    PersonalRecord(
        Invitation,
        _DIRECTORY,
        {
            **_each("owners recognize it; an address is masked", _INVITATION, "label"),
            **_each("says who invited, and with what", _INVITATION, "by", "made_with"),
        },
    ),
    PersonalRecord(
        Token,
        _DIRECTORY,
        {
            **_each(
                "recognizes the token and its rights",
                _CREDENTIAL,
                "id",
                "hash",
                "owner",
                "grants",
                "created_ms",
                "expires_ms",
            ),
            **_each("its person recognizes it", _CREDENTIAL, "name"),
            **_each("limits from where it works", _CREDENTIAL, "addresses"),
            **_each(
                "decides whether a token of an organization still works",
                _CREDENTIAL,
                "made_by",
                "publishers_made_by",
                "by_unknown_guest",
                "by_guest",
            ),
        },
    ),
    PersonalRecord(
        TokenUse,
        _DIRECTORY,
        _each(
            "finds unused and stolen tokens",
            _LAST_USE,
            "owner",
            "token",
            "used_ms",
            "address",
            "agent",
        ),
    ),
    PersonalRecord(
        DeviceRequest,
        _WORK,
        _each(
            "the person recognizes the machine to approve", _MINUTES, "client", "address", "agent"
        ),
    ),
    PersonalRecord(
        DeviceDecision,
        _WORK,
        _each("says whose token the machine gets", _MINUTES, "account", "session"),
    ),
    PersonalRecord(
        Event,
        "`events`, `events`",
        {
            **_each("says who did what, and to whom", _ID, "actor", "account", "subject"),
            **_each("finds misuse: with what and from where", _AUDIT, "credential", "address"),
            **_each(
                "says what changed; names, labels, browsers and machines in it", _AUDIT, "details"
            ),
        },
    ),
    PersonalRecord(
        FrozenLeaf,
        "`events`, `events`",
        _each("says who did what, by the id, in the transparency log", _ID, "leaf", "opening"),
    ),
    PersonalRecord(
        ReleaseProof,
        _DIRECTORY,
        _each("is the leaf of the publication, as it is in the transparency log", _ID, "entry"),
    ),
    PersonalRecord(
        Organization, _DIRECTORY, _each("says who created it", _ORGANIZATION, "founder")
    ),
    PersonalRecord(
        Freeze,
        "in `Organization`",
        {**_each("says who froze it", _FREEZE, "by"), **_each(_WRITTEN, _FREEZE, "reason")},
    ),
    PersonalRecord(
        OwnerlessOrganization,
        _DIRECTORY,
        _each(
            "says of each owner, by name, why they cannot sign in",
            Lifetime(
                "until an owner can sign in",
                "written anew without the account when it is erased, or within six hours",
            ),
            "reasons",
        ),
    ),
    PersonalRecord(
        OwnershipRequest,
        _DIRECTORY,
        {
            **_each(
                "says who asks for an organization, and until when it waits",
                _REQUEST,
                "account",
                "requested_ms",
                "notice_until_ms",
            ),
            **_each("the person says why", _REQUEST, "reason"),
        },
    ),
    PersonalRecord(
        NameDispute,
        _DIRECTORY,
        {**_each("says who claims the name", _DISPUTE, "claimant", "opened_by")},
    ),
    PersonalRecord(
        Statement,
        "in `NameDispute`",
        {
            **_each("says who stated it, and when", _DISPUTE, "by", "at_ms"),
            **_each("what a party claims or answers", _OF_A_CLAIMANT, "text"),
        },
    ),
    PersonalRecord(
        DisputeDecision,
        "in `NameDispute`",
        {
            **_each("says who decided, and when", _DISPUTE, "by", "at_ms"),
            **_each("both parties read why", _OF_A_CLAIMANT, "reason"),
        },
    ),
    PersonalRecord(
        DisputeAppeal,
        "in `NameDispute`",
        {
            **_each("says who appealed, and when", _DISPUTE, "by", "at_ms"),
            **_each("the party says why", _OF_A_CLAIMANT, "reason"),
        },
    ),
    PersonalRecord(
        Report,
        _DIRECTORY,
        {
            **_each("says who reported the release, and when", _REPORT, "reporter", "reported_ms"),
            **_each("the person says what is wrong", _REPORT, "text"),
            **_each("reports from one network (/24, /48) count as one", _REPORT_NETWORK, "network"),
            **_each("says whether the account was 30 days old", _REPORT, "is_weighty"),
        },
    ),
    PersonalRecord(
        ReportDecision,
        "in `Report`",
        {
            **_each("says who decided, and when", _REPORT_DECISION, "by", "at_ms"),
            **_each("the reporter reads why", _REPORT, "note"),
        },
    ),
    PersonalRecord(
        Publisher,
        _DIRECTORY,
        {
            **_each(
                "decides whether its jobs may publish",
                Lifetime("as long as the publisher", "an id, which goes with the publisher"),
                "by",
                "by_guest",
            ),
            **_each(
                "names the repository, which may belong to a person",
                Lifetime("as long as the publisher", "deleted with the publisher"),
                "repository",
            ),
            **_each(
                "decide which jobs may publish; an issuer may name who started a job",
                Lifetime("as long as the publisher", "deleted with the publisher"),
                "claims",
            ),
        },
    ),
    PersonalRecord(
        Assessment,
        _DIRECTORY,
        {
            **_each("says who assessed a finding", _ID, "by"),
            **_each(_WRITTEN, _ID, "detail"),
        },
    ),
    PersonalRecord(
        AdvisoryFollower,
        _DIRECTORY,
        _each("says who gets mail about advisories", _ACCOUNT, "account", "since_ms"),
    ),
    PersonalRecord(
        Follow,
        _DIRECTORY,
        _each(
            "sends mail about what the person asked for",
            _FOLLOWED,
            "followed",
            "account",
            "pace",
            "since_ms",
        ),
    ),
    PersonalRecord(
        FollowerNews,
        _DIRECTORY,
        {
            **_each("is told with the next mail", _NEXT_MAIL, "account", "pace", "due_ms"),
            **_each("says when refused mail is sent again", _NEXT_MAIL, "retry_ms"),
            **_each("see `WaitingNews`", _NEXT_MAIL, "waiting", "more"),
        },
    ),
    PersonalRecord(
        WaitingNews,
        "in `FollowerNews`",
        _each("is told with the next mail", _NEXT_MAIL, "news", "subject", "followed", "advisory"),
    ),
    PersonalRecord(
        QueuedMail,
        _DIRECTORY,
        {
            **_each("is mail that could not be sent yet", _QUEUED, "mail_subject", "text"),
            **_each("see `Recipients`", _QUEUED, "recipients"),
        },
    ),
    PersonalRecord(
        Recipients,
        "in `QueuedMail`",
        _each("says who gets the mail, or does not", _QUEUED, "audience", "org", "accounts"),
    ),
    PersonalRecord(
        LeaveLink,
        _DIRECTORY,
        _each(
            "ends mail without a sign-in; the code is stored as a hash",
            _LEAVE,
            "code_hash",
            "account",
            "use",
            "pace",
            "followed",
            "expires_ms",
        ),
    ),
    PersonalRecord(
        Webhook,
        _DIRECTORY,
        _each(
            "says who added it",
            Lifetime("as long as the webhook", "an id, which goes with the webhook"),
            "by",
        ),
    ),
    PersonalRecord(
        Delivery,
        "in `DeliveryLog`",
        _each(
            "shows owners what a webhook was sent",
            Lifetime("until 100 later deliveries", "overwritten"),
            "subject",
            "answer",
        ),
    ),
    PersonalRecord(Head, _PACKAGES, _each("says who published the package first", _ID, "made_by")),
    PersonalRecord(
        PackageHold,
        "in `Head`",
        {
            **_each("says who holds the package", _FREEZE, "by"),
            **_each(_WRITTEN, _FREEZE, "reason"),
        },
    ),
    PersonalRecord(
        Origin,
        "in `Release`",
        _each("says who published it, and with what", _ID, "principal", "credential"),
    ),
    PersonalRecord(
        Provenance,
        "in `Origin` and `Token`",
        {
            **_each(
                "proves from which source it was built; a repository may belong to a person",
                _RELEASE,
                "repository",
                "workflow",
                "run_url",
                "subject",
            ),
            **_each(
                "has the ids of the run, among them who started it at the CI system",
                _RELEASE,
                "claims",
            ),
        },
    ),
    PersonalRecord(
        ArchiveFacts,
        "in `Release`",
        _each(
            "what the archive says: names and addresses that authors published",
            _RELEASE,
            "authors",
            "source_repository",
        ),
    ),
    PersonalRecord(Release, _PACKAGES, _each(_WRITTEN, _RELEASE, "state_reason")),
    PersonalRecord(
        ApprovalAsker,
        "in `ApprovalRequest`",
        {
            **_each("says whom to mail the decision", _ASKED, "account", "at_ms"),
            **_each("why the person needs the package, for the curators", _ASKED, "reason"),
        },
    ),
    PersonalRecord(
        GivenApproval,
        "in `RequiredApproval`",
        _each("says who approved the release, and when", _ID, "by", "at_ms"),
    ),
    PersonalRecord(
        WithheldNote,
        _DIRECTORY,
        {**_each("says who decided", _DECISION, "by"), **_each(_WRITTEN, _DECISION, "reason")},
    ),
    PersonalRecord(
        ReleasePullers,
        _DIRECTORY,
        _each(
            "decides whether owners may erase a young release: keyed hashes of accounts, jobs and "
            "addresses, which nobody can reverse",
            Lifetime("until eleven days after the release was published", "deleted within an hour"),
            "pullers",
        ),
    ),
    PersonalRecord(
        RecordedPull,
        "`pull_records`, `stats`",
        {
            **_each(
                "says whose release was pulled, and when", _PULL, "org", "name", "version", "at_ms"
            ),
            **_each("owners see who pulled it", _PULL, "principal", "credential", "job"),
            **_each("owners see from where; an address, of IPv6 the /64 network", _PULL, "network"),
        },
    ),
    PersonalRecord(GoneRelease, _DIRECTORY, _each("says who decided", _DECISION, "decided_by")),
    PersonalRecord(
        Proposal,
        _DIRECTORY,
        {
            **_each(
                "says whose token proposed it, or which administrator", _PROPOSAL, "by", "token"
            ),
            **_each(
                "may be an account to erase, or one to make an owner", _PROPOSAL, "about", "to"
            ),
            **_each("says why, in words of a program", _PROPOSAL, "reason"),
        },
    ),
    PersonalRecord(Policy, _DIRECTORY, _each("says who wrote it", _DECISION, "by")),
    PersonalRecord(
        ReservedName,
        _DIRECTORY,
        {**_each("says who reserved it", _DECISION, "by"), **_each(_WRITTEN, _DECISION, "reason")},
    ),
    PersonalRecord(
        ManagedByFile,
        _DIRECTORY,
        {
            **_each("says who applied a registry file", _FILE, "by"),
            **_each("marks the members whom a registry file names", _FILE, "keys"),
        },
    ),
    PersonalRecord(ReadOnlyState, "in `NoticeBoard`", _each(_WRITTEN, _DECISION, "reason")),
)
