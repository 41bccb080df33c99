"""Where a process keeps its copies: a folder of its own, below one that all of a machine share."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from shared.adapters.locking import seized
from shared.adapters.paths import lock_of
from shared.ports import Randomness

PREFIX = "ballroom-search-"
FILE = "search.db"  # In a folder of its own, with what SQLite puts beside it.


class Workplace:
    """A folder that is this process's own until it ends."""

    def __init__(self, root: Path, randomness: Randomness) -> None:
        """Have a folder below `root`, made when it is first needed."""
        self._root = root
        self._randomness = randomness
        self._folder: Path | None = None
        self._lock: BinaryIO | None = None

    def folder(self) -> Path:
        """Return a new folder for one copy."""
        made = self._own() / self._name()
        made.mkdir()
        return made

    def close(self) -> None:
        """Remove everything."""
        folder, self._folder = self._folder, None
        if folder is not None and self._lock is not None:
            remove(folder)
            self._lock.close()
            lock_of(folder).unlink(missing_ok=True)

    def _own(self) -> Path:
        if self._folder is None:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()
            folder = self._root / f"{PREFIX}{self._name()}"
            self._lock = seized(lock_of(folder))  # Before the folder, so that nobody sweeps it.
            folder.mkdir(mode=0o700)  # What is private is in it as well.
            self._folder = folder
        return self._folder

    def _sweep(self) -> None:
        """Remove what processes left that were killed: their locks are free."""
        for lock in self._root.glob(f"{PREFIX}*.lock"):
            with suppress(OSError):  # Of several that sweep, another was faster.
                file = seized(lock)
                if file is not None:
                    remove(lock.with_suffix(""))
                    file.close()
                    lock.unlink()

    def _name(self) -> str:
        return self._randomness.token_bytes(8).hex()


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)
