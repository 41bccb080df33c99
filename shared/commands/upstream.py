"""upstream …: the registries that are mirrored, their rules, what is stored, what is refused."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from shared.commands.base import (
    OutputFormat,
    TableRow,
    as_json,
    format_time,
    print_facts,
    print_rows,
    with_registry,
)
from shared.composition import Registry
from shared.domain.errors.base import InvalidName, InvalidVersion
from shared.domain.identity import OPERATOR
from shared.domain.mirror_rules import HERE, MirrorDraft, MirrorRules
from shared.domain.mirroring import CataloguedPackage, UpstreamRelease
from shared.domain.names import Coordinate, OrgName, parse_org
from shared.domain.wanted_releases import parse_coordinate, read_list, read_lock
from shared.services.mirroring.mirror_rules import RuleDryRun
from shared.services.mirroring.name_moves import NameMove
from shared.services.mirroring.overview import MirroredPackage, UpstreamStatus, problems_of
from shared.services.mirroring.prefetch import Outcome, Prefetched, PrefetchScope
from shared.services.records import iterate_pages

ROWS_AT_ONCE = 100  # Read for a list.


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
    """Show and change the upstream registries, their rules, and what is mirrored."""


@upstream.command("check")
@as_json
def check_upstreams(output: OutputFormat) -> None:
    """Ask each upstream, and count what is stored and refused of it.

    The exit code is 1 if one does not answer, or does not accept its token.
    """

    async def work(registry: Registry) -> list[tuple[UpstreamStatus, str, str | None]]:
        overview = registry.require_mirroring().overview
        await overview.count()
        status = await overview.status(by=OPERATOR)
        return [(each, *await problems_of(each.source)) for each in status.upstreams]

    found = with_registry(work)
    rows = [
        {
            "upstream": each.source.name,
            "address": each.source.address,
            "answers": not problem,
            "problem": problem or None,
            "token": None if token_problem is None else token_problem or "accepted",
            "packages": each.totals.packages,
            "releases": each.totals.releases,
            "dropped": each.totals.dropped,
            "removed_upstream": each.totals.removed_upstream,
            "bytes": each.totals.size_bytes,
            "pulls": each.totals.pulls,
            "hit_rate": None if each.totals.hit_rate is None else f"{each.totals.hit_rate:.0%}",
            "catalogue": each.totals.catalogued,
            "catalogue_read": format_time(each.catalogue.completed_ms),
            "catalogue_problem": each.catalogue.problem or None,
            "refused": each.totals.refused,
            "incidents": each.totals.incidents,
        }
        for each, problem, token_problem in found
    ]
    print_rows(rows, output)
    if any(problem or token_problem for _, problem, token_problem in found):
        raise click.exceptions.Exit(1)


@upstream.command("packages")
@as_json
def list_packages(output: OutputFormat) -> None:
    """List the packages of which releases are stored."""

    async def work(registry: Registry) -> list[MirroredPackage]:
        overview = registry.require_mirroring().overview
        pages = iterate_pages(lambda after: overview.packages(after, ROWS_AT_ONCE, by=OPERATOR))
        return [each async for each in pages]

    rows = [
        {
            "package": each.name,
            "upstream": each.upstream,
            "releases": each.releases,
            "dropped": each.dropped,
            "removed_upstream": each.removed_upstream,
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
        catalogue = registry.require_mirroring().catalogue
        if clear:
            await registry.require_mirroring().catalogue_updates.clear()
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
    """List the releases of the upstream that are refused, incidents with their digests first.

    An incident is a release whose archive the upstream changed after it was first seen here.
    """

    async def work(registry: Registry) -> list[UpstreamRelease]:
        overview = registry.require_mirroring().overview
        pages = iterate_pages(lambda after: overview.refusals(after, ROWS_AT_ONCE, by=OPERATOR))
        return [each async for each in pages]

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
        return await registry.require_mirroring().overview.retry(coordinate, by=OPERATOR)

    if with_registry(work):
        click.echo(f"{coordinate} is fetched again with the next pull.")
    else:
        click.echo(f"{coordinate} is not refused.")


@upstream.command("rules")
@as_json
def show_rules(output: OutputFormat) -> None:
    """Show the upstream registries in their order, the rules and the frozen time."""

    async def work(registry: Registry) -> MirrorRules:
        return await registry.require_mirroring().rules.current(by=OPERATOR)

    print_facts(_facts(with_registry(work)), output)


def _facts(rules: MirrorRules) -> TableRow:
    return {
        "upstreams": ", ".join(f"{each.name} ({each.url})" for each in rules.upstreams),
        "rules": "; ".join(map(str, rules.rules)) or None,
        "then": "; ".join(map(str, rules.default_rules)),
        "frozen": rules.frozen_text or None,
        "changed": format_time(rules.changed_ms),
    }


@upstream.command("set")
@click.option("--upstream", "upstreams", multiple=True, help="central or an address; repeatable.")
@click.option("--rule", "rules", multiple=True, help="Such as 'acme/* deny'; repeatable.")
@click.option("--frozen", default="", metavar="TIME", help="Serve nothing published later.")
@click.option("--dry-run", is_flag=True, help="Change nothing; list the pulls that are affected.")
@as_json
def set_rules(
    upstreams: tuple[str, ...],
    rules: tuple[str, ...],
    frozen: str,
    dry_run: bool,
    output: OutputFormat,
) -> None:
    """Replace the upstream registries, the rules and the frozen time; what is not given is removed,
    except the registries.

    The first rule that matches a package decides. Its target is allow, deny or the name of a
    registry.

    \b
    Example:
      python -m shared.cli upstream set --rule 'acme* deny' --rule '* central' --dry-run
    """

    async def work(registry: Registry) -> RuleDryRun | MirrorRules:
        changes = registry.require_mirroring().rules
        stored = await changes.current(by=OPERATOR)
        given = upstreams or tuple(each.given for each in stored.upstreams)
        draft = MirrorDraft.parse(given, rules, frozen)
        if dry_run:
            return await changes.dry_run(draft, by=OPERATOR)
        return await changes.replace(draft, by=OPERATOR)

    found = with_registry(work)
    if isinstance(found, MirrorRules):
        print_facts(_facts(found), output)
        return
    for conflict in found.conflicts:
        owner = conflict.owner or "this registry"
        click.echo(f"{conflict.rule} has no effect: the name belongs to {owner}.", err=True)
    print_rows([asdict(each) for each in found.effects], output)


@upstream.command("move")
@click.argument("name", metavar="ORG", type=parse_org)
@click.argument("target", metavar="here|UPSTREAM")
@click.option("--yes", is_flag=True, help="Move it; without this, say what a move would do.")
@as_json
def move_name(name: OrgName, target: str, yes: bool, output: OutputFormat) -> None:
    """Move the name of an organization to this registry (here) or to an upstream.

    The releases of the side before are withheld. The command may be repeated.

    \b
    Example:
      python -m shared.cli upstream move acme here --yes
    """

    async def work(registry: Registry) -> NameMove:
        moves = registry.require_mirroring().moves
        return await (moves.move if yes else moves.dry_run)(name, target, by=OPERATOR)

    moved = with_registry(work)
    facts = {
        "org": moved.org,
        "before": "nobody" if moved.before is None else moved.before or HERE,
        "after": moved.after or HERE,
        "packages": moved.packages,
        "withheld": moved.withheld,
        "restored": moved.restored,
        "moved": yes,
    }
    print_facts(facts, output)


@upstream.command("prefetch")
@click.argument("coordinates", metavar="ORG/NAME:VERSION", nargs=-1, type=coordinate_argument)
@click.option("--list", "lists", metavar="FILE", multiple=True, type=READABLE_FILE,
              help="Fetch the releases of a file, one org/name:version on each line.")  # fmt: skip
@click.option("--lock", "locks", metavar="FILE", multiple=True, type=READABLE_FILE,
              help="Fetch everything that a Dependencies.toml locks.")  # fmt: skip
@click.option("--with-dependencies", "scope", flag_value=PrefetchScope.WITH_DEPENDENCIES,
              type=click.UNPROCESSED, default=PrefetchScope.ALONE,
              help="Fetch all dependencies of each release as well.")  # fmt: skip
def prefetch_releases(
    coordinates: tuple[Coordinate, ...],
    lists: tuple[Path, ...],
    locks: tuple[Path, ...],
    scope: PrefetchScope,
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
        return await registry.require_mirroring().prefetch.run(
            wanted, scope, progress=_print_prefetched
        )

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
