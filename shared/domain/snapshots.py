"""Snapshots: all records of a registry as lines of JSON, in a few files and one that lists them.

{name}/directory.jsonl.gz   accounts, organizations and all that belongs to them
{name}/packages.jsonl.gz    heads, each before its releases and its pulls
{name}/events.jsonl.gz      the feed with its leaves, and the pending events of the records
{name}/manifest.json        the list of the others; written last, and required

A line is an object with one field, whose name is the kind of the record. Derived data and archives
are left out; archives are copied separately. Sessions are left out, so that nobody is signed in by
an old copy; and so are the secrets of webhooks and the keys that encrypt them.
"""

import base64
import json
from datetime import UTC, datetime
from typing import Self, cast

from pydantic import ValidationError

from shared.domain.account_erasure import AccountErasure
from shared.domain.account_names import AccountName, NameSalt, RetiredName
from shared.domain.accounts import Account
from shared.domain.advisories.assessments import Assessment
from shared.domain.advisories.followers import (
    AdvisoryFollower,
    AdvisoryQuarantine,
    ToldOrganization,
)
from shared.domain.advisories.records import AdvisoryNumber, StoredAdvisory
from shared.domain.approved_packages import ApprovalRequest, Approvals
from shared.domain.bundles import BundleStatement
from shared.domain.coordinates import Package
from shared.domain.directory_locks import DirectoryFinding
from shared.domain.entities import Entity
from shared.domain.events import Event
from shared.domain.following import Follow, FollowerNews, LeaveLink
from shared.domain.group_rules import GroupRules
from shared.domain.identities import Identity
from shared.domain.invitations import Invitation
from shared.domain.mail_domains import MailDomain
from shared.domain.memberships import Membership
from shared.domain.mirror_rules import MirrorRules
from shared.domain.mirroring import UpstreamRelease, UpstreamVersions
from shared.domain.name_disputes import NameDispute
from shared.domain.names import OrgName, PackageName
from shared.domain.notices import NoticeBoard
from shared.domain.organizations import NameOwner, NameSkeleton, Organization
from shared.domain.ownership import OwnerlessOrganization, OwnershipRequest
from shared.domain.packages import Head, Release
from shared.domain.policies import Policy
from shared.domain.proposals import Proposal
from shared.domain.provenance.trusted_roots import PublicGoodRoot
from shared.domain.publishing_rules import RegistryRules
from shared.domain.queued_mail import QueuedMail
from shared.domain.records import Record
from shared.domain.registry_files.managed import ManagedByFile
from shared.domain.reports import Report, ReportedRelease
from shared.domain.reserved_names import ReservedName
from shared.domain.scim import ScimGroup, ScimKey, ScimMembers, ScimToken, ScimUser, ScimWaiting
from shared.domain.tokens import Token, TokenUse
from shared.domain.transparency.leaves import FrozenLeaf, LoggedEvent
from shared.domain.transparency.log_states import LogState
from shared.domain.transparency.records import FirstCheckpoint, PublishedCheckpoint, WitnessedLog
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.upstream_withdrawals import GoneRelease
from shared.domain.webhooks import DeliveryLog, Webhook

FORMAT = 1
MANIFEST_FILE = "manifest.json"
DIRECTORY = "directory.jsonl.gz"
PACKAGES = "packages.jsonl.gz"
EVENTS = "events.jsonl.gz"

# The place in the work store of the snapshot that is being restored, until it is complete.
RESTORE_KIND = "snapshot-restore"
RESTORE_UNFINISHED = "unfinished"

