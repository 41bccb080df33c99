"""What goes wrong with a database: what a client is told of it, and what the operator."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from shared.domain.errors import Busy, StorageFull

_FULL = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,  # A quota is reached: SQLite knows ENOSPC alone.
    sqlite3.SQLITE_IOERR_SHMSIZE,  # The log's index has no room to grow.
}
_OUT_OF_REACH = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_NOMEM,
}


class Unusable(Exception):
    """The database cannot be used by this program; `str()` is one sentence for the operator."""


class Missing(Unusable):
    """Nobody has created the database yet."""

    def __init__(self, path: Path) -> None:
        """Say who creates it."""
        super().__init__(f"{path} does not exist. Start the registry to create it.")


class OtherSchema(Unusable):
    """Another version of the program wrote the database."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        """Say which of the two is newer."""
        way_out = (
            "Install the newer Ballroom again, or restore a backup of this one's."
            if found > known
            else "Restart the registry, which brings it up to date."
        )
        super().__init__(f"{path} has schema {found}, and this Ballroom needs {known}. {way_out}")


class Forked(Unusable):
    """The process was forked while the database was open, and SQLite's locks with it."""

    def __init__(self, path: Path) -> None:
        """Say what to do before a fork."""
        super().__init__(f"{path} was open when this process was forked. Close it before that.")


class Damaged(Unusable):
    """SQLite cannot make sense of the file, or of what it was asked."""

    def __init__(self, path: Path, error: sqlite3.Error) -> None:
        """Show SQLite's own words."""
        super().__init__(f"{path} answers: {error}. If it is damaged, restore a backup.")


@contextmanager
def translated(path: Path) -> Generator[None]:
    """Raise what SQLite raises inside as a failure that others know."""
    try:
        yield
    except sqlite3.Error as error:
        raise failure(path, error) from error


def failure(path: Path, error: sqlite3.Error) -> Exception:
    """Return what to raise in place of an error of SQLite."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code in _FULL:
        return StorageFull()
    if code & 0xFF in _OUT_OF_REACH:  # The lowest byte is the kind, the others are details.
        return Busy()
    return Damaged(path, error)
