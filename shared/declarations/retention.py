"""How long everything that a registry stores is kept: each table, container, file, log and copy,
and each kind of record of the directory. docs/run/personal-data.md has these tables.

A test fails for a table, a container, a file of the data folder, a log of the templates or a kind
of record that has no row here.
"""

from collections.abc import Iterator

from msgspec import Struct

from shared.declarations.personal_data import Lifetime
from shared.domain.account_erasure import AccountErasure
from shared.domain.account_names import AccountName, NameSalt, RetiredName
from shared.domain.accounts import Account
from shared.domain.advisories.assessments import Assessment
from shared.domain.advisories.followers import (
    AdvisoryFollower,
    AdvisoryQuarantine,
    ToldOrganization,
)
from shared.domain.advisories.records import (
    AdvisoryChange,
    AdvisoryNumber,
    AdvisorySet,
    StoredAdvisory,
)
from shared.domain.api_docs.records import ApiVerdict
from shared.domain.approved_packages import ApprovalRequest, Approvals
from shared.domain.bundles import BundleStatement
from shared.domain.directory_locks import DirectoryFinding
from shared.domain.entities import AdditionCount, Entity
from shared.domain.following import Follow, FollowerNews, LeaveLink
from shared.domain.group_rules import GroupRules
from shared.domain.identities import Identity
from shared.domain.invitations import Invitation
from shared.domain.mail_domains import MailDomain
from shared.domain.memberships import Membership
from shared.domain.mirror_rules import MirrorRules
from shared.domain.mirroring import (
    CataloguedPackage,
    CatalogueRound,
    UpstreamRelease,
    UpstreamVersions,
)
from shared.domain.name_disputes import NameDispute
from shared.domain.notices import NoticeBoard
from shared.domain.organizations import NameOwner, NameSkeleton, Organization
from shared.domain.ownership import OwnerlessOrganization, OwnershipRequest
from shared.domain.policies import Policy
from shared.domain.proposals import Proposal
from shared.domain.provenance.trusted_roots import PublicGoodRoot
from shared.domain.publishing_rules import RegistryRules
from shared.domain.queued_mail import QueuedMail
from shared.domain.registry_files.managed import ManagedByFile
from shared.domain.release_pullers import ReleasePullers
from shared.domain.reports import Report, ReportedRelease
from shared.domain.reserved_names import ReservedName
from shared.domain.scim import (
    ScimGroup,
    ScimKey,
    ScimMembers,
    ScimToken,
    ScimUser,
    ScimWaiting,
)
from shared.domain.sessions import Session
from shared.domain.tokens import Token, TokenUse
from shared.domain.transparency.log_states import LogState
from shared.domain.transparency.records import (
    FirstCheckpoint,
    PublishedCheckpoint,
    ReleaseProof,
    WitnessedLog,
)
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.upstream_withdrawals import GoneRelease, UpstreamFeed
from shared.domain.webhooks import DeliveryLog, Webhook, WebhookKeys
from shared.domain.withheld_notes import WithheldNote


class KeptStore(Struct, frozen=True):
    """Something in which a registry keeps data.

    `tables` are those of the database of one machine, `files` names in its data folder, `items`
    containers of Cosmos DB, `blobs` containers of Blob Storage, and `logs` categories of logs
    that the templates of Azure turn on. `of_machine` and `of_azure` say in words what has no such
    name.
    """

    what: str
    lifetime: Lifetime
    is_about_people: bool = False
    tables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    blobs: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    of_machine: str = ""
    of_azure: str = ""


class KeptKinds(Struct, frozen=True):
    """Kinds of records of the directory that are kept equally long."""

    kinds: tuple[type[Entity], ...]
    lifetime: Lifetime


def kept_kinds() -> Iterator[tuple[type[Entity], Lifetime]]:
    """Yield each kind of record of the directory with its lifetime."""
    for row in KINDS:
        for kind in row.kinds:
            yield kind, row.lifetime


