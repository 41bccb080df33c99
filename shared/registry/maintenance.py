"""Maintenance tasks, snapshots and recovery."""

from functools import cached_property, partial

from shared.registry.group import ServiceGroup, required
from shared.registry.identity_providers import identity_issuers
from shared.services.erased_releases import ErasedReleases
from shared.services.maintenance.anonymize_events import AnonymizeEvents
from shared.services.maintenance.apply_group_rules import ApplyGroupRules
from shared.services.maintenance.apply_mirror_rules import ApplyMirrorRules
from shared.services.maintenance.audit_archives import AuditArchives
from shared.services.maintenance.check_mail_domains import CheckMailDomains
from shared.services.maintenance.complete_event_logs import CompleteEventLogs
from shared.services.maintenance.count_usage import CountUsage
from shared.services.maintenance.create_snapshot import CreateSnapshot
from shared.services.maintenance.delete_expired_records import DeleteExpiredRecords
from shared.services.maintenance.delete_orphaned_archives import DeleteOrphanedArchives
from shared.services.maintenance.deliver_webhooks import DeliverWebhooks
from shared.services.maintenance.erase_accounts import EraseAccounts
from shared.services.maintenance.find_ownerless_organizations import FindOwnerlessOrganizations
from shared.services.maintenance.finish_deletions import FinishDeletions
from shared.services.maintenance.follow_advisories import FollowAdvisories
from shared.services.maintenance.follow_releases import FollowReleases
from shared.services.maintenance.follow_upstream_withdrawals import FollowUpstreamWithdrawals
from shared.services.maintenance.freeze_leaves import FreezeLeaves
from shared.services.maintenance.generate_api_docs import GenerateApiDocs
from shared.services.maintenance.lock_disabled_accounts import LockDisabledAccounts
from shared.services.maintenance.notify_dependents import NotifyDependents
from shared.services.maintenance.place_archives import PlaceArchives
from shared.services.maintenance.process_outboxes import ProcessOutboxes
from shared.services.maintenance.rebuild_derived_data import RebuildDerivedData
from shared.services.maintenance.rebuild_search_index import RebuildSearchIndex
from shared.services.maintenance.remove_prereleases import RemovePrereleases
from shared.services.maintenance.renew_sigstore_root import RenewSigstoreRoot
from shared.services.maintenance.repair_derived_data import RepairDerivedData
from shared.services.maintenance.roll_up_pulls import RollUpPulls
from shared.services.maintenance.send_digests import SendDigests
from shared.services.maintenance.send_expiry_reminders import SendExpiryReminders
from shared.services.maintenance.sign_releases import SignReleases
from shared.services.maintenance.tasks import (
    Checkpoints,
    MaintenanceTasks,
    RequestedTasks,
    Task,
    TaskRunner,
    TaskRuns,
)
from shared.services.maintenance.tell_followers import TellFollowers
from shared.services.maintenance.update_advisories import UpdateAdvisories
from shared.services.maintenance.update_search_index import UpdateSearchIndex
from shared.services.maintenance.update_upstream_catalogue import UpdateUpstreamCatalogue
from shared.services.maintenance.write_log import WriteLog
from shared.services.packages.archive_audit import ArchiveAudit
from shared.services.snapshots.archive_recovery import ArchiveRecovery
from shared.services.snapshots.database_age import DatabaseAge
from shared.services.snapshots.restored_audit import RestoredAudit
from shared.services.snapshots.snapshots import (
    ArchiveSources,
    SnapshotCreation,
    SnapshotRestore,
    StoredSnapshots,
)


