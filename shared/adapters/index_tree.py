"""The index as a tree of files, for web servers and repositories that know of no registry.

{folder}/
├── config.json
└── {org}/{name}/index.json
"""

import json
import os
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from shared.adapters.locking import locked
from shared.adapters.paths import partial_of
from shared.domain.derived_index import CONFIG_PATH, FILE_NAME
from shared.domain.document import Document

_LOCK = ".lock"


class NotAnIndex(Exception):
    """The folder holds something else; `str()` is one sentence for the operator."""

    def __init__(self, folder: Path) -> None:
        """Name the folder, and say which one to choose."""
        super().__init__(
            f"{folder} holds files, but no index, so nothing was written. "
            "Choose a folder that is new, empty, or an export from before."
        )


class FolderUnwritable(Exception):
    """The system does not let the export write; `str()` is one sentence for the operator."""

    def __init__(self, folder: Path, error: OSError) -> None:
        """Name the folder, and show the system's own words."""
        super().__init__(
            f"{folder} cannot be written: {error.strerror}. Give whoever runs this the right "
            "and the room to write there, and run it again."
        )


@dataclass(frozen=True, slots=True)
class IndexTree:
    """A folder that holds an index; readers never see half a file."""

    root: Path

    def put(self, path: str, document: Document) -> bool:
        """Let the file hold the document; say whether it did not before.

        Its time is the document's, so web servers tell the same `Last-Modified` as the registry.
        """
        file = self.root / path
        with suppress(FileNotFoundError):
            if file.read_bytes() == document.content:
                return False
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = partial_of(file)
        unfinished.write_bytes(document.content)
        if document.changed_ms is not None:
            seconds = document.changed_ms / 1000
            os.utime(unfinished, (seconds, seconds))
        unfinished.replace(file)
        return True

    def keep_only(self, paths: Collection[str]) -> int:
        """Remove the files of all other packages; return how many they were."""
        others = [file for file in self._files() if self._path(file) not in paths]
        for file in others:
            file.unlink()
            for folder in (file.parent, file.parent.parent):
                with suppress(OSError):  # It holds another package.
                    folder.rmdir()
        return sum(file.name == FILE_NAME for file in others)

    def _files(self) -> Iterator[Path]:
        """Yield what exports write for packages, finished or not."""
        finished = Path(FILE_NAME)
        for name in (finished, partial_of(finished)):
            yield from self.root.glob(f"[!.]*/*/{name}")

    def _path(self, file: Path) -> str:
        return file.relative_to(self.root).as_posix()


@contextmanager
def index_tree(folder: Path) -> Generator[IndexTree]:
    """Lend the folder of an index to one export at a time.

    Raises `NotAnIndex` before anything is written, and `FolderUnwritable` whenever it happens.
    """
    try:
        if not _is_free(folder):
            raise NotAnIndex(folder)
        with locked(folder / _LOCK):
            yield IndexTree(folder)
    except OSError as error:
        raise FolderUnwritable(folder, error) from error


def _is_free(folder: Path) -> bool:
    """Say whether an export may write there: a version control's folder is in nobody's way."""
    if not folder.exists():
        return True
    if not folder.is_dir():
        return False
    return _holds_index(folder) or all(each.name.startswith(".") for each in folder.iterdir())


def _holds_index(folder: Path) -> bool:
    try:
        config: object = json.loads((folder / CONFIG_PATH).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "dl" in config