_RELEASE = Lifetime(
    "as long as the package; the record of an erased release stays, so that nobody takes its "
    "version again",
    "nothing deletes it",
)
_DERIVED = Lifetime("as long as what it is made of", "overwritten or deleted with it")
_ARCHIVE = Lifetime(
    "as long as the release; `BALLROOM_SWEEP_GRACE_HOURS` (24) after it was removed, or without "
    "a release",
    "deleted by `delete-orphaned-archives`; of Blob Storage deleted bytes stay 14 days longer",
)
_FOREVER = Lifetime("for ever", "nothing deletes it")
_EXPIRING = Lifetime(
    "until it expires: minutes to a day for limits and links, 400 days at most for the last runs "
    "of tasks",
    "deleted within an hour by `delete-expired-records`",
)
_WINDOW = Lifetime("ten minutes", "deleted by `roll-up-pulls` a quarter of an hour later")
_PULLS = Lifetime("90 days", "deleted within an hour by `delete-expired-records`")
_WHILE_IT_RUNS = Lifetime("while a process of the registry runs", "overwritten by the next start")
_COLLECTED = Lifetime("as long as your system keeps it", "deleted there")
_WORKSPACE = Lifetime("`logDays`: 30 days, 90 in `public`", "deleted by Azure")

RETENTION: tuple[KeptStore, ...] = (
    KeptStore(
        "records of packages and releases",
        _RELEASE,
        is_about_people=True,
        tables=("heads", "releases", "tools"),
        items=("packages", "tools"),
    ),
    KeptStore(
        "lists, search, API documentation, rendered texts: what is made of releases",
        _DERIVED,
        tables=("entries", "renderings", "api_docs", "changes"),
        files=("search.db", "pieces"),
        blobs=("derived",),
    ),
    KeptStore(
        "archives",
        _ARCHIVE,
        is_about_people=True,
        files=("archives",),
        blobs=("archives", "private"),
    ),
    KeptStore(
        "texts, dependency graphs, bills of materials, statements and bundles of archives",
        Lifetime("as long as the archive", "deleted with it by `delete-orphaned-archives`"),
        is_about_people=True,
        tables=("texts", "graphs", "sboms", "attestations"),
        items=("packages",),
        blobs=("derived",),
    ),
    KeptStore(
        "files of imported advisories",
        Lifetime(
            "until the next import of the set",
            "deleted after the new one is in use, at the latest by `delete-orphaned-archives`",
        ),
        tables=("advisory_files",),
        blobs=("derived",),
    ),
    KeptStore(
        "accounts, organizations, tokens and all other records: by kind, below",
        Lifetime("by kind", "by kind"),
        is_about_people=True,
        tables=("entities",),
        items=("accounts", "tokens"),
    ),
    KeptStore(
        "events: what happened, when, and the id of who did it",
        Lifetime(
            "for ever; address, credential, browser and names for `BALLROOM_AUDIT_DAYS` (365)",
            "removed from the event by `anonymize-events`, and with the account at once",
        ),
        is_about_people=True,
        tables=("events", "event_streams"),
        items=("events",),
    ),
    KeptStore(
        "short-lived state: sign-ins that are under way, limits, leases, checkpoints of tasks",
        _EXPIRING,
        is_about_people=True,
        tables=("work", "leases", "counters"),
        items=("work",),
    ),
    KeptStore(
        "keyed hashes of callers, by which a repeated pull counts once",
        _WINDOW,
        is_about_people=True,
        tables=("pull_guards",),
    ),
    KeptStore("counts of pulls by day", _FOREVER, tables=("pull_counts",), items=("stats",)),
    KeptStore(
        "who pulled which release",
        _PULLS,
        is_about_people=True,
        tables=("pull_records",),
        items=("stats",),
    ),
    KeptStore(
        "the database of one machine with its log of writes",
        Lifetime("as long as the registry", "deleted bytes are overwritten with each write"),
        is_about_people=True,
        files=(
            "ballroom.db",
            "ballroom.db-wal",
            "ballroom.db-shm",
            "search.db-wal",
            "search.db-shm",
        ),
    ),
    KeptStore(
        "keys",
        Lifetime(
            "until a rotation; public keys of releases and of the log stay for ever",
            "[rotated by commands](signing-keys.md); deleted secrets of a vault stay 90 days",
        ),
        files=("keys",),
        of_azure="secrets of Key Vault",
    ),
    KeptStore(
        "settings of a client with the token that the first start made, and its sample archive",
        Lifetime("until you delete the files", "you delete them; revoke the token as any other"),
        files=("Settings.toml", "greet.bala"),
    ),
    KeptStore(
        "the transparency log",
        _FOREVER,
        is_about_people=True,
        files=("transparency",),
        blobs=("transparency",),
    ),
    KeptStore(
        "the list of revocations, with ids and digests",
        _FOREVER,
        is_about_people=True,
        files=("revocations.jsonl",),
        blobs=("backups",),
    ),
    KeptStore(
        "snapshots of all records",
        Lifetime(
            "`BALLROOM_SNAPSHOT_DAYS` (30); in Azure 90 days at most",
            "deleted by `create-snapshot`",
        ),
        is_about_people=True,
        files=("snapshots",),
        blobs=("backups",),
    ),
    KeptStore(
        "the backup from before an upgrade",
        Lifetime("until the next upgrade of the schema", "replaced by that of the next upgrade"),
        is_about_people=True,
        files=("upgrades",),
    ),
    KeptStore(
        "backups of one machine",
        Lifetime("the newest `BALLROOM_BACKUPS_KEPT` (14)", "deleted by `backup.sh`"),
        is_about_people=True,
        of_machine="the folder `BALLROOM_BACKUPS`",
    ),
    KeptStore(
        "backups that Azure keeps of the database",
        Lifetime("`restorable`: 30 days, 7 in `dev`", "deleted by Azure"),
        is_about_people=True,
        of_azure="continuous backup of Cosmos DB",
    ),
    KeptStore(
        "uploads that are not read yet",
        Lifetime("while a request is answered; one day after a crash", "deleted by the lifecycle"),
        blobs=("uploads",),
    ),
    KeptStore(
        "locks, marks, timers, metrics and temporary files",
        _WHILE_IT_RUNS,
        files=(
            "ballroom.db.lock",
            "ballroom.db.mark",
            "search.db.lock",
            "search.db.mark",
            "Settings.toml.lock",
            "backed-up",
            "confined",
            "metrics",
            "processes",
            "revocations.unapplied",
            "timers",
        ),
    ),
    KeptStore(
        "the log of the registry, with ids of accounts and no names",
        Lifetime(
            "as long as your system keeps it; in Azure `logDays`: 30 days, 90 in `public`",
            "deleted there",
        ),
        is_about_people=True,
        of_machine="standard error: journal, Docker or Kubernetes",
        of_azure="Application Insights",
    ),
    KeptStore(
        "logs of the templates of Azure: writes to stores, uses of keys, requests at the edge",
        _WORKSPACE,
        is_about_people=True,
        logs=(
            "DataPlaneRequests",
            "ControlPlaneRequests",
            "PartitionKeyStatistics",
            "FrontDoorAccessLog",
            "FrontDoorWebApplicationFirewallLog",
            "StorageWrite",
            "StorageDelete",
            "AuditEvent",
        ),
        of_azure="in Log Analytics",
    ),
    KeptStore(
        "log of a proxy: addresses of callers",
        _COLLECTED,
        is_about_people=True,
        of_machine="`/var/log/nginx`; Caddy writes none unless its file says `log`",
    ),
    KeptStore(
        "mail",
        Lifetime("as long as your mail server and its reader keep it", "deleted there"),
        is_about_people=True,
        of_machine="the server of `BALLROOM_SMTP_HOST`",
        of_azure="the server of `BALLROOM_SMTP_HOST`, or Azure Communication Services",
    ),
    KeptStore(
        "what webhooks sent",
        Lifetime("as long as their receivers keep it", "deleted there"),
        is_about_people=True,
        of_machine="their receivers",
        of_azure="their receivers",
    ),
    KeptStore(
        "answers in the memory of processes",
        Lifetime("until what they depend on changes, or the process ends", "overwritten"),
        is_about_people=True,
        of_machine="memory",
        of_azure="memory",
    ),
    KeptStore(
        "copies of public answers and archives at the edge",
        Lifetime("five minutes", "purged when a release is withdrawn"),
        of_machine="caches of yours",
        of_azure="Front Door",
    ),
    KeptStore(
        "cookies",
        Lifetime("up to a year", "deleted by the browser"),
        is_about_people=True,
        of_machine="the browser",
        of_azure="the browser",
    ),
)

