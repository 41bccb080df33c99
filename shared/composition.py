"""The registry: its settings and adapters, and the services of each folder, created once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Self

from shared.domain.client_settings import TOKEN_PLACEHOLDER, Reading, client_settings
from shared.domain.errors.base import Invalid
from shared.log import record_metric
from shared.ports import Clock
from shared.services.account_services import IdentityServices, OrganizationServices, TokenServices
from shared.services.administration.account_deletion import AccountDeletion
from shared.services.administration.administration import (
    AccountAdministration,
    Administrators,
    OrganizationAdministration,
)
from shared.services.administration.audit_log import AuditLog
from shared.services.administration.status import RegistryStatus
from shared.services.bundles.bundle_export import BundleExport
from shared.services.bundles.bundle_import import BundleImport
from shared.services.common import Adapters, Common
from shared.services.maintenance.package_tasks import (
    ApplyMirrorRules,
    AuditArchives,
    DeleteOrphanedArchives,
    GenerateApiDocs,
    RebuildDerivedData,
    RebuildSearchIndex,
    RepairDerivedData,
    UpdatePublicCopies,
    UpdateSearchIndex,
    UpdateUpstreamCatalogue,
)
from shared.services.maintenance.record_tasks import (
    AnonymizeEvents,
    DeleteExpiredRecords,
    FinishDeletions,
    ProcessOutboxes,
    RollUpPulls,
    SendExpiryReminders,
)
from shared.services.maintenance.snapshots import (
    ArchiveSources,
    CreateSnapshot,
    SnapshotCreation,
    SnapshotRestore,
    StoredSnapshots,
)
from shared.services.maintenance.tasks import (
    Checkpoints,
    MaintenanceTasks,
    Task,
    TaskRequests,
    TaskRuns,
    Upkeep,
)
from shared.services.mirroring.mirrored_releases import MirroredReleases, PinnedDigests
from shared.services.package_services import (
    ApiDocsServices,
    LimitServices,
    MirroringServices,
    PackageServices,
    pseudonym_of,
)
from shared.services.publishing.maven import MavenPackages, MavenPublishing
from shared.services.publishing.moderation import HeldReleases, Moderation
from shared.services.publishing.publishing import DependencyCheck, Publishing
from shared.settings import Settings
from shared.telemetry.metrics import PUSHES


@dataclass(frozen=True)
class MaintenanceServices:
    """Maintenance tasks and snapshots."""

    tasks: MaintenanceTasks
    upkeep: Upkeep
    task_requests: TaskRequests
    checkpoints: Checkpoints
    snapshot_creation: SnapshotCreation
    snapshot_restore: SnapshotRestore

    @classmethod
    def build(
        cls,
        common: Common,
        *,
        limits: LimitServices,
        packages: PackageServices,
        identity: IdentityServices,
        organizations: OrganizationServices,
        api_docs: ApiDocsServices,
        mirroring: MirroringServices | None,
    ) -> Self:
        adapters, settings = common.adapters, common.settings
        metadata, documents, archives = adapters.metadata, adapters.documents, adapters.archives
        directory, events, work = adapters.directory, adapters.events, adapters.work
        clock, derived_data = adapters.clock, packages.derived_data
        archive_reader, generation = packages.archive_reader, api_docs.generation
        checkpoints = Checkpoints(metadata, work, clock)
        snapshots = StoredSnapshots(adapters.snapshots)
        snapshot_creation = SnapshotCreation(
            metadata, directory, events, adapters.pulls, snapshots, packages.last_counts, clock
        )
        repairing = metadata, documents, archives, derived_data, archive_reader, checkpoints
        # In the order in which pages list them and `upkeep run` runs them.
        created = (
            ProcessOutboxes(metadata, derived_data, directory, events),
            DeleteOrphanedArchives(
                metadata,
                documents,
                archives,
                api_docs.history,
                checkpoints,
                settings.sweep_grace_hours,
            ),
            RollUpPulls(adapters.pulls, derived_data, clock),
            DeleteExpiredRecords(directory, work, clock),
            AuditArchives(metadata, archives, archive_reader, checkpoints),
            AnonymizeEvents(events, clock, settings.audit_days),
            FinishDeletions(directory, metadata, common.record_writer, organizations.deletion),
            SendExpiryReminders(directory, identity.token_mail, clock),
            RepairDerivedData(*repairing),
            CreateSnapshot(snapshots, snapshot_creation, clock, settings.snapshot_days),
            RebuildDerivedData(*repairing, directory),
            GenerateApiDocs(generation, metadata, events, work, checkpoints, clock),
            *_tasks_of_the_mirror(mirroring),
            *_tasks_of_the_cloud(adapters, packages, checkpoints),
        )
        tasks: MaintenanceTasks = {task.id: task for task in created}
        runs = TaskRuns(work, clock)
        return cls(
            tasks=tasks,
            upkeep=Upkeep(common.leases, clock, limits.read_only_mode, runs, tasks),
            task_requests=TaskRequests(
                common.administration,
                tasks,
                directory,
                common.record_writer,
                limits.read_only_mode,
                clock,
            ),
            checkpoints=checkpoints,
            snapshot_creation=snapshot_creation,
            snapshot_restore=SnapshotRestore(
                metadata,
                directory,
                events,
                adapters.pulls,
                work,
                clock,
                ArchiveSources(archives, documents),
                derived_data,
            ),
        )


def _tasks_of_the_mirror(mirroring: MirroringServices | None) -> Iterator[Task]:
    """Yield the tasks of a registry that mirrors another one."""
    if mirroring is not None:
        yield ApplyMirrorRules(mirroring.rule_application)
        yield UpdateUpstreamCatalogue(mirroring.catalogue_updates)


def _tasks_of_the_cloud(
    adapters: Adapters, packages: PackageServices, checkpoints: Checkpoints
) -> Iterator[Task]:
    """Yield the tasks whose adapters or services a registry on one machine does not have."""
    if adapters.feed is not None:
        yield UpdateSearchIndex(adapters.feed)
        yield RebuildSearchIndex(adapters.feed)
    if packages.public_copies is not None:
        yield UpdatePublicCopies(packages.public_copies, checkpoints)


@dataclass(frozen=True)
class AdministrationServices:
    """The services of administrators, of the audit log, and of the deletion of accounts."""

    administrators: Administrators
    accounts: AccountAdministration
    organizations: OrganizationAdministration
    account_deletion: AccountDeletion
    audit_log: AuditLog
    status: RegistryStatus

    @classmethod
    def build(
        cls,
        common: Common,
        *,
        limits: LimitServices,
        packages: PackageServices,
        identity: IdentityServices,
        tokens: TokenServices,
        organizations: OrganizationServices,
        maintenance: MaintenanceServices,
    ) -> Self:
        adapters, settings = common.adapters, common.settings
        directory, clock = adapters.directory, adapters.clock
        audit_log = AuditLog(
            adapters.events, directory, common.authorization, common.administration
        )
        administrators = Administrators(
            directory,
            common.administration,
            common.leases,
            common.record_writer,
            identity.mail_delivery,
            settings.base_url,
        )
        return cls(
            administrators=administrators,
            accounts=AccountAdministration(
                directory,
                common.administration,
                administrators,
                identity.accounts,
                organizations.memberships,
                tokens.records,
                identity.sessions,
                audit_log,
                common.record_writer,
                identity.mail_delivery,
                settings.base_url,
            ),
            organizations=OrganizationAdministration(
                directory, common.administration, organizations.organizations
            ),
            account_deletion=AccountDeletion(
                directory,
                organizations.memberships,
                tokens.access_tokens,
                identity.sessions,
                identity.identities,
                audit_log,
                common.record_writer,
                clock,
            ),
            audit_log=audit_log,
            status=RegistryStatus(
                common.administration,
                maintenance.upkeep,
                maintenance.task_requests,
                limits.rate_limiter,
                adapters.metadata,
                directory,
                packages.last_counts,
                limits.notice_cache,
                adapters.room,
                clock,
            ),
        )


@dataclass(frozen=True)
class PublishingServices:
    """The services that publish and withhold releases."""

    releases: Publishing
    maven: MavenPublishing
    maven_packages: MavenPackages
    moderation: Moderation
    held_releases: HeldReleases

    @classmethod
    def build(
        cls,
        common: Common,
        *,
        count_release: Callable[[Mapping[str, str]], None],
        limits: LimitServices,
        packages: PackageServices,
        identity: IdentityServices,
        tokens: TokenServices,
        organizations: OrganizationServices,
        api_docs: ApiDocsServices,
        administration: AdministrationServices,
    ) -> Self:
        """Create the services; `count_release` is called with the state of each new release."""
        adapters, settings = common.adapters, common.settings
        metadata, documents, clock = adapters.metadata, adapters.documents, adapters.clock
        releases = Publishing(
            common.authorization,
            organizations.organizations,
            packages.archive_reader,
            metadata,
            documents,
            adapters.archives,
            packages.derived_data,
            clock,
            DependencyCheck(common.authorization, metadata, settings.require_dependencies),
            tokens.trusted_publishers,
            limits.rate_limiter,
            identity.release_mail,
            api_docs.queue,
            settings.base_url,
            count_release,
        )
        maven_packages = MavenPackages(
            packages.hosted, documents, adapters.archives, adapters.search, clock
        )
        return cls(
            releases=releases,
            maven=MavenPublishing(releases, metadata, documents, maven_packages),
            maven_packages=maven_packages,
            moderation=Moderation(
                common.administration,
                metadata,
                adapters.directory,
                adapters.pulls,
                administration.audit_log,
                packages.search,
                packages.derived_data,
                packages.record_writer,
                identity.release_mail,
                clock,
            ),
            held_releases=HeldReleases(
                common.authorization, metadata, adapters.directory, packages.record_writer, clock
            ),
        )


@dataclass(frozen=True)
class BundleServices:
    """The services that write releases into bundles, and import them."""

    exporting: BundleExport
    importing: BundleImport

    @classmethod
    def build(cls, common: Common, packages: PackageServices) -> Self:
        adapters, settings = common.adapters, common.settings
        metadata, clock = adapters.metadata, adapters.clock
        return cls(
            BundleExport(
                metadata,
                adapters.archives,
                adapters.pulls,
                adapters.events,
                settings.base_url,
                pseudonym_of(settings.base_url),
            ),
            BundleImport(
                metadata,
                adapters.directory,
                PinnedDigests(
                    adapters.directory, common.record_writer, common.administration, clock
                ),
                packages.record_writer,
                MirroredReleases(
                    metadata, adapters.documents, adapters.archives, packages.derived_data, clock
                ),
                packages.archive_reader.of_mirrored,
                clock,
            ),
        )


@dataclass(frozen=True)
class Registry:
    """The services that faces and commands use: a group for each folder of `shared/services/`."""

    settings: Settings
    adapters: Adapters
    clock: Clock
    common: Common
    limits: LimitServices
    packages: PackageServices
    identity: IdentityServices
    tokens: TokenServices
    organizations: OrganizationServices
    api_docs: ApiDocsServices
    maintenance: MaintenanceServices
    administration: AdministrationServices
    publishing: PublishingServices
    mirroring: MirroringServices | None  # None without an upstream.
    bundles: BundleServices

    def client_settings(self, username: str, token: str = TOKEN_PLACEHOLDER) -> str:
        """Return the Settings.toml of a user: with an upstream this registry has every package."""
        reading = Reading.EVERYTHING if self.mirroring else Reading.NAMED
        return client_settings(self.settings.base_url, username, token, reading)

    def require_mirroring(self) -> MirroringServices:
        """Return the services of the mirror, or raise `nothing-mirrored`."""
        if self.mirroring is None:
            raise Invalid(
                "nothing-mirrored",
                "No registry is mirrored: BALLROOM_UPSTREAM is empty. Set it to central or to the "
                "address of another registry, and restart this one.",
            )
        return self.mirroring

    async def probe(self) -> None:
        """Raise unless the stores answer and there is a key to sign with."""
        await self.adapters.metadata.packages("", 1)
        await self.adapters.keys.ready()

    async def require_writable(self) -> None:
        """Raise if the disk that holds the data is full."""
        if self.adapters.writable is not None:
            await self.adapters.writable()

    async def close(self) -> None:
        """Close the services, the last created first, and then the adapters."""
        await self.common.closing.aclose()


def create_registry(settings: Settings, adapters: Adapters) -> Registry:
    """Create all services. A group is built from settings, adapters and the groups before it."""
    common = Common.build(settings, adapters)
    limits = LimitServices.build(common)
    packages = PackageServices.build(common, limits)
    mirroring = MirroringServices.build(common, limits, packages)
    identity = IdentityServices.build(common, limits)
    tokens = TokenServices.build(common, limits, packages, identity)
    organizations = OrganizationServices.build(common, limits, identity, mirroring)
    api_docs = ApiDocsServices.build(common, packages)
    maintenance = MaintenanceServices.build(
        common,
        limits=limits,
        packages=packages,
        identity=identity,
        organizations=organizations,
        api_docs=api_docs,
        mirroring=mirroring,
    )
    administration = AdministrationServices.build(
        common,
        limits=limits,
        packages=packages,
        identity=identity,
        tokens=tokens,
        organizations=organizations,
        maintenance=maintenance,
    )
    publishing = PublishingServices.build(
        common,
        count_release=partial(record_metric, PUSHES, 1),
        limits=limits,
        packages=packages,
        identity=identity,
        tokens=tokens,
        organizations=organizations,
        api_docs=api_docs,
        administration=administration,
    )
    return Registry(
        settings=settings,
        adapters=adapters,
        clock=adapters.clock,
        common=common,
        limits=limits,
        packages=packages,
        identity=identity,
        tokens=tokens,
        organizations=organizations,
        api_docs=api_docs,
        maintenance=maintenance,
        administration=administration,
        publishing=publishing,
        mirroring=mirroring,
        bundles=BundleServices.build(common, packages),
    )
