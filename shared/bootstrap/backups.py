"""Backups, restores and recovery drills."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec.structs import replace

from shared.adapters.backup import (
    ArchiveChecks,
    KeysOfCopy,
    Report,
    Restored,
    backup,
    end_restore,
    half_restored,
    report_nothing,
    restore,
    unapplied_restore,
)
from shared.adapters.data_folder import DataFolder, FolderUnusable
from shared.adapters.drill_folders import FoundBackup, find_newest_backup, make_drill_folder
from shared.adapters.embedded import compare_databases, open_embedded
from shared.adapters.file_archives import FileArchives
from shared.adapters.file_revocations import read_revocations
from shared.adapters.mail import SilentMailer
from shared.adapters.sampled_archives import SampledArchives
from shared.adapters.serving_processes import require_alone
from shared.adapters.snapshot_folder import SnapshotFolder
from shared.adapters.sqlite.connections import DatabaseMissing
from shared.adapters.system import SystemClock
from shared.bootstrap.adapters import embedded_adapters
from shared.bootstrap.build import build_registry
from shared.bootstrap.data_folder import require_folder
from shared.bootstrap.migration import prepared_stores
from shared.domain.revocations import Revocation
from shared.ports.archive_store import ArchiveStore
from shared.registry import Registry
from shared.runtime.file_existence import exists
from shared.runtime.private_files import replace_private
from shared.services.administration.revocation_report import AppliedRevocations
from shared.services.snapshots.snapshots import ArchiveSources, StoredSnapshots
from shared.settings import Settings

newest_backup = find_newest_backup  # Commands name no adapter.
drill_folder = make_drill_folder
database_problems = compare_databases


def back_up(
    settings: Settings,
    target: Path,
    keys: KeysOfCopy = KeysOfCopy.COPIED,
    report: Report = report_nothing,
) -> None:
    """Copy the registry, running or not, to a new folder."""
    require_folder(settings, "docs/run/backup.md says how it is backed up.")
    backup(settings.data, target, keys, report)
    # The disk may be full, or the file belong to another user; the backup itself is complete.
    with suppress(OSError):
        replace_private(settings.backed_up, b"")


def restore_backup(
    settings: Settings,
    source: Path,
    checks: ArchiveChecks,
    report: Report = report_nothing,
    *,
    later: Sequence[Path],
) -> tuple[Restored, AppliedRevocations]:
    """Copy a backup to the data folder, which is new, empty, or has lost its database, and apply
    the lists of revocations that are found, and those of `later`.

    A restore that was killed in between is continued. Raises `FolderInUse` while a process serves
    the folder.
    """
    require_folder(settings, "docs/run/backup.md says how it is restored.")
    require_alone(settings.data)
    begun = unapplied_restore(settings.data)
    restored = Restored(0)
    if begun is None or begun != source.absolute():
        restored = restore(source, settings.data, checks, report, later)
    applied = AppliedRevocations()
    if _entries(DataFolder(settings.data).revocations):
        applied = _apply_revocations(settings)
    end_restore(settings.data)
    return restored, applied


def _apply_revocations(settings: Settings) -> AppliedRevocations:
    """Apply the list of a restored data folder; mails nobody, as of what had its mail before."""
    without_copy = settings.model_copy(update={"upgrade_backup": False})

    async def apply() -> AppliedRevocations:
        adapters = replace(embedded_adapters(without_copy), mailer=SilentMailer())
        registry = build_registry(without_copy, adapters)
        try:
            return await registry.administration.revocations.apply()
        finally:
            await registry.close()

    with prepared_stores(without_copy):
        return asyncio.run(apply())


def lists_of_revocations(files: Sequence[Path], data: Path | None = None) -> list[Revocation]:
    """Return the entries of lists, and of that of another data folder."""
    missing = [each for each in files if not each.is_file()]
    if missing:
        message = f"{missing[0]} is no list of revocations."
        raise FolderUnusable(message)
    others = [DataFolder(data).revocations] if data else []
    return [each for file in (*files, *others) for each in _entries(file)]


def _entries(file: Path) -> list[Revocation]:
    """Return the entries of a list; raise `FolderUnusable` if it cannot be read."""
    try:
        return read_revocations(file)
    except OSError as error:
        message = (
            f"The list of revocations {file} cannot be read: {error.strerror}. Give the user who "
            "runs this the right to it, and run it again."
        )
        raise FolderUnusable(message) from error


def refuse_half_restored(settings: Settings) -> None:
    """Raise `FolderUnusable` if a restore to the data folder was killed and not repeated."""
    if not settings.is_in_the_cloud and (left := half_restored(settings.data)):
        way_out = f"Run the restore again, or delete {left} to begin with an empty registry."
        if left == settings.data:
            way_out = (
                "Run the restore again. Do not delete the folder: it may have the only archives "
                "and keys of the registry."
            )
        message = f"{settings.data} has no registry yet: a restore to it did not end. {way_out}"
        raise FolderUnusable(message)
    if not settings.is_in_the_cloud and (backup_of := unapplied_restore(settings.data)):
        message = (
            f"A restore of {backup_of} to {settings.data} did not end: what was removed, locked "
            "and revoked after it is not applied yet. Run the same restore again."
        )
        raise FolderUnusable(message)


@contextmanager
def archives_of_backup(source: Path) -> Generator[ArchiveStore]:
    """Open the archives of a backup, whose records may be of another version."""
    if not DataFolder(source).archives.root.is_dir():
        message = f"{source} is no backup: it has no folder archives."
        raise FolderUnusable(message)
    yield FileArchives(DataFolder(source).archives, SystemClock())


def restore_for_drill(settings: Settings, backup: FoundBackup, data: Path) -> Settings:
    """Restore a backup as `restore_backup` does, to a folder that nobody serves, and apply the list
    of revocations of the registry as well; return the settings of the copy."""
    copy = scratch_settings(settings, data)
    own_list = DataFolder(settings.data).revocations
    later = [own_list] if own_list.is_file() else []
    restore_backup(copy, backup.folder, ArchiveChecks.NONE, later=later)
    return copy


def scratch_settings(settings: Settings, data: Path) -> Settings:
    """Return the settings of a copy of the registry in a folder of this machine. The copy reads no
    store, key vault or telemetry of the registry."""
    return settings.model_copy(
        update={
            "data": data,
            "upgrade_backup": False,
            "cosmos_endpoint": "",
            "cosmos_key": None,
            "blob_endpoint": "",
            "blob_connection": None,
            "key_vault": "",
            "insights_connection": None,
        }
    )


def restored_registry(settings: Settings, archives: ArchiveStore | None = None) -> Registry:
    """Return a registry over a restored folder that is read, and sends and logs nothing; by default
    with the archives of the folder."""
    adapters = replace(embedded_adapters(settings), mailer=SilentMailer(), writes_log=False)
    return build_registry(settings, replace(adapters, archives=archives or adapters.archives))


async def sampled_archives(settings: Settings, registry: Registry) -> ArchiveStore:
    """Return the archives of a registry, which a restored folder keeps when they are read."""
    there = registry.adapters.archives
    clock = SystemClock()
    listed = {each.digest: each async for each in there.list(clock.now_ms())}
    here = FileArchives(DataFolder(settings.data).archives, clock)
    return SampledArchives(there, listed, here)


def now_ms() -> int:
    """Return the time, for commands that need it before there is a registry."""
    return SystemClock().now_ms()


@contextmanager
def other_folder(data: Path) -> Generator[tuple[StoredSnapshots, ArchiveSources]]:
    """Open the snapshots and the archives of another registry on this machine."""
    clock = SystemClock()
    embedded = open_embedded(data, clock)
    if not exists(DataFolder(data).database):
        raise DatabaseMissing(DataFolder(data).database)
    try:
        snapshots = StoredSnapshots(SnapshotFolder(DataFolder(data).snapshots))
        yield snapshots, ArchiveSources(embedded.archives, embedded.documents, embedded.log_files)
    finally:
        embedded.close()
