"""The list of revocations as a file of the data folder."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from shared.adapters.disk_errors import translate_disk_errors
from shared.domain.revocations import Revocation, from_lines, to_lines
from shared.runtime.private_files import (
    open_private,
)


class FileRevocations:
    """The RevocationStore of a registry on one machine: a file to which lines are appended."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def add(self, revocations: Sequence[Revocation]) -> None:
        await asyncio.to_thread(self._add, to_lines(revocations))

    async def read(self) -> list[Revocation]:
        with translate_disk_errors():
            return await asyncio.to_thread(read_revocations, self._file)

    async def compact(self) -> None:
        """Do nothing: it is one file."""

    def _add(self, lines: bytes) -> None:
        with translate_disk_errors(), open_private(self._file, "ab") as file:
            if file.tell() and not _ends_with_a_line(self._file):
                lines = b"\n" + lines  # A writer was killed before it had written its last line.
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())


def _ends_with_a_line(file: Path) -> bool:
    with file.open("rb") as opened:
        opened.seek(-1, os.SEEK_END)
        return opened.read(1) == b"\n"


def read_revocations(file: Path) -> list[Revocation]:
    """Return the entries of a list; none if there is no such file. Raises an `OSError`, which names
    the file, if it cannot be read."""
    with suppress(FileNotFoundError):
        return from_lines(file.read_bytes())
    return []
