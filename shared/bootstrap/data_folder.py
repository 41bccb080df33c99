"""The data folder, which a registry in the cloud does not have."""

import errno
from pathlib import Path

from shared.adapters.data_folder import DataFolder
from shared.adapters.embedded import is_prepared
from shared.settings import Settings


class DataFolderRequired(Exception):
    """A command needs a data folder, and the registry is in the cloud."""

    def __init__(self, way_out: str) -> None:
        """Say how the same is done in the cloud."""
        super().__init__(
            "BALLROOM_COSMOS_ENDPOINT is set, so the registry is in the cloud and has no data "
            f"folder. {way_out}"
        )


def settings_file(settings: Settings) -> Path:
    """Return where the first start writes the settings of a client."""
    return DataFolder(settings.data.absolute()).settings


def is_unprepared(settings: Settings) -> bool:
    """Check whether the registry is on one machine, and no start has created its stores."""
    return not settings.is_in_the_cloud and not is_prepared(settings.data)


def require_folder(settings: Settings, way_out: str) -> None:
    if settings.is_in_the_cloud:
        raise DataFolderRequired(way_out)


def sentence_of_file(failure: OSError) -> str | None:
    """Return what a start or a command prints of a file that this user, or nobody, may write."""
    if isinstance(failure, PermissionError):
        way_out = "Run this as the user of the registry, or give this user the right to it."
    elif failure.errno == errno.EROFS:
        way_out = "Its disk can only be read: mount it to write, or name a folder on another disk."
    else:
        return None
    return f"{failure.filename} cannot be opened: {failure.strerror}. {way_out}"
