"""bundle …: releases in one signed file, for registries that no network reaches."""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

from shared.bootstrap.files import bundle_files
from shared.bootstrap.migration import prepared_stores
from shared.commands.base import (
    OutputFormat,
    as_json,
    in_registry,
    print_facts,
    print_rows,
    with_registry,
)
from shared.commands.operations import parse_coordinate
from shared.domain.coordinates import Coordinate
from shared.domain.names import OrgName, parse_org
from shared.domain.release_lists import read_list, read_lock
from shared.domain.sentences import counted, named
from shared.domain.visibility import Visibility
from shared.registry import Registry
from shared.services.bundles.bundle_export import Selection
from shared.services.bundles.bundle_import import ImportReport, ImportStep, open_bundle
from shared.settings import Settings

READABLE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])
_MOST_LISTED = 10  # Packages in a sentence.

trust_option = click.option(
    "--trust",
    "trust",
    metavar="FILE",
    required=True,
    type=READABLE_FILE,
    help="File of the public keys whose bundles are read.",
)


def _wanted_releases(
    coordinates: Sequence[Coordinate], lists: Sequence[Path], locks: Sequence[Path]
) -> tuple[Coordinate, ...]:
    """Return the releases that arguments and files name, each once."""
    found = list(coordinates)
    for file in lists:
        found += read_list(file.read_text("utf-8"))
    for file in locks:
        found += read_lock(file.read_bytes())
    return tuple(dict.fromkeys(found))


@click.group()
def bundle() -> None:
    """Carry releases to a registry that no network reaches, in one signed file."""


@bundle.command("new-key")
@click.argument("file", metavar="FILE", type=_FILE)
def create_key(file: Path) -> None:
    """Make a key that signs bundles: FILE, and FILE.pub for those who import them.

    \b
    Example:
      ballroom bundle new-key ~/bundle-key
    """
    line = bundle_files().BundleKey.create(file).line
    click.echo(f"Keep {file} secret. The registries that import its bundles trust {file}.pub:")
    click.echo(f"  {line}")


@bundle.command("export")
@click.argument("file", metavar="FILE", type=_FILE)
@click.argument("coordinates", metavar="[ORG/NAME:VERSION]", nargs=-1, type=parse_coordinate)
@click.option(
    "--key",
    "key",
    metavar="FILE",
    required=True,
    type=READABLE_FILE,
    help="Key of `ballroom bundle new-key`.",
)
@click.option(
    "--list",
    "lists",
    metavar="FILE",
    multiple=True,
    type=READABLE_FILE,
    help="The releases of a file, one org/name:version on each line.",
)
@click.option(
    "--lock",
    "locks",
    metavar="FILE",
    multiple=True,
    type=READABLE_FILE,
    help="Everything that a Dependencies.toml locks.",
)
@click.option(
    "--org", "orgs", multiple=True, type=parse_org, help="All releases of an organization."
)
@click.option("--pulled-since", "pulled", type=_DAY, help="What was pulled since a day, UTC.")
@click.option(
    "--changed-since",
    "changed",
    type=_DAY,
    help="What was published, mirrored or deprecated since a day, UTC.",
)
@click.option(
    "--after",
    "after",
    type=click.IntRange(min=0),
    help="What changed after the cursor that an earlier export printed.",
)
@click.option(
    "--private", "includes_private", is_flag=True, help="Packages that are not public as well."
)
@click.option(
    "--without-documents",
    "includes_documents",
    is_flag=True,
    flag_value=False,
    default=True,
    help="No statements, Sigstore bundles and bills of materials: earlier versions read no bundle "
    "that has some.",
)
@in_registry
async def export_bundle(
    registry: Registry,
    *,
    file: Path,
    coordinates: tuple[Coordinate, ...],
    key: Path,
    lists: tuple[Path, ...],
    locks: tuple[Path, ...],
    orgs: tuple[OrgName, ...],
    pulled: datetime | None,
    changed: datetime | None,
    after: int | None,
    includes_private: bool,
    includes_documents: bool,
) -> None:
    """Write a bundle of releases that are stored here to FILE.

    A file that is there already is replaced. Only its owner can read the new one.

    \b
    Examples:
      ballroom bundle export build.bundle --key ~/bundle-key --lock Dependencies.toml
      ballroom bundle export week.bundle --key ~/bundle-key --after 1200
    """
    selection = Selection(
        coordinates=_wanted_releases(coordinates, lists, locks),
        orgs=orgs,
        pulled_since=pulled.date().isoformat() if pulled else "",
        changed_since_ms=_milliseconds(changed),
        after=after,
        includes_private=includes_private,
        includes_documents=includes_documents,
    )
    nothing = Selection(includes_private=includes_private, includes_documents=includes_documents)
    if selection == nothing:
        message = "Say what the bundle gets: releases, --list, --lock, --org, a day or --after."
        raise click.UsageError(message)
    files = bundle_files()
    signer = files.BundleKey.read(key)
    plan = await registry.bundles.exporting.plan(selection)
    size = await files.write_bundle(file, registry.bundles.exporting.pieces(plan, signer))
    click.echo(f"{file} has {counted(len(plan.archives), 'release')} in {counted(size, 'byte')}.")
    if plan.withdrawn:
        more = counted(plan.withdrawn, "more release that it was", "more releases that they were")
        click.echo(f"It says of {more} withdrawn.")
    if plan.left_out:
        click.echo(
            f"{counted(plan.left_out, 'package that is not', 'packages that are not')} public "
            f"{'was' if plan.left_out == 1 else 'were'} left out; --private includes them."
        )
    if plan.not_public:
        click.echo(
            f"{named(plan.not_public, _MOST_LISTED)}: not public here. Every account of a registry "
            f"that imports {file} can see and pull them."
        )
    click.echo(f"The next one begins with --after {plan.manifest.cursor}.")


