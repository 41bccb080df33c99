"""The files of the transparency log on one machine."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

from shared.adapters.data_folder import LogFolder, make_folders
from shared.adapters.disk_errors import translate_disk_errors
from shared.domain.transparency.checkpoints import require_later
from shared.domain.transparency.tiles import require_same
from shared.runtime.private_files import hold_file_lock, replace_private


class FileLog:
    """The LogFiles of a registry on one machine. One process writes at a time, under a lock."""

    def __init__(self, folder: LogFolder) -> None:
        self._folder = folder

    async def write_once(self, path: str, content: bytes) -> None:
        await asyncio.to_thread(self._write_once, path, content)

    async def read(self, path: str) -> bytes | None:
        return await asyncio.to_thread(_read, self._folder.file(path))

    async def publish_checkpoint(self, path: str, content: bytes) -> None:
        await asyncio.to_thread(self._publish_checkpoint, path, content)

    async def delete_partials(self, path: str) -> None:
        await asyncio.to_thread(self._delete_partials, path)

    async def stage(self, name: str, content: bytes) -> None:
        await asyncio.to_thread(self._stage, name, content)

    async def staged(self, name: str) -> bytes | None:
        return await asyncio.to_thread(_read, self._folder.staged(name))

    async def list_staged(self) -> list[str]:
        return await asyncio.to_thread(self._list_staged)

    async def discard(self, name: str) -> None:
        with translate_disk_errors():
            await asyncio.to_thread(self._folder.staged(name).unlink, missing_ok=True)

    def _write_once(self, path: str, content: bytes) -> None:
        file = self._folder.file(path)
        with translate_disk_errors(), hold_file_lock(self._folder.lock):
            stored = _read(file)
            if stored is None:
                _replace(file, content)
            else:
                require_same(path, stored, content)

    def _publish_checkpoint(self, path: str, content: bytes) -> None:
        file = self._folder.file(path)
        with translate_disk_errors(), hold_file_lock(self._folder.lock):
            require_later(_read(file), content)
            _replace(file, content)

    def _delete_partials(self, path: str) -> None:
        file = self._folder.file(path)
        with translate_disk_errors(), suppress(FileNotFoundError):
            shutil.rmtree(file.with_name(f"{file.name}.p"))

    def _stage(self, name: str, content: bytes) -> None:
        with translate_disk_errors(), hold_file_lock(self._folder.lock):
            _replace(self._folder.staged(name), content)

    def _list_staged(self) -> list[str]:
        with translate_disk_errors(), suppress(FileNotFoundError):
            return sorted(each.name for each in self._folder.staged_files.iterdir())
        return []


def _read(file: Path) -> bytes | None:
    with translate_disk_errors(), suppress(FileNotFoundError, NotADirectoryError):
        return file.read_bytes()
    return None


def _replace(file: Path, content: bytes) -> None:
    """Store a file at once and durably; what a killed process left is overwritten."""
    make_folders(file.parent)
    replace_private(file, content)
