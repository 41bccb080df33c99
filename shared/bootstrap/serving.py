"""What a process that serves the data folder announces, requires and prepares."""

import os
from contextlib import AbstractContextManager, nullcontext

from shared.adapters.data_folder import DataFolder
from shared.adapters.embedded import FolderUnprepared, require_registry
from shared.adapters.serving_processes import (
    ServingProcess,
    require_alone,
    served_address,
    serving,
    serving_alone,
)
from shared.adapters.sqlite.connections import DatabaseUnusable
from shared.adapters.sqlite.database import MIGRATIONS, Database
from shared.adapters.system import SystemClock, SystemRandomness
from shared.auth.signing_keys import SigningKeyFolder
from shared.bootstrap.data_folder import is_unprepared
from shared.domain.errors.requests import StorageFull
from shared.domain.software_version import SOFTWARE_VERSION
from shared.settings import Settings


def require_no_other_start(settings: Settings) -> None:
    """Raise `FolderInUse` if another process serves the data folder."""
    if not settings.is_in_the_cloud:
        require_alone(settings.data)


def at_running_address(settings: Settings) -> Settings:
    """Return the settings with the address of the registry that is running over the data folder,
    where these name none: the port of a command need not be that of the service."""
    is_named = settings.model_fields_set & {"url", "port"}
    if is_named or settings.is_in_the_cloud:
        return settings
    address = served_address(settings.data)
    return settings.model_copy(update={"url": address}) if address else settings


def require_whole_folder(settings: Settings) -> None:
    """Raise `DatabaseLost` if the data folder has parts of a registry, and not its records."""
    if not settings.is_in_the_cloud:
        require_registry(settings.data)


def require_prepared_folder(settings: Settings) -> None:
    """Raise `DatabaseLost` as `require_whole_folder` does, and `FolderUnprepared` if no start has
    prepared the data folder."""
    require_whole_folder(settings)
    if is_unprepared(settings):
        raise FolderUnprepared(settings.data)


def starting(settings: Settings) -> AbstractContextManager[None]:
    """Serve the data folder until the block ends, as the process that migrates it and starts the
    others; raises `FolderInUse` if another one serves it."""
    if settings.is_in_the_cloud:
        return nullcontext()
    what = f"Ballroom {SOFTWARE_VERSION} at {settings.base_url}"
    return serving_alone(settings.data, ServingProcess.this(what, settings.base_url))


def serving_as_worker(settings: Settings) -> AbstractContextManager[None]:
    """Serve the data folder until the block ends, as a process that another one started."""
    if settings.is_in_the_cloud:
        return nullcontext()
    what = f"a worker of Ballroom {SOFTWARE_VERSION} at {settings.base_url}"
    return serving(settings.data, ServingProcess.this(what, settings.base_url, os.getppid()))


def serving_as_application(settings: Settings) -> AbstractContextManager[None]:
    """Serve the data folder until the block ends, as the application of another server."""
    if settings.is_in_the_cloud:
        return nullcontext()
    what = f"an application of Ballroom {SOFTWARE_VERSION} at {settings.base_url}"
    return serving(settings.data, ServingProcess.this(what, settings.base_url))


def is_readable_without_room(settings: Settings) -> bool:
    """Check whether a full disk holds all that is needed to answer reads."""
    if settings.is_in_the_cloud:
        return False
    from shared.adapters.search.rows import SEARCH_MIGRATIONS

    folder = DataFolder(settings.data)
    databases = (Database(folder.database, MIGRATIONS), Database(folder.search, SEARCH_MIGRATIONS))
    try:
        for each in databases:
            each.row("SELECT 1")
            each.close()
    except (DatabaseUnusable, StorageFull):
        return False
    return bool(SigningKeyFolder(folder.keys, SystemClock(), SystemRandomness()).paths())


def prepare_search() -> None:
    """Read what searches need and is the same for every registry; else the first search does."""
    from shared.adapters.search.vocabulary import prepare_vocabulary

    prepare_vocabulary()
