"""backup, restore, keys … and index …: the data folder, and the index as files."""

from pathlib import Path

import click

from shared.bootstrap import back_up, exported_index, restore_backup, rotate_keys
from shared.commands.base import in_registry, operator_command
from shared.composition import Registry
from shared.domain.documents import DerivedDocument
from shared.domain.sparse_index import INDEX_CONFIG_PATH, index_config
from shared.settings import Settings

folder_argument = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))


@click.command()
@folder_argument
def backup(folder: Path) -> None:
    """Copy the registry to DIR, which is new or empty; the registry may keep running.

    The copy contains the keys, so protect it like the registry.

    \b
    Example:
      ballroom backup /var/backups/ballroom/monday
    """
    settings = Settings.load()
    back_up(settings, folder)
    command = operator_command(settings, "restore", str(folder.absolute()))
    click.echo(
        f"Copied to {folder}. To restore it, stop the registry, move {settings.data} away, run"
    )
    click.echo(f"  {command}")
    click.echo("and start the registry.")


@click.command()
@folder_argument
def restore(folder: Path) -> None:
    """Copy the backup DIR into the data folder, which is new or empty.

    \b
    Example:
      BALLROOM_DATA=/srv/ballroom ballroom restore /var/backups/ballroom/monday
    """
    settings = Settings.load()
    restore_backup(settings, folder)
    click.echo(f"Restored to {settings.data}. Start the registry as usual.")


@click.group()
def keys() -> None:
    """Rotate the keys that sign links and sessions."""


@keys.command()
def rotate() -> None:
    """Create a new key. The previous key stays valid; older keys do not."""
    rotate_keys(Settings.load())
    click.echo("Created a new key. Restart the registry to use it.")


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
    paths, written = set[str](), 0
    with exported_index(folder) as tree:
        # Written first, so that the next export recognizes the folder if this one is stopped.
        config = DerivedDocument.of(index_config(registry.settings.base_url))
        tree.put(INDEX_CONFIG_PATH, config)
        async for files in registry.packages.index.public_files():
            for path, document in files:
                paths.add(path)
                written += tree.put(path, document)
            click.echo(f"{len(paths):,} packages so far", err=True)
        removed = tree.keep_only(paths)
    return (
        f"{folder} holds {len(paths):,} packages: {written:,} written, {removed:,} removed, "
        f"{len(paths) - written:,} as they were."
    )