class MaintenanceServices(ServiceGroup, frozen=True):
    """Maintenance tasks and snapshots."""

    @cached_property
    def tasks(self) -> MaintenanceTasks:
        """The tasks, in the order in which pages list them and `upkeep run` runs them."""
        parts = self._parts.maintenance
        tasks: list[Task] = [
            parts.process_outboxes,
            parts.notify_dependents,
            parts.tell_followers,
            parts.send_digests,
            parts.follow_advisories,
            parts.deliver_webhooks,
            parts.delete_orphaned_archives,
            parts.roll_up_pulls,
            parts.delete_expired_records,
            parts.audit_archives,
            parts.sign_releases,
            parts.renew_sigstore_root,
            parts.anonymize_events,
            parts.complete_event_logs,
            parts.freeze_leaves,
            parts.write_log,
            parts.erase_accounts,
            parts.finish_deletions,
            parts.send_expiry_reminders,
            parts.apply_group_rules,
            parts.find_ownerless_organizations,
            parts.count_usage,
            parts.remove_prereleases,
            parts.repair_derived_data,
            parts.create_snapshot,
            parts.rebuild_derived_data,
            parts.generate_api_docs,
        ]
        if self._settings.entra_tenant and self._settings.entra_accounts:
            tasks.append(parts.lock_disabled_accounts)
        if self._settings.rdap_url:
            tasks.append(parts.check_mail_domains)
        if self._settings.advisory_sources:
            tasks.append(parts.update_advisories)
        if self._settings.releases_feed:
            tasks.append(parts.follow_releases)
        if self._parts.mirroring.upstreams is not None:
            tasks += [
                parts.apply_mirror_rules,
                parts.update_upstream_catalogue,
                parts.follow_upstream_withdrawals,
            ]
        if self._parts.packages.archive_relocation is not None:
            tasks.append(parts.place_archives)
        if self._adapters.feed is not None:
            tasks += [parts.update_search_index, parts.rebuild_search_index]
        return {task.id: task for task in tasks}

    @cached_property
    def task_runner(self) -> TaskRunner:
        return TaskRunner(
            leases=self._parts.foundation.leases,
            clock=self._adapters.clock,
            read_only_mode=self._parts.foundation.read_only_mode,
            runs=self._parts.maintenance.task_runs,
            requests=self._parts.maintenance.requested_tasks,
            tasks=self.tasks,
        )

    @cached_property
    def snapshot_creation(self) -> SnapshotCreation:
        return SnapshotCreation(
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            events=self._adapters.events,
            pulls=self._adapters.pulls,
            snapshots=self._parts.maintenance.stored_snapshots,
            last_counts=self._parts.packages.last_registry_counts,
            clock=self._adapters.clock,
        )

    @cached_property
    def snapshot_restore(self) -> SnapshotRestore:
        return SnapshotRestore(
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            events=self._adapters.events,
            pulls=self._adapters.pulls,
            work=self._adapters.work,
            clock=self._adapters.clock,
            here=self._parts.maintenance.archive_sources,
            derived_data=self._registry.packages.derived_data,
            readers=self._settings.readers,
        )

    @cached_property
    def archive_recovery(self) -> ArchiveRecovery:
        return ArchiveRecovery(
            metadata=self._adapters.metadata,
            archives=self._adapters.archives,
            readers=self._settings.readers,
        )

    @cached_property
    def restored_audit(self) -> RestoredAudit:
        return RestoredAudit(
            metadata=self._adapters.metadata,
            directory=self._adapters.directory,
            leaves=self._adapters.events,
            log_files=self._adapters.log_files,
            archive_audit=self._parts.maintenance.archive_audit,
            mending=self._registry.transparency.mending,
            randomness=self._adapters.randomness,
        )