def _milliseconds(day: datetime | None) -> int | None:
    return int(day.replace(tzinfo=UTC).timestamp()) * 1000 if day else None


@bundle.command("import")
@click.argument("file", metavar="FILE", type=_FILE)
@trust_option
def import_bundle(file: Path, trust: Path) -> None:
    """Verify the bundle FILE, and store its releases. The registry may be new, and may be running.

    Nothing is visible before all of it is verified. To continue an interrupted import, run the
    command again.
    The exit code is 1 if a release, or the Sigstore bundle of one, was left out.

    \b
    Example:
      ballroom bundle import build.bundle --trust bundle-key.pub
    """
    with prepared_stores(Settings.load()):
        report = with_registry(lambda registry: _import_into(registry, file, trust))
    click.echo(_summary(report))
    if report.internal:
        click.echo(
            f"{named(sorted(report.internal), _MOST_LISTED)}: internal here, so every account of "
            "this registry can see and pull them, and nobody else."
        )
    for coordinate, reason in report.withdrawn.items():
        click.echo(f"  {coordinate}: quarantined here, because it was withdrawn ({reason})")
    for coordinate, reason in report.refused.items():
        click.echo(f"  {coordinate}: {reason}")
    for coordinate, reason in report.unverified.items():
        click.echo(f"  {coordinate}: imported without its Sigstore bundle. {reason}")
    if report.refused or report.unverified:
        raise click.exceptions.Exit(1)


async def _import_into(registry: Registry, file: Path, trust: Path) -> ImportReport:
    files = bundle_files()
    keys = files.KeysOfFile.read(trust)
    with closing(files.BundleFileSource(file)) as source:
        return await registry.bundles.importing.run(source, keys, progress=_print_step)


def _print_step(step: ImportStep, coordinate: Coordinate) -> None:
    click.echo(f"{step.value}  {coordinate}", err=True)


def _summary(report: ImportReport) -> str:
    counts = report.counts
    withdrawn = counts[ImportStep.WITHDRAWN]
    return (
        f"{counts[ImportStep.IMPORTED]:,} imported, {counts[ImportStep.STORED]:,} were stored, "
        f"{f'{withdrawn:,} withdrawn, ' if withdrawn else ''}"
        f"{counts[ImportStep.REFUSED]:,} left out. The bundle is of {report.manifest.registry}, "
        f"up to its event {report.manifest.cursor}."
    )


@bundle.command("show")
@click.argument("file", metavar="FILE", type=_FILE)
@trust_option
@click.option(
    "--catalogue",
    "lists_catalogue",
    is_flag=True,
    help="List all packages of the registry that made it.",
)
@as_json
def show_bundle(file: Path, trust: Path, output: OutputFormat, *, lists_catalogue: bool) -> None:
    """Verify the bundle FILE, and say what it has.

    \b
    Examples:
      ballroom bundle show build.bundle --trust bundle-key.pub
      ballroom bundle show build.bundle --trust bundle-key.pub --catalogue
    """
    files = bundle_files()
    keys = files.KeysOfFile.read(trust)
    with closing(files.BundleFileSource(file)) as source:
        contents = asyncio.run(open_bundle(source, keys)).contents
    if lists_catalogue:
        print_rows(
            [each.model_dump(exclude={"schema_version"}) for each in contents.catalogue], output
        )
        return
    facts = {
        "registry": contents.manifest.registry,
        "releases": len(contents.releases),
        "private": sum(each.visibility is not Visibility.PUBLIC for each in contents.releases),
        "bytes": sum(each.size_bytes for each in contents.releases),
        "withdrawn": len(contents.withdrawals),
        "documents": len(contents.documents),
        "after": contents.manifest.after,
        "cursor": contents.manifest.cursor,
        "catalogue": len(contents.catalogue),
    }
    print_facts(facts, output)