# The order of a restore: owners come first.
ENTITIES: tuple[type[Entity], ...] = (
    Account,
    AccountName,
    NameSalt,
    RetiredName,
    AccountErasure,
    Identity,
    Organization,
    NameSkeleton,
    Membership,
    Invitation,
    Publisher,
    Token,
    TokenUse,
    NoticeBoard,
    ReservedName,
    NameDispute,
    ReportedRelease,
    Report,
    Policy,
    RegistryRules,
    Approvals,
    ApprovalRequest,
    Proposal,
    NameOwner,
    UpstreamRelease,
    MirrorRules,
    GroupRules,
    UpstreamVersions,
    BundleStatement,
    GoneRelease,
    Webhook,
    DeliveryLog,
    DirectoryFinding,
    ScimToken,
    ScimUser,
    ScimKey,
    ScimWaiting,
    ScimGroup,
    ScimMembers,
    OwnerlessOrganization,
    OwnershipRequest,
    LogState,
    FirstCheckpoint,
    PublishedCheckpoint,
    WitnessedLog,
    StoredAdvisory,
    AdvisoryNumber,
    PublicGoodRoot,
    Assessment,
    AdvisoryQuarantine,
    AdvisoryFollower,
    ToldOrganization,
    ManagedByFile,
    MailDomain,
    Follow,
    FollowerNews,
    LeaveLink,
    QueuedMail,
)


class SnapshotUnusable(Exception):
    """The files are no snapshot, or cannot be restored here."""


class SnapshotPulls(Record):
    """The pulls of the releases of a package, by version and day."""

    org: str
    name: str
    daily: dict[str, dict[str, int]]

    @property
    def package(self) -> Package:
        return Package(OrgName(self.org), PackageName(self.name))


class SnapshotEvent(Event):
    """An event with its number in the feed, and its leaf as the transparency log has it; without
    both if it was not in the feed yet, or an earlier version wrote the snapshot."""

    number: int = 0
    leaf: str = ""
    salt: str = ""  # Base64.
    opening: str = ""

    @classmethod
    def of(cls, logged: LoggedEvent) -> Self:
        leaf = logged.leaf or FrozenLeaf(b"")
        return cls(
            **dict(logged.event),
            number=logged.number,
            leaf=leaf.leaf.decode(),
            salt=base64.b64encode(leaf.salt).decode(),
            opening=leaf.opening.decode(),
        )

    @property
    def logged(self) -> LoggedEvent:
        event = Event(**{name: getattr(self, name) for name in Event.model_fields})
        salt = base64.b64decode(self.salt)
        leaf = FrozenLeaf(self.leaf.encode(), salt, self.opening.encode()) if self.leaf else None
        return LoggedEvent(self.number, event, leaf)


class SnapshotPart(Record):
    name: str
    lines: int
    bytes: int
    sha256: str


class SnapshotManifest(Record):
    format: int = FORMAT
    name: str
    begun_ms: int
    ended_ms: int
    parts: tuple[SnapshotPart, ...]

    @property
    def lines(self) -> int:
        return sum(part.lines for part in self.parts)


_KINDS: dict[str, type[Record]] = {
    "head": Head,
    "release": Release,
    "pulls": SnapshotPulls,
    "event": SnapshotEvent,
    **{each.kind: each for each in ENTITIES},
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
# Kinds that only snapshots of earlier versions contain.
_REMOVED_KINDS = ("domain", "made-by-token", "stolen-token")


def snapshot_name(now_ms: int) -> str:
    """Return the name of a snapshot that starts now; names sort by time."""
    begun = datetime.fromtimestamp(now_ms // 1000, UTC)
    return f"{begun:%Y%m%dT%H%M%S}{now_ms % 1000:03}Z"


def to_line(record: Record) -> bytes:
    record = record.without_secrets() if isinstance(record, Webhook) else record
    return f'{{"{_NAMES[type(record)]}":{record.model_dump_json()}}}\n'.encode()


def from_line(line: bytes) -> Record | None:
    """Parse a line, or raise `SnapshotUnusable`; None is what this version has no use for."""
    try:
        [(name, fields)] = cast("dict[str, object]", json.loads(line)).items()
        record = None if name in _REMOVED_KINDS else _KINDS[name].model_validate(fields)
    except (ValueError, KeyError, AttributeError, ValidationError):
        message = "A line of the snapshot is no record of this version. Restore it with its own."
        raise SnapshotUnusable(message) from None
    # Snapshots of earlier versions contain secrets, which everybody who can read a copy knows.
    return record.without_secrets() if isinstance(record, Webhook) else record
