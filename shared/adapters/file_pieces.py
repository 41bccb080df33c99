"""Pieces of the documentation of archives as files of the data folder."""

import shutil
from pathlib import Path
from uuid import uuid4

from shared.adapters.data_folder import PiecesFolder, make_folders
from shared.adapters.disk_errors import disk_refusal, translate_disk_errors
from shared.domain.archives.digests import Digest
from shared.runtime.file_replacement import (
    Durability,
    partial_path,
    replacing,
)


class FilePieces:
    """Files with the pieces of the documentation of archives; none of them ever changes."""

    def __init__(self, folder: PiecesFolder) -> None:
        self._folder = folder

    def put(self, digest: Digest, name: str, file: Path) -> None:
        """Store a file, which may be moved from where it is."""
        target = self._folder.file(digest, name)
        with translate_disk_errors():
            make_folders(target.parent)
            # Two processes may document one archive at once.
            partial = partial_path(target.with_name(f"{target.name}.{uuid4().hex}"))
            with replacing(target, Durability.SYNCED, partial=partial):
                shutil.move(file, partial)

    def read(self, digest: Digest, name: str, start: int, count: int) -> bytes | None:
        """Return a range of a file; None if it was deleted."""
        # Without `translate_disk_errors`, whose generators take half as long as the read.
        try:
            # Unbuffered: a buffer would read more than is asked for.
            with self._folder.file(digest, name).open("rb", 0) as file:
                file.seek(start)
                return file.read(count)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise disk_refusal(error) from error

    def delete_others(self, digest: Digest, name: str = "") -> None:
        """Delete the files of an archive but the one with this name."""
        with translate_disk_errors():
            for file in self._folder.files(digest):
                if not name or file != self._folder.file(digest, name):
                    file.unlink(missing_ok=True)
