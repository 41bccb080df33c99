"""Whether there is a file: since Python 3.14 `Path.exists` says no also where it cannot be told."""

from pathlib import Path


def exists(path: Path) -> bool:
    """Say whether something has this path. Raises `OSError` where the system does not tell, as in a
    folder that this user may not read or on a disk that fails."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
