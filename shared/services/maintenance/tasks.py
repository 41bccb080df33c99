"""The list of all maintenance tasks."""

from shared.services.maintenance.anonymize_events import AnonymizeEvents
from shared.services.maintenance.audit_archives import AuditArchives
from shared.services.maintenance.check_domains import CheckDomains
from shared.services.maintenance.create_snapshot import CreateSnapshot
from shared.services.maintenance.delete_expired_records import DeleteExpiredRecords
from shared.services.maintenance.delete_orphaned_archives import DeleteOrphanedArchives
from shared.services.maintenance.finish_deletions import FinishDeletions
from shared.services.maintenance.generate_api_docs import GenerateApiDocs
from shared.services.maintenance.process_outboxes import ProcessOutboxes
from shared.services.maintenance.rebuild_derived_data import RebuildDerivedData
from shared.services.maintenance.rebuild_search_index import RebuildSearchIndex
from shared.services.maintenance.repair_derived_data import RepairDerivedData
from shared.services.maintenance.roll_up_pulls import RollUpPulls
from shared.services.maintenance.send_expiry_reminders import SendExpiryReminders
from shared.services.maintenance.task import Task
from shared.services.maintenance.update_public_copies import UpdatePublicCopies
from shared.services.maintenance.update_search_index import UpdateSearchIndex
from shared.services.maintenance.write_package_pack import WritePackagePack

# In the order in which pages list them and `upkeep run` runs them.
TASKS: tuple[type[Task], ...] = (
    ProcessOutboxes,
    DeleteOrphanedArchives,
    RollUpPulls,
    DeleteExpiredRecords,
    AuditArchives,
    AnonymizeEvents,
    CheckDomains,
    FinishDeletions,
    SendExpiryReminders,
    RepairDerivedData,
    CreateSnapshot,
    RebuildDerivedData,
    GenerateApiDocs,
    UpdateSearchIndex,
    RebuildSearchIndex,
    WritePackagePack,
    UpdatePublicCopies,
)
