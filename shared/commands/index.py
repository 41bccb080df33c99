"""index …: the index of packages, as files."""

from dataclasses import dataclass, field
from pathlib import Path

import click

from shared.bootstrap import IndexTree, exported_index
from shared.commands.folder import folder_argument
from shared.commands.running import with_registry
from shared.domain.derived_index import CONFIG_PATH, index_config
from shared.domain.document import Document
from shared.registry import Registry


@dataclass
class Tally:
    """What an export has done so far."""

    paths: set[str] = field(default_factory=set[str])
    written: int = 0
    removed: int = 0

    def __str__(self) -> str:
        """Return it as half a sentence."""
        same = len(self.paths) - self.written
        return f"{self.written:,} written, {self.removed:,} removed, {same:,} as they were"


@click.group()
def index() -> None:
    """Hand out the index of packages."""


@index.command()
@folder_argument
def export(folder: Path) -> None:
    """Write the index of all public packages to DIR, for any web server.

    Only what has changed is written, each file at once, and what is no longer public is removed. It
    may be stopped and run again at any time.

    \b
    Example:
      python -m shared.cli index export /var/www/index
    """

    async def work(registry: Registry) -> Tally:
        with exported_index(folder) as tree:
            return await _export(registry, tree)

    tally = with_registry(work)
    click.echo(f"{folder} holds {len(tally.paths):,} packages: {tally}.")


async def _export(registry: Registry, tree: IndexTree) -> Tally:
    tally = Tally()
    # First of all: by this file the next export knows the folder, should this one be stopped.
    tree.put(CONFIG_PATH, Document.of(index_config(registry.settings.base_url)))
    async for files in registry.indexing.public_files():
        for path, document in files:
            tally.paths.add(path)
            tally.written += tree.put(path, document)
        click.echo(f"{len(tally.paths):,} packages so far", err=True)
    tally.removed = tree.keep_only(tally.paths)
    return tally