class MaintenanceParts(ServiceGroup, frozen=True):
    """The tasks and what they share."""

    @cached_property
    def write_log(self) -> WriteLog:
        return WriteLog(writer=self._parts.transparency.log_writer)

    @cached_property
    def process_outboxes(self) -> ProcessOutboxes:
        return ProcessOutboxes(
            metadata=self._adapters.metadata,
            derived_data=self._registry.packages.derived_data,
            directory=self._adapters.directory,
            event_appender=self._parts.foundation.event_appender,
            work=self._adapters.work,
            clock=self._adapters.clock,
        )

    @cached_property
    def follow_releases(self) -> FollowReleases:
        return FollowReleases(product_releases=self._registry.administration.product_releases)

    @cached_property
    def update_advisories(self) -> UpdateAdvisories:
        return UpdateAdvisories(updates=self._registry.advisories.updates)

    @cached_property
    def notify_dependents(self) -> NotifyDependents:
        return NotifyDependents(
            notices=self._parts.packages.dependency_notices,
            provenance_notices=self._parts.publishing.provenance_notices,
            send_new_release_mail=self._parts.publishing.new_release_mail.run,
            send_queued_mail=self._parts.foundation.mail_delivery.send_queued,
            clock=self._adapters.clock,
        )

    @cached_property
    def tell_followers(self) -> TellFollowers:
        return TellFollowers(
            follower_mail=self._parts.packages.follower_mail, clock=self._adapters.clock
        )

    @cached_property
    def send_digests(self) -> SendDigests:
        return SendDigests(
            follower_mail=self._parts.packages.follower_mail, clock=self._adapters.clock
        )

    @cached_property
    def follow_advisories(self) -> FollowAdvisories:
        return FollowAdvisories(
            advisories=self._registry.advisories.advisories,
            malware=self._registry.advisories.malware,
            notices=self._registry.advisories.notices,
            reports=self._registry.publishing.reports,
            malicious_libraries=self._parts.advisories.malicious_libraries,
            checkpoints=self.checkpoints,
            clock=self._adapters.clock,
        )

    @cached_property
    def deliver_webhooks(self) -> DeliverWebhooks:
        return DeliverWebhooks(
            directory=self._adapters.directory,
            work=self._adapters.work,
            delivery=self._parts.organizations.webhook_delivery,
            secrets=self._registry.organizations.webhook_secrets,
            clock=self._adapters.clock,
        )

    @cached_property
    def erased_releases(self) -> ErasedReleases:
        return ErasedReleases(
            metadata=self._adapters.metadata,
            documents=self._adapters.documents,
            api_history=self._registry.api_docs.history,
            package_records=self._registry.packages.records,
            copies=self._adapters.copies,
            clock=self._adapters.clock,
        )

    @cached_property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(
            metadata=self._adapters.metadata, work=self._adapters.work, clock=self._adapters.clock
        )

    @cached_property
    def database_age(self) -> DatabaseAge:
        return DatabaseAge(events=self._adapters.events, directory=self._adapters.directory)

    @cached_property
    def delete_orphaned_archives(self) -> DeleteOrphanedArchives:
        return DeleteOrphanedArchives(
            metadata=self._adapters.metadata,
            documents=self._adapters.documents,
            archives=self._adapters.archives,
            directory=self._adapters.directory,
            erased_releases=self.erased_releases,
            checkpoints=self.checkpoints,
            database_age=self.database_age,
            work=self._adapters.work,
            set_files=self._parts.advisories.set_files,
            sweep_grace_hours=self._settings.sweep_grace_hours,
            readers=self._settings.readers,
        )

    @cached_property
    def roll_up_pulls(self) -> RollUpPulls:
        return RollUpPulls(
            ledger=self._adapters.pulls,
            derived_data=self._registry.packages.derived_data,
            clock=self._adapters.clock,
        )

    @cached_property
    def delete_expired_records(self) -> DeleteExpiredRecords:
        return DeleteExpiredRecords(
            directory=self._adapters.directory,
            work=self._adapters.work,
            pull_records=self._adapters.pull_records,
            expire_decisions=self._registry.publishing.proposals.expire,
            clock=self._adapters.clock,
        )

    @cached_property
    def audit_archives(self) -> AuditArchives:
        return AuditArchives(
            metadata=self._adapters.metadata,
            archive_audit=self.archive_audit,
            checkpoints=self.checkpoints,
        )

    @cached_property
    def archive_audit(self) -> ArchiveAudit:
        return ArchiveAudit(
            archives=self._adapters.archives,
            archive_reader=self._registry.packages.archive_reader,
        )

    @cached_property
    def anonymize_events(self) -> AnonymizeEvents:
        return AnonymizeEvents(
            events=self._adapters.events,
            clock=self._adapters.clock,
            audit_days=self._settings.audit_days,
        )

    @cached_property
    def freeze_leaves(self) -> FreezeLeaves:
        return FreezeLeaves(
            events=self._adapters.events,
            metadata=self._adapters.metadata,
            work=self._adapters.work,
            clock=self._adapters.clock,
            randomness=self._adapters.randomness,
        )

    @cached_property
    def complete_event_logs(self) -> CompleteEventLogs:
        return CompleteEventLogs(
            events=self._adapters.events, work=self._adapters.work, clock=self._adapters.clock
        )

    @cached_property
    def erase_accounts(self) -> EraseAccounts:
        return EraseAccounts(
            directory=self._adapters.directory,
            work=self._adapters.work,
            erasures=self._registry.administration.account_erasures,
            retired_names=self._parts.identity.retired_names,
            events=self._adapters.events,
            clock=self._adapters.clock,
        )

    @cached_property
    def finish_deletions(self) -> FinishDeletions:
        return FinishDeletions(
            directory=self._adapters.directory,
            metadata=self._adapters.metadata,
            audited_writer=self._parts.foundation.audited_writer,
            clock=self._adapters.clock,
            organization_deletion=self._registry.organizations.deletion,
            remove_group_rules_of=self._parts.administration.roles_by_groups.remove_rules_of,
        )

    @cached_property
    def send_expiry_reminders(self) -> SendExpiryReminders:
        return SendExpiryReminders(
            directory=self._adapters.directory,
            token_mail=self._parts.tokens.token_mail,
            clock=self._adapters.clock,
        )

    @cached_property
    def apply_group_rules(self) -> ApplyGroupRules:
        return ApplyGroupRules(
            directory=self._adapters.directory,
            rights=self._parts.administration.roles_by_groups,
            follow_pushed_groups=partial(
                self._registry.scim.groups.follow_all, identity_issuers(self._settings)
            ),
        )

    @cached_property
    def count_usage(self) -> CountUsage:
        return CountUsage(usage_counts=self._parts.organizations.usage_counts)

    @cached_property
    def remove_prereleases(self) -> RemovePrereleases:
        return RemovePrereleases(prerelease_retention=self._registry.organizations.retention)

    @cached_property
    def find_ownerless_organizations(self) -> FindOwnerlessOrganizations:
        return FindOwnerlessOrganizations(
            ownerless_organizations=self._registry.organizations.ownerless
        )

    @cached_property
    def repair_derived_data(self) -> RepairDerivedData:
        return RepairDerivedData(
            metadata=self._adapters.metadata,
            documents=self._adapters.documents,
            removed_documents=self._parts.packages.removed_documents,
            archives=self._adapters.archives,
            derived_data=self._registry.packages.derived_data,
            archive_reader=self._registry.packages.archive_reader,
            checkpoints=self.checkpoints,
        )

    @cached_property
    def stored_snapshots(self) -> StoredSnapshots:
        return StoredSnapshots(store=self._adapters.snapshots)

    @cached_property
    def create_snapshot(self) -> CreateSnapshot:
        return CreateSnapshot(
            snapshots=self.stored_snapshots,
            snapshot_creation=self._registry.maintenance.snapshot_creation,
            revocations=self._adapters.revocations,
            database_age=self.database_age,
            clock=self._adapters.clock,
            snapshot_days=self._settings.snapshot_days,
        )

    @cached_property
    def rebuild_derived_data(self) -> RebuildDerivedData:
        return RebuildDerivedData(
            metadata=self._adapters.metadata,
            documents=self._adapters.documents,
            removed_documents=self._parts.packages.removed_documents,
            archives=self._adapters.archives,
            derived_data=self._registry.packages.derived_data,
            archive_reader=self._registry.packages.archive_reader,
            checkpoints=self.checkpoints,
        )

    @cached_property
    def generate_api_docs(self) -> GenerateApiDocs:
        return GenerateApiDocs(
            generation=self._registry.api_docs.generation,
            metadata=self._adapters.metadata,
            events=self._adapters.events,
            work=self._adapters.work,
            checkpoints=self.checkpoints,
            clock=self._adapters.clock,
        )

    @cached_property
    def apply_mirror_rules(self) -> ApplyMirrorRules:
        return ApplyMirrorRules(
            rule_application=required(self._registry.mirroring).rule_application
        )

    @cached_property
    def update_upstream_catalogue(self) -> UpdateUpstreamCatalogue:
        return UpdateUpstreamCatalogue(updates=required(self._registry.mirroring).catalogue)

    @cached_property
    def follow_upstream_withdrawals(self) -> FollowUpstreamWithdrawals:
        return FollowUpstreamWithdrawals(
            feeds=self._parts.mirroring.upstream_feeds, clock=self._adapters.clock
        )

    @cached_property
    def task_runs(self) -> TaskRuns:
        return TaskRuns(work=self._adapters.work, clock=self._adapters.clock)

    @cached_property
    def requested_tasks(self) -> RequestedTasks:
        return RequestedTasks(work=self._adapters.work, clock=self._adapters.clock)

    @cached_property
    def archive_sources(self) -> ArchiveSources:
        return ArchiveSources(
            archives=self._adapters.archives,
            documents=self._adapters.documents,
            log_files=self._adapters.log_files,
        )

    @cached_property
    def check_mail_domains(self) -> CheckMailDomains:
        return CheckMailDomains(mail_domains=self._parts.identity.mail_domains)

    @cached_property
    def lock_disabled_accounts(self) -> LockDisabledAccounts:
        return LockDisabledAccounts(enabled_people=self._registry.administration.directory_locks)

    @cached_property
    def renew_sigstore_root(self) -> RenewSigstoreRoot:
        return RenewSigstoreRoot(renewal=self._registry.publishing.trusted_root_renewal)

    @cached_property
    def sign_releases(self) -> SignReleases:
        return SignReleases(
            release_signer=self._adapters.release_signer,
            metadata=self._adapters.metadata,
            documents=self._adapters.documents,
            package_records=self._registry.packages.records,
            derived_data=self._registry.packages.derived_data,
            work=self._adapters.work,
            checkpoints=self.checkpoints,
            clock=self._adapters.clock,
        )

    @cached_property
    def place_archives(self) -> PlaceArchives:
        return PlaceArchives(
            relocation=required(self._parts.packages.archive_relocation),
            metadata=self._adapters.metadata,
            work=self._adapters.work,
            checkpoints=self.checkpoints,
            clock=self._adapters.clock,
            readers=self._settings.readers,
        )

    @cached_property
    def update_search_index(self) -> UpdateSearchIndex:
        return UpdateSearchIndex(feed=required(self._adapters.feed))

    @cached_property
    def rebuild_search_index(self) -> RebuildSearchIndex:
        return RebuildSearchIndex(feed=required(self._adapters.feed))
