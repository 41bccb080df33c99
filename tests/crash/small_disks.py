"""Disks that fill up: a small file system in memory, or a limit on the files of one process."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.waiting import eventually

MIB = 1024 * 1024
PAGE = 4096  # What a file in memory takes at least, and grows by.


@dataclass(frozen=True)
class SmallDisk:
    """A file system of its own."""

    root: Path

    @property
    def ballast(self) -> Path:
        """Return the file that fills it."""
        return self.root / "ballast"

    def fill(self, *, leaving_pages: int = 0) -> None:
        """Leave so much room and no more, also while a registry writes and deletes its files."""
        eventually(lambda: self._resize_ballast(leaving_pages * PAGE))

    def _resize_ballast(self, leaving_bytes: int) -> bool:
        """Make the ballast as large as it takes to leave so much room; return whether that much is
        left, which it is not if something else was written or deleted at the same time."""
        with self.ballast.open("ab") as file:
            size = file.tell()
            surplus = self.free_bytes() - leaving_bytes
            if surplus < 0:
                file.truncate(max(0, size + surplus))
            elif surplus > 0:
                try:
                    os.posix_fallocate(file.fileno(), size, surplus)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
        return self.free_bytes() == leaving_bytes

    def free(self) -> None:
        self.ballast.unlink()

    def make_read_only(self) -> None:
        assert _run(["mount", "-o", "remount,ro", str(self.root)]) == 0

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.root).free


@contextmanager
def small_disk(root: Path, size_bytes: int) -> Generator[SmallDisk]:
    """Mount a file system in memory for as long as the block lasts; skip where nobody may."""
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(root)]
    if sys.platform != "linux" or shutil.which("mount") is None or _run(mount):
        pytest.skip("a small disk cannot be mounted: that takes Linux and its root user")
    try:
        yield SmallDisk(root)
    finally:
        # Lazily: whatever still has a file open there must not keep the mount.
        assert _run(["umount", "--lazy", str(root)]) == 0


def _run(command: list[str]) -> int:
    return subprocess.run(command, check=False, capture_output=True).returncode
