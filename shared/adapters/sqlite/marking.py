"""A mark beside a database, which every process that writes to it changes after each commit.

To ask SQLite itself whether anything was written takes three calls of the system. The mark lies in
memory that all processes share, and to look at it takes none.
"""

import os
from contextlib import suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path

LENGTH = 16  # Bytes; random, so that no two commits leave the same.


class Mark:
    """The mark of one database, as one process sees it."""

    def __init__(self, path: Path) -> None:
        """Open the file; make it if it is not there."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        if os.fstat(descriptor).st_size < LENGTH:
            self._file.write(os.urandom(LENGTH))
        self._memory = mmap(descriptor, LENGTH, access=ACCESS_READ)

    def read(self) -> bytes:
        """Return the mark: another one than before any commit that was told to anybody since."""
        return self._memory[:]

    def renew(self) -> None:
        """Change the mark; to be called after a commit, and before anybody is told of it."""
        # The commit is done, so nobody is told that it failed: readers ask SQLite now and then.
        with suppress(OSError):
            self._file.seek(0)
            self._file.write(os.urandom(LENGTH))

    def close(self) -> None:
        """Let go of the file."""
        self._memory.close()
        self._file.close()
