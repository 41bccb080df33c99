"""Creates the maintenance tasks and what runs them, and the services of snapshots."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from shared.services.api_docs.group import ApiDocsServices
from shared.services.common import Adapters, Common
from shared.services.identity.group import IdentityServices
from shared.services.limits.group import LimitServices
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
from shared.services.mirroring.group import MirroringServices
from shared.services.organizations.group import OrganizationServices
from shared.services.packages.group import PackageServices


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
