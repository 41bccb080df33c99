"""drill: proves that the newest copy of the registry can be restored, and says how long it takes.

On one machine the copy is a backup, in the cloud a snapshot with a sample of the archives.
"""

import asyncio
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum
from pathlib import Path

import click

from shared.bootstrap.backups import (
    database_problems,
    drill_folder,
    newest_backup,
    now_ms,
    restore_for_drill,
    restored_registry,
    sampled_archives,
    scratch_settings,
)
from shared.bootstrap.build import START_ERRORS, existing_registry
from shared.bootstrap.migration import prepared_stores
from shared.commands.base import (
    OutputFormat,
    as_json,
    print_facts,
    sentence_of,
    spelled,
    with_registry,
)
from shared.domain.drills import (
    MAX_AGE,
    PROBLEMS_KEPT,
    SAMPLED_ARCHIVES,
    Drill,
    DrillOutcome,
    DrillStep,
    age_text,
    too_old,
)
from shared.domain.errors.base import Refusal
from shared.domain.sentences import counted
from shared.domain.snapshots import SnapshotUnusable
from shared.domain.times import time_text
from shared.registry import Registry
from shared.services.snapshots.restored_audit import AuditedLog, AuditedReleases
from shared.settings import Settings

BACKUPS = Path("/var/backups/ballroom")  # As infra/machine/backup.sh has it.

_HOUR = timedelta(hours=1)
_NO_KEYS = (
    "The backup has no keys, so the files of the transparency log were not compared with them: a "
    "restore needs the keys that you keep elsewhere."
)


class LogChecks(Enum):
    """The checks of the transparency log against what was signed."""

    EVENTS = "events"
    FILES = "events and files"


class _Running:
    """A drill that is going on: what it has found so far, and the seconds of its steps."""

    def __init__(self, output: OutputFormat) -> None:
        self._output = output
        self._began = time.perf_counter()
        self.source = ""
        self.copied_ms: int | None = None
        self.seconds = dict[str, float]()
        self.releases = AuditedReleases(0, 0, 0, ())
        self.log = AuditedLog(0)
        self.problems = list[str]()

    @contextmanager
    def step(self, step: DrillStep) -> Generator[None]:
        """Measure a step, and print how long it took."""
        began = time.perf_counter()
        yield
        self.seconds[step.value] = round(time.perf_counter() - began, 3)
        if self._output is OutputFormat.TABLE:
            click.echo(f"{step.value:<9} {self.seconds[step.value]:9.1f} s")

    async def audit(self, registry: Registry, sample: int | None, files: LogChecks) -> None:
        """Read the restored registry, after its database."""
        audit = registry.maintenance.restored_audit
        with self.step(DrillStep.ARCHIVES):
            self.releases = await audit.releases(sample)
        with self.step(DrillStep.LOG):
            self.log = await audit.log()
            published = await audit.published_log() if files is LogChecks.FILES else ()
        self.problems += [*self.releases.problems, *self.log.problems, *published]

    def ended(self) -> Drill:
        outcome = DrillOutcome.PROBLEMS if self.problems else DrillOutcome.WHOLE
        return self._result(self.problems, outcome)

    def failed(self, sentence: str) -> Drill:
        return self._result([*self.problems, sentence], DrillOutcome.FAILED)

    def _result(self, problems: list[str], outcome: DrillOutcome) -> Drill:
        return Drill(
            at_ms=now_ms(),
            source=self.source,
            copied_ms=self.copied_ms,
            seconds=self.seconds,
            packages=self.releases.packages,
            releases=self.releases.releases,
            archives=self.releases.archives,
            entries=self.log.entries,
            problems=tuple(problems),
            outcome=outcome,
        )


