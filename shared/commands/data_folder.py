"""backup, restore, keys … and index …: the data folder, and the index as files."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from shared.bootstrap.backups import (
    ArchiveChecks,
    KeysOfCopy,
    archives_of_backup,
    back_up,
    restore_backup,
)
from shared.bootstrap.files import exported_index
from shared.bootstrap.key_rotation import rotate_keys, rotate_release_keys
from shared.commands.base import (
    Rows,
    format_time,
    in_registry,
    with_registry,
)
from shared.commands.operations import parse_coordinate
from shared.commands.operator_command import operator_command
from shared.commands.revocations import after_option, applied_text
from shared.domain.coordinates import Coordinate
from shared.domain.documents import DerivedDocument
from shared.domain.sentences import counted
from shared.domain.sparse_index import INDEX_CONFIG_PATH, index_config
from shared.registry import Registry
from shared.settings import Settings

folder_argument = click.argument(
    "folder", metavar="DIR", type=click.Path(path_type=Path, readable=False)
)


@click.command()
@folder_argument
@click.option(
    "--without-keys",
    "keys_of_copy",
    flag_value=KeysOfCopy.LEFT_OUT,
    type=click.UNPROCESSED,
    default=KeysOfCopy.COPIED,
    help="Leave the keys out; keep a copy of the folder keys elsewhere.",
)
def backup(folder: Path, keys_of_copy: KeysOfCopy) -> None:
    """Copy the registry to DIR, which is new or empty; the registry may keep running.

    The copy contains the keys, so protect it like the registry. With --without-keys it has none:
    whoever reads it decrypts no secret of a webhook and signs nothing, and a restore needs the
    folder keys of the registry beside it.

    \b
    Examples:
      ballroom backup /var/backups/ballroom/monday
      ballroom backup /mnt/elsewhere/monday --without-keys
    """
    settings = Settings.load()
    back_up(settings, folder, keys_of_copy, partial(click.echo, err=True))
    copy = folder.absolute()
    data = settings.data.absolute()
    if copy.is_relative_to(data):  # It is renamed with the data folder.
        copy = data.with_name(f"{data.name}.before") / copy.relative_to(data)
    command = operator_command(settings, "restore", str(copy))
    # Beside it, because the restore looks there for what was revoked since.
    click.echo(
        f"Copied to {folder}. To restore it, stop the registry, rename {settings.data} to "
        f"{settings.data.name}.before, run"
    )
    click.echo(f"  {command}")
    click.echo("and start the registry.")
    if keys_of_copy is KeysOfCopy.LEFT_OUT:
        click.echo(
            f"It has no keys. Copy {settings.data / 'keys'} to another place, and put it back into "
            "the data folder after a restore, before the registry starts."
        )


@click.command()
@click.argument(
    "folder", metavar="[DIR]", type=click.Path(path_type=Path, readable=False), required=False
)
@click.option(
    "--skip-archives",
    "checks",
    flag_value=ArchiveChecks.NONE,
    type=click.UNPROCESSED,
    default=ArchiveChecks.ALL,
    help="Copy the archives without reading them.",
)
@click.option(
    "--release",
    "coordinate",
    metavar="ORG/NAME:VERSION",
    type=parse_coordinate,
    help="Bring back only the archive of one release; the registry may be running.",
)
@click.option(
    "--from",
    "origin",
    metavar="BACKUP",
    type=click.Path(path_type=Path, readable=False),
    help="The backup that has the archive of the release.",
)
@after_option
def restore(
    folder: Path | None,
    checks: ArchiveChecks,
    coordinate: Coordinate | None,
    origin: Path | None,
    later: tuple[Path, ...],
) -> None:
    """Copy the backup DIR into the data folder, which is new, empty, or has lost its database.

    Each archive is compared with its record. Those that differ are left out and listed, and then
    the exit code is 1, although everything else is restored.

    What was erased, removed, locked or revoked after the backup does not come back: the restore
    applies the lists of revocations that it finds in the folder of the backup and in the folder
    that it replaces, and those of --after. It prints what it applied and what you have to decide.

    \b
    Examples:
      BALLROOM_DATA=/srv/ballroom ballroom restore /var/backups/ballroom/monday
      ballroom restore --release acme/greet:1.0.0 --from /var/backups/ballroom/monday
    """
    if coordinate and origin and not folder:
        _restore_release(coordinate, origin)
    elif folder and not coordinate and not origin:
        _restore_all(folder, checks, later)
    else:
        message = (
            "Name a backup, or a release and its backup: --release ORG/NAME:VERSION --from DIR"
        )
        raise click.UsageError(message)


def _restore_all(folder: Path, checks: ArchiveChecks, later: Sequence[Path]) -> None:
    settings = Settings.load()
    report = partial(click.echo, err=True)
    restored, applied = restore_backup(settings, folder, checks, report, later=later)
    click.echo(applied_text(applied, has_newer_list=restored.has_newer_list))
    if restored.last_event is not None:
        click.echo(
            f"The last event of the backup has the number {restored.last_event}. Whoever follows "
            "events by their numbers, such as a SIEM, goes on after it: later numbers are given "
            "to other events now."
        )
    if not restored.has_keys:
        click.echo(
            f"The backup has no keys. Put the folder keys of the registry that was backed up into "
            f"{settings.data} before the registry starts. Without it the start makes new keys: "
            "everybody signs in again, releases are signed with another key, and each webhook is "
            "paused until its secret is rotated."
        )
    if not restored.damaged:
        click.echo(f"Restored to {settings.data}. Start the registry as usual.")
        return
    click.echo(f"Restored to {settings.data}, without these archives:")
    for sentence in restored.damaged:
        click.echo(f"  {sentence}")
    command = operator_command(
        settings, "restore", "--release", "ORG/NAME:VERSION", "--from", "DIR"
    )
    click.echo(
        "You can start the registry, which answers their pulls with 503. To bring one back, push "
        f"it again, or use another backup:\n  {command}"
    )
    raise SystemExit(1)


def _restore_release(coordinate: Coordinate, origin: Path) -> None:
    async def work(registry: Registry) -> bool:
        with archives_of_backup(origin) as archives:
            return await registry.maintenance.archive_recovery.put_back(coordinate, archives)

    if with_registry(work):
        click.echo(f"The archive of {coordinate} is back, as its record says.")
    else:
        click.echo(f"The archive of {coordinate} is here and as its record says.")


@click.group()
def keys() -> None:
    """List the keys of the registry, and rotate those of links and sessions, and of releases."""


@keys.command("list")
@in_registry
async def list_keys(registry: Registry) -> Rows:
    """List the keys of the registry with their age and place, and never a key itself.

    The column `made` is empty where the source of a key does not say when it was made.
    """
    now_ms = registry.clock.now_ms()
    return [
        {
            "key": each.kind.value,
            "protects": each.kind.protects,
            "made": format_time(each.made_ms),
            "days": each.days(now_ms),
            "is_old": each.is_old(now_ms),
            "where": each.place.where,
            "rotation": each.missing or each.place.rotation,
        }
        for each in await registry.administration.key_ages.ages()
    ]


@keys.command()
def rotate() -> None:
    """Create a new key. The previous key stays valid; older keys do not."""
    rotate_keys(Settings.load())
    click.echo("Created a new key. Restart the registry to use it.")


@keys.command("rotate-release-keys")
def rotate_release() -> None:
    """Create a new key that signs releases. All earlier keys stay listed at /api/v1/keys.

    Nothing is signed again: the signatures of earlier keys hold.
    """
    rotate_release_keys(Settings.load())
    click.echo(
        "Created a new key. It signs releases in ten minutes, when all processes have read it; "
        "/api/v1/keys lists it and all keys before it."
    )


@click.group()
def index() -> None:
    """Export the index of packages."""


@index.command()
@folder_argument
@in_registry
async def export(registry: Registry, folder: Path) -> str:
    """Write the index of all public packages to DIR, for any web server.

    Only changed files are written, each in one step. Files of packages that are no longer public
    are removed. The command may be stopped and run again at any time.

    \b
    Example:
      ballroom index export /var/www/index
    """
    paths = set[str]()
    written = 0
    with exported_index(folder) as tree:
        # Written first, so that the next export recognizes the folder if this one is stopped.
        config = DerivedDocument.of(index_config(registry.settings.base_url))
        tree.put(INDEX_CONFIG_PATH, config)
        async for files in registry.packages.index.public_files():
            for path, document in files:
                paths.add(path)
                written += tree.put(path, document)
            click.echo(f"{counted(len(paths), 'package')} so far", err=True)
        removed = tree.keep_only(paths)
    packages = counted(len(paths), "package")
    return (
        f"{folder} holds {packages}: {written:,} written, {removed:,} removed, "
        f"{len(paths) - written:,} as they were."
    )