_ACCOUNT = Lifetime("as long as the account", "deleted by `erase-accounts`")
_ORGANIZATION = Lifetime(
    "as long as the organization", "deleted by `finish-deletions` with an organization that is free"
)
_ENDS = Lifetime(
    "until it is revoked, answered or decided, or seven days after it expired",
    "deleted; when it expired by `delete-expired-records`",
)
_SET = Lifetime("until an administrator changes it", "overwritten or removed")
_UPSTREAM = Lifetime("as long as the registry has the upstream", "overwritten; nothing deletes it")
_OPEN = Lifetime("until it is settled", "deleted when it is")
_DIRECTORY = Lifetime("until the directory removes it", "deleted")
_FOLLOWER = Lifetime("until the person ends it", "deleted; at the latest with the account")
_LOG = Lifetime("as long as the log", "nothing deletes it")

KINDS: tuple[KeptKinds, ...] = (
    KeptKinds((Account, Identity), _ACCOUNT),
    KeptKinds(
        (AccountName,), Lifetime("as long as the account has the name", "replaced by its hash")
    ),
    KeptKinds((RetiredName, NameSalt), _FOREVER),
    KeptKinds(
        (AccountErasure,),
        Lifetime("until the account is erased and its last mail is sent", "deleted"),
    ),
    KeptKinds(
        (AdditionCount,),
        Lifetime("as long as the account or the organization", "deleted with it"),
    ),
    KeptKinds((Membership,), Lifetime("as long as the role", "deleted with it")),
    KeptKinds(
        (Organization, NameSkeleton, Webhook, DeliveryLog, NameDispute, ToldOrganization),
        _ORGANIZATION,
    ),
    KeptKinds(
        (WebhookKeys,),
        Lifetime("as long as the registry", "a rotation replaces the keys that are in it"),
    ),
    KeptKinds((NameOwner,), _FOREVER),
    KeptKinds(
        (Session,),
        Lifetime(
            "until it ends; seven days longer if it expired",
            "deleted; when it expired by `delete-expired-records`",
        ),
    ),
    KeptKinds((Token, TokenUse, ScimToken, Invitation, Proposal), _ENDS),
    KeptKinds(
        (Publisher,),
        Lifetime(
            "until it is removed; one whose package does not come, seven days after it expired",
            "deleted; when it expired by `delete-expired-records`",
        ),
    ),
    KeptKinds((OwnerlessOrganization, OwnershipRequest), _OPEN),
    KeptKinds((DirectoryFinding,), Lifetime("until the directory says otherwise", "deleted")),
    KeptKinds((ScimUser, ScimKey, ScimWaiting, ScimGroup, ScimMembers), _DIRECTORY),
    KeptKinds(
        (Report, ReportedRelease),
        Lifetime(
            "one year after the decision, or after the last report",
            "deleted by `delete-expired-records`",
        ),
    ),
    KeptKinds(
        (ApprovalRequest,),
        Lifetime("180 days after it was made or decided", "deleted by `delete-expired-records`"),
    ),
    KeptKinds(
        (
            Approvals,
            GroupRules,
            MirrorRules,
            NoticeBoard,
            Policy,
            RegistryRules,
            ReservedName,
            ManagedByFile,
        ),
        _SET,
    ),
    KeptKinds((UpstreamRelease, UpstreamVersions, UpstreamFeed, CatalogueRound), _UPSTREAM),
    KeptKinds((GoneRelease,), Lifetime("until the upstream has the release again", "deleted")),
    KeptKinds(
        (CataloguedPackage,),
        Lifetime("as long as the upstream lists the package", "deleted with the next round"),
    ),
    KeptKinds((BundleStatement, AdvisoryQuarantine), _FOREVER),
    KeptKinds(
        (ReleasePullers,),
        Lifetime("eleven days after the release", "deleted by `delete-expired-records`"),
    ),
    KeptKinds((WithheldNote, ApiVerdict), _DERIVED),
    KeptKinds(
        (StoredAdvisory, AdvisoryNumber, AdvisorySet, AdvisoryChange),
        Lifetime("until an administrator removes the advisory", "overwritten or deleted"),
    ),
    KeptKinds((Assessment,), Lifetime("until an owner takes it back", "deleted")),
    KeptKinds((AdvisoryFollower, Follow), _FOLLOWER),
    KeptKinds((QueuedMail,), Lifetime("until the mail is sent, a week at most", "deleted")),
    KeptKinds((FollowerNews,), Lifetime("until the next mail, two weeks at most", "deleted")),
    KeptKinds((LeaveLink,), Lifetime("60 days", "deleted by `delete-expired-records`")),
    KeptKinds(
        (MailDomain,),
        Lifetime("90 days after the last answer about it", "deleted by `delete-expired-records`"),
    ),
    KeptKinds((LogState, FirstCheckpoint, PublishedCheckpoint, ReleaseProof, WitnessedLog), _LOG),
    KeptKinds((PublicGoodRoot,), Lifetime("until the next one", "overwritten")),
)
