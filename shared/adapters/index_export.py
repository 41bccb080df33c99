"""The sparse index as a folder of files, for web servers and Git repositories."""

import json
import os
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from shared.adapters.data_folder import FolderUnusable
from shared.domain.documents import DerivedDocument
from shared.domain.sparse_index import FILE_NAME, INDEX_CONFIG_PATH
from shared.runtime.file_existence import exists
from shared.runtime.file_replacement import Durability, partial_path, replacing
from shared.runtime.private_files import hold_file_lock

_LOCK = ".lock"


class IndexExport(Struct, frozen=True):
    """A folder with an index; each file is replaced atomically."""

    root: Path

    def put(self, path: str, document: DerivedDocument) -> bool:
        """Write the document to the file; return whether that changed the file.

        The file gets the time of the document, so web servers send the same `Last-Modified` as the
        registry.
        """
        file = self.root / path
        with suppress(FileNotFoundError):
            if file.read_bytes() == document.content:
                return False
        file.parent.mkdir(parents=True, exist_ok=True)
        # What a power failure damages has another content, so the next export writes it again.
        with replacing(file, Durability.UNSYNCED) as partial:
            partial.write_bytes(document.content)
            if document.changed_ms is not None:
                seconds = document.changed_ms / 1000
                os.utime(partial, (seconds, seconds))
        return True

    def keep_only(self, paths: Collection[str]) -> int:
        """Delete the files of all other packages; return how many packages there were."""
        others = [file for file in self._files() if self._path(file) not in paths]
        for file in others:
            file.unlink()
            for folder in (file.parent, file.parent.parent):
                with suppress(OSError):  # The folder has another package.
                    folder.rmdir()
        return sum(file.name == FILE_NAME for file in others)

    def _files(self) -> Iterator[Path]:
        """Yield the files of packages, also partial ones."""
        finished = Path(FILE_NAME)
        for name in (finished, partial_path(finished)):
            yield from self.root.glob(f"[!.]*/*/{name}")

    def _path(self, file: Path) -> str:
        return file.relative_to(self.root).as_posix()


@contextmanager
def open_index_export(folder: Path) -> Generator[IndexExport]:
    """Yield the folder of an index to one export at a time.

    Raises `FolderUnusable`, before anything is written if the folder has other files.
    """
    try:
        if not _may_hold_index(folder):
            message = (
                f"{folder} holds files, but no index, so nothing was written. "
                "Choose a folder that is new, empty, or an export from before."
            )
            raise FolderUnusable(message)
        folder.mkdir(parents=True, exist_ok=True)  # For everybody: a web server reads it.
        with hold_file_lock(folder / _LOCK):
            yield IndexExport(folder)
    except OSError as error:
        message = (
            f"{folder} cannot be written: {error.strerror}. Give whoever runs this the right "
            "and the room to write there, and run it again."
        )
        raise FolderUnusable(message) from error


def _may_hold_index(folder: Path) -> bool:
    """Check whether the folder is new, empty or an index; hidden folders, as of Git, may exist."""
    if not exists(folder):
        return True
    if not folder.is_dir():
        return False
    return _holds_index(folder) or all(each.name.startswith(".") for each in folder.iterdir())


def _holds_index(folder: Path) -> bool:
    try:
        config: object = json.loads((folder / INDEX_CONFIG_PATH).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "dl" in config
