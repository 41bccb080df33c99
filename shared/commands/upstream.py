"""upstream …: the registry that is mirrored, what is stored of it, and what is refused."""

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
from shared.domain.mirroring import CataloguedPackage, UpstreamRelease
from shared.domain.names import Coordinate
from shared.services.mirroring.group import MirroringServices
from shared.services.mirroring.overview import MirroredPackage, UpstreamCheck


def parse_coordinate(text: str) -> Coordinate:
    """Return a release, or raise `click.BadParameter`."""
    package, _, version = text.partition(":")
    org, _, name = package.partition("/")
    try:
        return Coordinate.parse(org, name, version)
    except (InvalidName, InvalidVersion) as problem:
        raise click.BadParameter(str(problem)) from None


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
        "bytes": found.size_bytes,
        "pulls": found.pulls,
        "hit_rate": None if found.hit_rate is None else f"{found.hit_rate:.0%}",
        "catalogue": found.catalogued,
        "catalogue_read": format_time(found.catalogue.completed_ms),
        "catalogue_problem": found.catalogue.problem or None,
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
            "bytes": each.size_bytes,
            "pulls": each.pulls,
        }
        for each in with_registry(work)
    ]
    print_rows(rows, output)


@upstream.command("catalogue")
@click.option(
    "--clear", is_flag=True, help="Remove the catalogue, before the upstream is given up."
)
@as_json
def list_catalogue(output: OutputFormat, *, clear: bool) -> None:
    """List the packages that the upstream has, with the newest version of each.

    Search, suggestions and pages know them before anybody has pulled them.
    """

    async def work(registry: Registry) -> list[CataloguedPackage]:
        catalogue = _mirroring(registry).catalogue
        if clear:
            await _mirroring(registry).catalogue_updates.clear()
        return await catalogue.packages()

    rows = [
        {
            "package": str(each.package),
            "version": each.release.version,
            "tool": " ".join(each.release.tools) or None,
            "deprecated": each.release.deprecation is not None,
            "summary": each.release.summary,
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
@click.argument("coordinate", metavar="ORG/NAME:VERSION", type=parse_coordinate)
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


def _mirroring(registry: Registry) -> MirroringServices:
    if registry.mirroring is None:
        message = "No registry is mirrored: BALLROOM_UPSTREAM is empty."
        raise click.ClickException(message)
    return registry.mirroring
