"""The registry over the adapters that the settings select."""

from shared.adapters.data_folder import DataFolder, FolderUnusable
from shared.adapters.embedded import require_database
from shared.adapters.instrumentation import instrumented
from shared.adapters.sqlite.connections import DatabaseMissing, DatabaseUnusable
from shared.bootstrap.adapters import selected_adapters
from shared.bootstrap.data_folder import DataFolderRequired
from shared.bootstrap.telemetry import export_telemetry
from shared.domain.snapshots import SnapshotUnusable
from shared.registry import Registry
from shared.runtime.azure_extra import AzureExtraMissing
from shared.runtime.file_existence import exists
from shared.services.adapters import Adapters
from shared.settings import Settings
from shared.telemetry import log
from shared.telemetry.log_sampling import set_log_share

# Errors that an operator can correct; `str()` is one sentence for them.
START_ERRORS = (
    AzureExtraMissing,
    DatabaseUnusable,
    FolderUnusable,
    DataFolderRequired,
    SnapshotUnusable,
)


def build_registry(settings: Settings, adapters: Adapters | None = None) -> Registry:
    """Return the registry over these adapters, by default those that the settings select."""
    log.configure(settings.log_level)
    set_log_share(settings.log_share)
    if settings.insights_connection:
        export_telemetry(settings, settings.insights_connection.get_secret_value())
    return Registry(settings, instrumented(adapters or selected_adapters(settings)))


def existing_registry(settings: Settings) -> Registry:
    """Return the registry of an existing data folder, or of the cloud; raise `DatabaseMissing`, or
    `DatabaseLost` if other parts of the registry are there."""
    if not settings.is_in_the_cloud:
        require_database(settings.data)
        database = DataFolder(settings.data).database
        if not exists(database):
            raise DatabaseMissing(database)
    return build_registry(settings)
