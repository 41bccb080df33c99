"""Room on the disk that a registry on one machine lives on."""

import shutil
from pathlib import Path

from shared.domain.oversight import Room


def room_of(data: Path) -> Room | None:
    """Return how much room there is; None where the disk does not say."""
    try:
        usage = shutil.disk_usage(data)
    except OSError:
        return None
    return Room(usage.total, usage.free)
