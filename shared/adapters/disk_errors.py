"""Refusals for errors of the disk."""

import errno
from collections.abc import Generator
from contextlib import contextmanager

from shared.domain.errors.requests import Busy, StorageFull

FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def translate_disk_errors() -> Generator[None]:
    """Raise `StorageFull` if the disk is full, and `Busy` for other errors of the disk."""
    try:
        yield
    except OSError as error:
        raise disk_refusal(error) from error


def disk_refusal(error: OSError) -> StorageFull | Busy:
    """Return the refusal for an error of the disk."""
    return StorageFull() if error.errno in FULL_DISK else Busy()


@contextmanager
def translate_full_disk() -> Generator[None]:
    """Raise `StorageFull` if the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL_DISK:
            raise
        raise StorageFull from error
