"""Which releases are verified: archives in folders, and lines of a Dependencies.toml."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.dependency_files import UnreadableFile, packed_package, read_versions
from shared.script_client import printable
from shared.verification.registry_client import NotAsked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class WantedRelease:
    """A release, and the SHA-256 of its archive; without a digest, only the log says it."""

    release: str
    digest: str
    where: str

    @property
    def package(self) -> str:
        return self.release.partition(":")[0]

    @property
    def version(self) -> str:
        return self.release.partition(":")[2]


def read_wanted(files: Iterable[str], only: Iterable[str]) -> list[WantedRelease]:
    """Return the releases of files and folders, of some organizations if any are named; raise
    `NotAsked`."""
    found = [each for file in files for each in _read(Path(file))]
    organizations = {*only}
    if not organizations:
        return found
    return [each for each in found if each.package.partition("/")[0] in organizations]


def _read(path: Path) -> Iterator[WantedRelease]:
    if path.is_dir():
        archives = sorted(path.rglob("*.bala"))
        if not archives:
            message = f"{path} has no .bala files. Name a folder with archives."
            raise NotAsked(message)
        yield from map(_archive, archives)
    elif path.suffix == ".toml":
        yield from _locked(path)
    else:
        yield _archive(path)


def _locked(file: Path) -> Iterator[WantedRelease]:
    try:
        used = list(read_versions(file))
    except UnreadableFile as reason:
        raise NotAsked(str(reason)) from None
    for each in used:
        release = printable(f"{each.org}/{each.name}:{each.version}")
        yield WantedRelease(release, "", f"{each.file}, line {each.line}")


def _archive(file: Path) -> WantedRelease:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as content:
            while chunk := content.read(_READ_BYTES):
                digest.update(chunk)
    except FileNotFoundError:
        message = f"There is no file {file}. Name .bala files, folders or a Dependencies.toml."
        raise NotAsked(message) from None
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}."
        raise NotAsked(message) from None
    try:
        with zipfile.ZipFile(file) as archive:
            packed = packed_package(archive)
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        # An archive that was changed may be none any more. Its file is named then.
        return WantedRelease("", digest.hexdigest(), str(file))
    release = printable(f"{packed.org}/{packed.name}:{packed.version}") if packed else ""
    return WantedRelease(release, digest.hexdigest(), str(file))
