"""upstream …: the registry that is mirrored, what is stored of it, and what is refused."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from shared.commands.base import (
    OutputFormat,
    as_json,
    format_time,
    print_facts,
    print_rows,
    with_registry,
)
from shared.composition import Registry
from shared.domain.errors.base import InvalidName, InvalidVersion
from shared.domain.identity import OPERATOR
from shared.domain.mirroring import UpstreamRelease
from shared.domain.names import Coordinate
from shared.domain.wanted_releases import parse_coordinate, read_list, read_lock
from shared.services.mirroring.group import MirroringServices
from shared.services.mirroring.overview import MirroredPackage, UpstreamCheck
from shared.services.mirroring.prefetch import Outcome, Prefetched, Scope


def coordinate_argument(text: str) -> Coordinate:
    """Return a release, or raise `click.BadParameter`."""
    try:
        return parse_coordinate(text)
    except (InvalidName, InvalidVersion) as problem:
        raise click.BadParameter(str(problem)) from None


READABLE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def wanted_releases(
    coordinates: Sequence[Coordinate], lists: Sequence[Path], locks: Sequence[Path]
) -> list[Coordinate]:
    """Return the releases that the arguments and files of a command name, each once."""
    found = list(coordinates)
    for file in lists:
        found += read_list(file.read_text("utf-8"))
    for file in locks:
        found += read_lock(file.read_bytes())
    return list(dict.fromkeys(found))


@click.group()
def upstream() -> None:
    """Look at the upstream registry, what is mirrored, and what is refused."""


@upstream.command("check")
@as_json
def check_upstream(output: OutputFormat) -> None:
    """Ask the upstream, and say how many packages and releases of it are stored.

    The exit code is 1 if it does not answer.
    """

    async def work(registry: Registry) -> UpstreamCheck:
        return await _mirroring(registry).overview.check()

    found = with_registry(work)
    facts = {
        "upstream": found.name,
        "address": found.address,
        "answers": not found.problem,
        "problem": found.problem or None,
        "packages": found.packages,
        "releases": found.releases,
        "dropped": found.dropped,
        "bytes": found.size_bytes,
        "refused": found.refused,
        "incidents": found.incidents,
    }
    print_facts(facts, output)
    if found.problem:
        raise click.exceptions.Exit(1)


@upstream.command("packages")
@as_json
def list_packages(output: OutputFormat) -> None:
    """List the packages of which releases are stored."""

    async def work(registry: Registry) -> list[MirroredPackage]:
        return await _mirroring(registry).overview.packages()

    rows = [
        {
            "package": each.name,
            "upstream": each.upstream,
            "releases": each.releases,
            "dropped": each.dropped,
            "bytes": each.size_bytes,
            "pulls": each.pulls,
        }
        for each in with_registry(work)
    ]
    print_rows(rows, output)


@upstream.command("refusals")
@as_json
def list_refusals(output: OutputFormat) -> None:
    """List the releases of the upstream that are refused, and the digests of incidents.

    An incident is a release whose archive the upstream changed after it was first seen here.
    """

    async def work(registry: Registry) -> list[UpstreamRelease]:
        return await _mirroring(registry).overview.refusals()

    rows = [
        {
            "release": str(each.coordinate),
            "incident": each.is_incident,
            "since": format_time(each.refused_ms),
            "pinned": each.digest,
            "offered": each.offered_digest or None,
            "reason": each.refused_because,
        }
        for each in with_registry(work)
    ]
    print_rows(rows, output)


@upstream.command("retry")
@click.argument("coordinate", metavar="ORG/NAME:VERSION", type=coordinate_argument)
def retry_release(coordinate: Coordinate) -> None:
    """Fetch a refused release again when somebody pulls it; its pinned digest stays.

    \b
    Example:
      python -m shared.cli upstream retry ballerina/io:1.6.1
    """

    async def work(registry: Registry) -> bool:
        return await _mirroring(registry).pins.accept(coordinate, by=OPERATOR)

    if with_registry(work):
        click.echo(f"{coordinate} is fetched again with the next pull.")
    else:
        click.echo(f"{coordinate} is not refused.")


@upstream.command("prefetch")
@click.argument("coordinates", metavar="ORG/NAME:VERSION", nargs=-1, type=coordinate_argument)
@click.option("--list", "lists", metavar="FILE", multiple=True, type=READABLE_FILE,
              help="Fetch the releases of a file, one org/name:version on each line.")  # fmt: skip
@click.option("--lock", "locks", metavar="FILE", multiple=True, type=READABLE_FILE,
              help="Fetch everything that a Dependencies.toml locks.")  # fmt: skip
@click.option("--with-dependencies", "scope", flag_value=Scope.WITH_DEPENDENCIES,
              type=click.UNPROCESSED, default=Scope.ALONE,
              help="Fetch all dependencies of each release as well.")  # fmt: skip
def prefetch_releases(
    coordinates: tuple[Coordinate, ...],
    lists: tuple[Path, ...],
    locks: tuple[Path, ...],
    scope: Scope,
) -> None:
    """Fetch releases of the upstream before anybody pulls them, one after the other.

    What is stored is not fetched again, so an interrupted prefetch is repeated to go on. The
    archives are never dropped. The exit code is 1 if a release is not there at the end.

    \b
    Examples:
      python -m shared.cli upstream prefetch --lock ~/shop/Dependencies.toml
      python -m shared.cli upstream prefetch --with-dependencies ballerinax/kafka:4.1.0
    """
    wanted = wanted_releases(coordinates, lists, locks)
    if not wanted:
        message = "Name releases, or a file with --list or --lock."
        raise click.UsageError(message)

    async def work(registry: Registry) -> list[Prefetched]:
        return await _mirroring(registry).prefetch.run(wanted, scope, progress=_print_prefetched)

    done = with_registry(work)
    failed = [each for each in done if not each.outcome.is_there]
    counted = Counter(each.outcome for each in done)
    there = f"{counted[Outcome.FETCHED]} fetched, {counted[Outcome.STORED]} were stored"
    click.echo(f"{len(done)} wanted: {there}, {len(failed)} failed.")
    for each in failed:
        click.echo(f"  {each.coordinate}: {each.outcome.value}. {each.reason}")
    if failed:
        click.echo("Repeat the command to fetch what failed; the rest is stored.")
        raise click.exceptions.Exit(1)


def _print_prefetched(each: Prefetched) -> None:
    size = f"  {each.size_bytes:,} bytes" if each.outcome.is_there else ""
    click.echo(
        f"{each.number}/{each.total}  {each.outcome.value}  {each.coordinate}{size}", err=True
    )


def _mirroring(registry: Registry) -> MirroringServices:
    if registry.mirroring is None:
        message = "No registry is mirrored: BALLROOM_UPSTREAM is empty."
        raise click.ClickException(message)
    return registry.mirroring
