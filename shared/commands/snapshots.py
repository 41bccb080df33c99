"""snapshot …: writing all records to a few files, and restoring them."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import click

from shared.bootstrap import other_folder, prepared_stores
from shared.commands.base import (
    OutputFormat,
    as_json,
    format_time,
    operator_command,
    print_rows,
    with_registry,
)
from shared.composition import Registry
from shared.domain.snapshots import SnapshotManifest
from shared.domain.task_runs import TaskReport
from shared.services.maintenance.package_tasks import RepairDerivedData
from shared.services.maintenance.snapshots import ArchiveSources, StoredSnapshots
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
    """Take a snapshot of all records; the registry may keep running.

    \b
    Example:
      python -m shared.cli snapshot take
    """
    manifest = with_registry(lambda registry: registry.maintenance.snapshot_creation.create())
    click.echo(f"Took {manifest.name}: {manifest.lines} records.")


@snapshot.command("list")
@from_option
@as_json
def list_(data: Path | None, output: OutputFormat) -> None:
    """List the snapshots, newest first.

    \b
    Example:
      python -m shared.cli snapshot list
    """
    print_rows(
        [
            _row(each)
            for each in _with_snapshots(data, lambda _, snapshots, __: snapshots.manifests())
        ],
        output,
    )


@snapshot.command()
@name_argument
@from_option
def verify(name: str, data: Path | None) -> None:
    """Read the whole snapshot NAME, and fail if it differs from what was written.

    \b
    Example:
      python -m shared.cli snapshot verify 20261120T020500123Z
    """
    manifest = _with_snapshots(data, lambda _, snapshots, __: snapshots.verify(name))
    click.echo(f"{manifest.name} is complete: {manifest.lines} records.")


@snapshot.command()
@name_argument
@from_option
def restore(name: str, data: Path | None) -> None:
    """Restore the snapshot NAME into an empty registry.

    With --from, missing archives are copied from that data folder. This moves a registry from one
    machine to the cloud, or back.

    \b
    Examples:
      python -m shared.cli snapshot restore 20261120T020500123Z
      python -m shared.cli snapshot restore 20261120T020500123Z --from /srv/ballroom
    """
    with prepared_stores(Settings.load()):
        report = _with_snapshots(
            data,
            lambda registry, snapshots, there: registry.maintenance.snapshot_restore.restore(
                snapshots, name, there
            ),
        )
    click.echo(f"Restored {report.changed} of {report.seen} records.")
    _explain(report)


def _explain(report: TaskReport) -> None:
    for problem in report.problems:
        click.echo(f"  {problem}")
    if report.problems:
        click.echo("Restore the archives, then run this command again: existing records are kept.")
        raise SystemExit(1)
    command = operator_command(Settings.load(), "upkeep", "run", RepairDerivedData.id)
    click.echo(f"To make the documents again:\n  {command}")


def _with_snapshots(
    data: Path | None,
    work: Callable[[Registry, StoredSnapshots, ArchiveSources | None], Awaitable[Result]],
) -> Result:
    """Do the work with the snapshots of this registry, or of another data folder."""
    with ExitStack() as stack:
        there = stack.enter_context(other_folder(data)) if data else None

        async def run(registry: Registry) -> Result:
            snapshots, elsewhere = there or (registry.maintenance.snapshot_creation.snapshots, None)
            return await work(registry, snapshots, elsewhere)

        return with_registry(run)


def _row(manifest: SnapshotManifest) -> dict[str, object]:
    return {
        "name": manifest.name,
        "taken": format_time(manifest.ended_ms),
        "records": manifest.lines,
        "bytes": sum(part.bytes for part in manifest.parts),
    }
