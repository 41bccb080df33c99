"""snapshot …: all records in a few files, and a registry restored from them."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import click

from shared.bootstrap import other_folder, prepared_stores
from shared.commands.base import OutputFormat, as_json, format_time, print_rows, with_registry
from shared.composition import Registry
from shared.domain.snapshots import SnapshotManifest
from shared.services.snapshots import ArchiveSources, StoredSnapshots
from shared.services.upkeep import TaskReport
from shared.settings import Settings

Result = TypeVar("Result")

name_argument = click.argument("name")
from_option = click.option(
    "--from",
    "data",
    metavar="DATA",
    type=click.Path(path_type=Path),
    help="Data folder of another registry that has the snapshot, instead of this one.",
)


@click.group()
def snapshot() -> None:
    """Take snapshots of all records, and restore them."""


@snapshot.command()
def take() -> None:
    """Write all records down; the registry may go on running.

    \b
    Example:
      python -m shared.cli snapshot take
    """
    manifest = with_registry(lambda registry: registry.snapshot_creation.create())
    click.echo(f"Took {manifest.name}: {manifest.lines} records.")


@snapshot.command("list")
@from_option
@as_json
def list_(data: Path | None, output: OutputFormat) -> None:
    """List the snapshots there are, the newest first.

    \b
    Example:
      python -m shared.cli snapshot list
    """
    print_rows(
        [_row(each) for each in _with_shelf(data, lambda _, shelf, __: shelf.manifests())], output
    )


@snapshot.command()
@name_argument
@from_option
def verify(name: str, data: Path | None) -> None:
    """Read all of the snapshot NAME, and fail unless it is as it was written.

    \b
    Example:
      python -m shared.cli snapshot verify 20261120T020500123Z
    """
    manifest = _with_shelf(data, lambda _, shelf, __: shelf.verify(name))
    click.echo(f"{manifest.name} is whole: {manifest.lines} records.")


@snapshot.command()
@name_argument
@from_option
def restore(name: str, data: Path | None) -> None:
    """Make a registry of the snapshot NAME, where there is none yet.

    With --from, archives that are not here are copied from there: so a registry moves from one
    machine to the cloud, or back.

    \b
    Examples:
      python -m shared.cli snapshot restore 20261120T020500123Z
      python -m shared.cli snapshot restore 20261120T020500123Z --from /srv/ballroom
    """
    with prepared_stores(Settings.load()):
        report = _with_shelf(
            data,
            lambda registry, shelf, there: registry.snapshot_restore.restore(shelf, name, there),
        )
    click.echo(f"Restored {report.changed} of {report.seen} records.")
    _explain(report)


def _explain(report: TaskReport) -> None:
    for problem in report.problems:
        click.echo(f"  {problem}")
    if report.problems:
        click.echo("Bring the archives back and restore again: what is there stays as it is.")
        raise SystemExit(1)
    click.echo("Documents are made again by: python -m shared.cli upkeep run mend")


def _with_shelf(
    data: Path | None,
    work: Callable[[Registry, StoredSnapshots, ArchiveSources | None], Awaitable[Result]],
) -> Result:
    """Do the work with the snapshots of this registry, or with those of another folder."""
    with ExitStack() as stack:
        there = stack.enter_context(other_folder(data)) if data else None

        async def run(registry: Registry) -> Result:
            shelf, elsewhere = there or (registry.snapshot_creation.snapshots, None)
            return await work(registry, shelf, elsewhere)

        return with_registry(run)


def _row(manifest: SnapshotManifest) -> dict[str, object]:
    return {
        "name": manifest.name,
        "taken": format_time(manifest.ended_ms),
        "records": manifest.lines,
        "bytes": sum(part.bytes for part in manifest.parts),
    }