@click.command()
@click.argument(
    "backups",
    metavar="[BACKUPS]",
    envvar="BALLROOM_BACKUPS",
    default=BACKUPS,
    type=click.Path(path_type=Path, readable=False),
)
@click.option(
    "--max-age",
    "hours",
    metavar="HOURS",
    type=click.IntRange(1),
    default=MAX_AGE // _HOUR,
    show_default=True,
    help="How old the newest copy may be: what was published after it would be lost.",
)
@click.option(
    "--scratch",
    metavar="DIR",
    type=click.Path(path_type=Path, readable=False),
    help="Where the copy is restored; by default beside the backup, in the cloud in the folder "
    "for temporary files.",
)
@click.option(
    "--sample",
    metavar="COUNT",
    type=click.IntRange(0),
    default=SAMPLED_ARCHIVES,
    show_default=True,
    help="How many archives are read in the cloud, chosen at random.",
)
@as_json
def drill(
    backups: Path, hours: int, scratch: Path | None, sample: int, output: OutputFormat
) -> None:
    """Restore the newest copy of the registry into a folder of its own, audit it, and report.

    On one machine the copy is the newest backup in BACKUPS, or BACKUPS itself: each archive is
    compared with its record. In the cloud it is the newest snapshot, with a sample of the archives.
    The registry may keep running: nothing of it is changed, but the result is recorded in it. The
    folder is deleted at the end.

    The exit code is 1 if the copy cannot be restored, has a problem, or is too old.

    \b
    Examples:
      ballroom drill /var/backups/ballroom
      ballroom drill --scratch /mnt/other-disk --json
    """
    settings = Settings.load()
    running = _Running(output)
    try:
        if settings.is_in_the_cloud:
            place = scratch or Path(tempfile.gettempdir())
            with drill_folder(place) as data:
                asyncio.run(_drill_snapshot(settings, data, sample, running))
        else:
            _drill_backup(settings, backups, scratch, running)
    except Exception as failure:
        if sentence := sentence_of(failure):
            _record(running.failed(sentence))
        raise
    if running.copied_ms is not None:
        old = too_old(running.source, now_ms() - running.copied_ms, hours * _HOUR)
        running.problems += [old] if old else []
    ended = running.ended()
    _record(ended)
    _print(ended, output)
    if ended.outcome is not DrillOutcome.WHOLE:
        raise SystemExit(1)


def _drill_backup(
    settings: Settings, backups: Path, scratch: Path | None, running: _Running
) -> None:
    backup = newest_backup(backups, now_ms())
    running.source = str(backup.folder)
    running.copied_ms = backup.made_ms
    with drill_folder(scratch or backup.folder.absolute().parent) as data:
        with running.step(DrillStep.RESTORE):
            copy = restore_for_drill(settings, backup, data)
        with running.step(DrillStep.UPGRADE), prepared_stores(copy):
            pass
        with running.step(DrillStep.DATABASE):
            running.problems += database_problems(data)

        async def audit() -> None:
            registry = restored_registry(copy)
            try:
                has_keys = backup.has_keys or settings.log_keys
                files = LogChecks.FILES if has_keys else LogChecks.EVENTS
                await running.audit(registry, None, files)
            finally:
                await registry.close()

        asyncio.run(audit())
    if not backup.has_keys:
        click.echo(_NO_KEYS, err=True)


async def _drill_snapshot(settings: Settings, data: Path, sample: int, running: _Running) -> None:
    live = existing_registry(settings)
    copy = scratch_settings(settings, data)
    try:
        snapshots = live.maintenance.snapshot_creation.snapshots
        manifests = await snapshots.manifests()
        if not manifests:
            message = "There is no snapshot. Take one: ballroom snapshot take"
            raise SnapshotUnusable(message)
        newest = manifests[0]
        running.source = newest.name
        running.copied_ms = newest.begun_ms
        with running.step(DrillStep.RESTORE):
            with prepared_stores(copy):
                registry = restored_registry(copy, await sampled_archives(copy, live))
            revocations = live.administration.revocations
            listed = await revocations.listed()

            async def finish() -> None:
                await registry.administration.revocations.apply(listed)

            restoring = registry.maintenance.snapshot_restore
            erased = await revocations.removed_digests()
            report = await restoring.restore(snapshots, newest.name, finish=finish, erased=erased)
            running.problems += report.problems
        try:
            with running.step(DrillStep.DATABASE):
                running.problems += database_problems(data)
            await running.audit(registry, sample, LogChecks.EVENTS)
        finally:
            await registry.close()
    finally:
        await live.close()


def _record(result: Drill) -> None:
    """Store the result in the registry; where that is impossible, as on a machine without it, say
    so."""
    kept = result.model_copy(update={"problems": result.problems[:PROBLEMS_KEPT]})
    try:
        with_registry(lambda registry: registry.administration.recovery_drills.save(kept))
    except (Refusal, *START_ERRORS) as failure:
        click.echo(f"The result is not recorded: {spelled(str(failure))}", err=True)


def _print(result: Drill, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        print_facts(result.model_dump(mode="json"), output)
        return
    for problem in result.problems:
        click.echo(f"problem: {spelled(problem)}")
    copied = ""
    if result.copied_ms is not None:
        age = age_text(result.at_ms - result.copied_ms)
        copied = f" of {time_text(result.copied_ms)}, {age} old,"
    releases = f"{counted(result.packages, 'package')} and {counted(result.releases, 'release')}"
    entries = counted(result.entries, "entry", "entries")
    click.echo(
        f"{result.source}{copied} has {releases}, and {entries} of the transparency log. "
        f"Archives read: {result.archives:,}."
    )
    found = f"{counted(len(result.problems), 'problem')} found"
    if not result.problems:
        found = "nothing is wrong"
    click.echo(f"The drill took {result.total_seconds:.1f} s: {found}.")
