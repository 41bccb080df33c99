"""Pushes of a version that is published already: whether the push repeats the release, and how the
archives differ."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct, field

from shared.auth.authorization import Authorization
from shared.domain.archives.bala import Bala
from shared.domain.archives.unpacking import EntryChange, changed_entries, list_all_files
from shared.domain.errors.base import BadArchive, printable
from shared.domain.errors.packages import ArchiveLost, VersionExists
from shared.domain.packages import FoundRelease, Head, Release
from shared.domain.principals import Principal
from shared.domain.release_states import State
from shared.domain.sentences import counted
from shared.ports.archive_store import ArchiveStore
from shared.services.packages.archive_reader import ArchiveFiles, ArchiveReader
from shared.services.packages.package_records import PackageRecordWriter

MAX_FILES_NAMED = 3  # Files that a refusal names, because clients print it as one line.

_NOTES = {EntryChange.CHANGED: "", EntryChange.MISSING: " (missing)", EntryChange.NEW: " (new)"}


class PublishedContents(Struct, frozen=True):
    """Compares archives that are pushed with the releases that have their versions.

    `bal pack` writes other bytes at each run, since its entries carry the time. So a push repeats a
    release if it has the same files, and the archive that was published first stays.
    """

    authorization: Authorization
    archives: ArchiveStore
    archive_reader: ArchiveReader
    archive_files: ArchiveFiles
    package_records: PackageRecordWriter
    # One stored archive is in memory at a time, beside those that are pushed.
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def would_repeat(self, content: bytes | memoryview, bala: Bala, release: Release) -> bool:
        """Check whether a push of the archive repeats the release; nothing is written.

        Raises `ArchiveLost` if the archive of the release is lost and this is not the same one.
        """
        if release.state is State.REMOVED:
            return False
        is_mirrored = release.upstream is not None
        if release.digest == bala.digest:
            return not is_mirrored or release.state is not State.LIVE
        if is_mirrored or await self._hash(content, release) != bala.entries_hash:
            return False
        there = await self.archives.stat(release.archive)
        if there is None or there.size_bytes != release.size_bytes:
            raise ArchiveLost(release.coordinate)
        return True

    async def repeated(
        self, content: bytes | memoryview, bala: Bala, release: Release
    ) -> Release | None:
        """Return the release, in whatever state, if a push of the archive repeats it. Return None
        if the version has other files.

        Raises what `would_repeat` raises. A hash of files that was not known is stored.
        """
        if not await self.would_repeat(content, bala, release):
            return None
        if release.digest == bala.digest or release.entries_hash is not None:
            return release
        stored = await self._store_hash(release, bala)
        is_taken = stored.state is State.REMOVED or stored.entries_hash != bala.entries_hash
        return None if is_taken else stored

    async def refusal(
        self, content: bytes | memoryview, bala: Bala, found: FoundRelease, *, by: Principal
    ) -> VersionExists:
        """Return the refusal of an archive that is another one than the release. It names the first
        files that differ, to those who may read them."""
        available = found.available
        if available is None or not await self.authorization.may_read(by, available.head):
            return VersionExists(bala.coordinate)
        try:
            changes = await self._changes(content, available.release)
        except (ArchiveLost, BadArchive):  # An archive that cannot be read cannot be compared.
            return VersionExists(bala.coordinate)
        return VersionExists(bala.coordinate, _sentence(changes))

    async def _store_hash(self, release: Release, bala: Bala) -> Release:
        """Store the hash of the files, which is the same for the archive and the release. Return
        the release as it is stored now, without the hash if it was removed or has another archive
        meanwhile."""

        def decide(_: Head, now: Release) -> Release:
            is_same = now.digest == release.digest and now.state is not State.REMOVED
            if not is_same or now.entries_hash is not None:
                return now
            return now.model_copy(update={"entries_hash": bala.entries_hash})

        return await self.package_records.change_release(release.coordinate, decide)

    async def _hash(self, content: bytes | memoryview, release: Release) -> str | None:
        """Return the hash of the release's files, or None if the archives do not have the same
        files, or rules that are newer refuse the stored one."""
        if release.entries_hash is not None:
            return release.entries_hash
        try:
            if await self._changes(content, release):
                return None
            async with self._reading:
                stored = await self.archives.read(release.archive)
                return await self.archive_reader.of(release).entries_hash(stored)
        except BadArchive:
            return None

    async def _changes(
        self, content: bytes | memoryview, release: Release
    ) -> Sequence[tuple[str, EntryChange]]:
        before = await self.archive_files.list(release)

        def compare() -> Sequence[tuple[str, EntryChange]]:
            return changed_entries(before, list_all_files(content))

        return await asyncio.to_thread(compare)


def _sentence(changes: Sequence[tuple[str, EntryChange]]) -> str:
    """Return which files differ; empty if the directories of the archives do not tell."""
    if not changes:
        return ""
    named = [f"{printable(name)}{_NOTES[change]}" for name, change in changes[:MAX_FILES_NAMED]]
    others = len(changes) - len(named)
    if others:
        named.append(counted(others, "other file"))
    *first, last = named
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"This archive differs from the published one in {listed}."
