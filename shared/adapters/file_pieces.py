"""Pieces of the documentation of archives as files of the data folder."""

import shutil
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from shared.adapters.data_folder import PiecesFolder, make_folders
from shared.adapters.disk_errors import disk_refusal, translate_disk_errors
from shared.domain.api_docs.pieces import LEFT_AFTER
from shared.domain.archives.digests import Digest
from shared.runtime.file_replacement import (
    Durability,
    partial_path,
    replacing,
)
from shared.runtime.private_files import remove_permissions_of_others


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
                remove_permissions_of_others(partial)

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

    def delete(self, digest: Digest, name: str, *, kept: str) -> None:
        """Delete the file with this name, and those that an ended process left; no others, whose
        record another process may be about to store."""
        with translate_disk_errors():
            stored = dict[Path, float]()
            for file in self._folder.files(digest):
                with suppress(FileNotFoundError):  # Another process deletes files, too.
                    stored[file] = file.stat().st_mtime
            newest = max(stored.values(), default=0.0)
            for file, modified in stored.items():
                is_old = newest - modified > LEFT_AFTER.total_seconds()
                is_kept = file == self._folder.file(digest, kept)
                if not is_kept and (is_old or file == self._folder.file(digest, name)):
                    file.unlink(missing_ok=True)

    def delete_all(self, digest: Digest) -> None:
        """Delete the files of an archive."""
        with translate_disk_errors():
            for file in self._folder.files(digest):
                file.unlink(missing_ok=True)
