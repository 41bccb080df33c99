"""What the disk refuses, as the ports say it."""

import errno
from collections.abc import Generator
from contextlib import contextmanager

from shared.domain.errors import Busy, StorageFull

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def translated() -> Generator[None]:
    """Raise `StorageFull` where there is no room, and `Busy` for all else that the disk refuses."""
    try:
        yield
    except OSError as error:
        raise (StorageFull() if error.errno in _FULL else Busy()) from error
