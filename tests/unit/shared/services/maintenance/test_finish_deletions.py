"""What a later organization of the same name inherits: nothing."""

from collections.abc import Iterable, Iterator

import shared.registry as imports_all
from shared.domain.account_erasure import AccountErasure
from shared.domain.account_names import AccountName, NameSalt, RetiredName
from shared.domain.accounts import Account
from shared.domain.advisories.assessments import Assessment
from shared.domain.advisories.followers import AdvisoryFollower, AdvisoryQuarantine
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
from shared.domain.entities import Entity
from shared.domain.following import Follow, FollowerNews, LeaveLink
from shared.domain.group_rules import GroupRules
from shared.domain.identities import Identity
from shared.domain.mail_domains import MailDomain
from shared.domain.mirror_rules import MirrorRules
from shared.domain.mirroring import (
    CataloguedPackage,
    CatalogueRound,
    UpstreamRelease,
    UpstreamVersions,
)
from shared.domain.notices import NoticeBoard
from shared.domain.organizations import NameOwner, Organization
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
from shared.domain.transparency.log_states import LogState
from shared.domain.transparency.records import (
    FirstCheckpoint,
    PublishedCheckpoint,
    ReleaseProof,
    WitnessedLog,
)
from shared.domain.upstream_withdrawals import GoneRelease, UpstreamFeed
from shared.domain.webhooks import WebhookKeys
from shared.domain.withheld_notes import WithheldNote
from shared.services.maintenance.finish_deletions import KINDS_BY_ID, KINDS_BY_KEY

DELETED_BY_THE_TASK = {Organization}  # Last, which frees the name.
CHANGED_BY_THE_TASK = {GroupRules}  # Without the rules about the organization.
FOLLOWERS = {Follow}  # Of the organization and of its packages.
OF_NAMES = {NameOwner, ReservedName}  # The name stays ours.
OF_ACCOUNTS = {
    Account,
    AccountErasure,
    AccountName,
    AdvisoryFollower,
    DirectoryFinding,
    FollowerNews,
    Identity,
    LeaveLink,
    NameSalt,
    QueuedMail,
    RetiredName,
    Session,
}
# An organization that ever had a package stays, so these are of no organization that is deleted.
OF_PACKAGES = {
    AdvisoryChange,
    AdvisoryQuarantine,
    ApiVerdict,
    Assessment,
    ReleasePullers,
    ReleaseProof,
    Report,
    ReportedRelease,
    WithheldNote,
}
# Of names that are not ours: packages of an upstream.
OF_UPSTREAMS = {
    ApprovalRequest,
    BundleStatement,
    CatalogueRound,
    CataloguedPackage,
    GoneRelease,
    UpstreamFeed,
    UpstreamRelease,
    UpstreamVersions,
}
# Decisions of administrators and facts of the whole registry; none gives anybody a right in an
# organization by its name. A proposal to make somebody an owner needs their request, which is gone.
OF_REGISTRY = {
    AdvisoryNumber,
    AdvisorySet,
    Approvals,
    FirstCheckpoint,
    LogState,
    MailDomain,
    ManagedByFile,
    MirrorRules,
    NoticeBoard,
    Policy,
    Proposal,
    PublicGoodRoot,
    PublishedCheckpoint,
    RegistryRules,
    ScimGroup,
    ScimKey,
    ScimMembers,
    ScimToken,
    ScimUser,
    ScimWaiting,
    StoredAdvisory,
    WebhookKeys,
    WitnessedLog,
}
LISTS: tuple[Iterable[type[Entity]], ...] = (
    KINDS_BY_ID,
    KINDS_BY_KEY,
    DELETED_BY_THE_TASK,
    CHANGED_BY_THE_TASK,
    FOLLOWERS,
    OF_NAMES,
    OF_ACCOUNTS,
    OF_PACKAGES,
    OF_UPSTREAMS,
    OF_REGISTRY,
)


def kinds(of: type[Entity] = Entity) -> Iterator[type[Entity]]:
    """Yield every kind of entity of the registry."""
    folder = f"{imports_all.__name__.partition('.')[0]}."
    for each in of.__subclasses__():
        if hasattr(each, "kind") and each.__module__.startswith(folder):
            yield each
        yield from kinds(each)


def test_each_kind_of_record_is_deleted_with_its_organization_or_has_a_reason_to_stay() -> None:
    listed = [each for found in LISTS for each in found]
    assert sorted(each.__name__ for each in listed) == sorted({each.__name__ for each in kinds()})
