"""snapshot …: writing all records to a few files, and restoring them."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import click

from shared.bootstrap.backups import lists_of_revocations, other_folder
from shared.bootstrap.migration import prepared_stores
from shared.commands.base import Rows, format_time, in_registry, with_registry
from shared.commands.operator_command import operator_command
from shared.commands.revocations import after_option, applied_text
from shared.commands.webhooks import needed_secrets_text
from shared.domain.sentences import counted
from shared.domain.tasks import TaskReport
from shared.domain.webhooks import Webhook
from shared.registry import Registry
from shared.services.administration.revocation_report import AppliedRevocations
from shared.services.maintenance.repair_derived_data import RepairDerivedData
from shared.services.snapshots.snapshots import ArchiveSources, StoredSnapshots
from shared.settings import Settings

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
@in_registry
async def take(registry: Registry) -> str:
    """Take a snapshot of all records; the registry may keep running.

    \b
    Example:
      ballroom snapshot take
    """
    manifest = await registry.maintenance.snapshot_creation.create()
    return f"Took {manifest.name}: {counted(manifest.lines, 'record')}."


@snapshot.command("list")
@from_option
@in_registry
async def list_snapshots(registry: Registry, data: Path | None) -> Rows:
    """List the snapshots, newest first.

    \b
    Example:
      ballroom snapshot list
    """
    with _snapshots(registry, data) as (snapshots, _):
        return [
            {
                "name": each.name,
                "taken": format_time(each.ended_ms),
                "records": each.lines,
                "bytes": sum(part.bytes for part in each.parts),
            }
            for each in await snapshots.manifests()
        ]


@snapshot.command()
@name_argument
@from_option
@in_registry
async def verify(registry: Registry, name: str, data: Path | None) -> str:
    """Read the whole snapshot NAME, and fail if it differs from what was written.

    \b
    Example:
      ballroom snapshot verify 20261120T020500123Z
    """
    with _snapshots(registry, data) as (snapshots, _):
        manifest = await snapshots.verify(name)
    return f"{manifest.name} is complete: {counted(manifest.lines, 'record')}."


@snapshot.command()
@name_argument
@from_option
@after_option
def restore(name: str, data: Path | None, later: tuple[Path, ...]) -> None:
    """Restore the snapshot NAME into an empty registry.

    With --from, missing archives and the files of transparency logs that ended are copied from that
    data folder. This moves a registry from one machine to the cloud, or back.

    What was erased, removed, locked or revoked after the snapshot does not come back: the restore
    applies the lists of revocations of this registry and of that data folder, and those of --after.

    A snapshot has no secrets of webhooks: each webhook is paused until its secret is rotated, and
    the end of the restore lists them.

    \b
    Examples:
      ballroom snapshot restore 20261120T020500123Z
      ballroom snapshot restore 20261120T020500123Z --from /srv/ballroom
    """

    applied = AppliedRevocations()
    has_list = False
    secretless = list[Webhook]()

    async def work(registry: Registry) -> TaskReport:
        nonlocal has_list
        lists = lists_of_revocations(later, data)
        revocations = registry.administration.revocations
        has_list = bool(lists or await revocations.listed())
        erased = await revocations.removed_digests(lists)

        async def finish() -> None:
            nonlocal applied
            applied = await revocations.apply(lists)

        with _snapshots(registry, data) as (snapshots, there):
            restoring = registry.maintenance.snapshot_restore
            report = await restoring.restore(snapshots, name, there, finish, erased)
        secretless.extend(await registry.organizations.webhook_secrets.all_missing())
        return report

    with prepared_stores(Settings.load()):
        report = with_registry(work)
    click.echo(f"Restored {report.changed} of {report.seen} records.")
    click.echo(applied_text(applied, has_newer_list=has_list))
    if secretless:
        click.echo(needed_secrets_text(secretless))
    for problem in report.problems:
        click.echo(f"  {problem}")
    if report.problems:
        click.echo("Restore the archives, then run this command again: existing records are kept.")
        raise SystemExit(1)
    command = operator_command(Settings.load(), "upkeep", "run", RepairDerivedData.id)
    click.echo(f"To make the documents again:\n  {command}")


@contextmanager
def _snapshots(
    registry: Registry, data: Path | None
) -> Generator[tuple[StoredSnapshots, ArchiveSources | None]]:
    """Open the snapshots of this registry, or of another data folder with its archives."""
    if data is None:
        yield registry.maintenance.snapshot_creation.snapshots, None
        return
    with other_folder(data) as there:
        yield there
