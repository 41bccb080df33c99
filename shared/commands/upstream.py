"""upstream …: the registries that are mirrored, their rules, what is stored, what is refused."""

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
from shared.domain.mirroring import CataloguedPackage, CatalogueRound, UpstreamRelease
from shared.domain.names import Coordinate, OrgName, parse_org
from shared.domain.wanted_releases import parse_coordinate, read_list, read_lock
from shared.services.mirroring.mirror_rules import NameMove, RuleDryRun
from shared.services.mirroring.upstreams import UpstreamSource


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
    """Ask each upstream.

    The exit code is 1 if one does not answer, or does not accept its token.
    """

    async def work(registry: Registry) -> list[dict[str, object]]:
        return [await _checked(*each) for each in await registry.require_mirroring().states()]

    rows = with_registry(work)
    print_rows(rows, output)
    if any(each["problem"] or each["token"] not in (None, ACCEPTED) for each in rows):
        raise click.exceptions.Exit(1)


ACCEPTED = "accepted"


async def _checked(source: UpstreamSource, catalogue: CatalogueRound) -> dict[str, object]:
    known = source.with_token
    problem = await source.problem()
    return {
        "upstream": source.name,
        "address": source.address,
        "answers": not problem,
        "problem": problem or None,
        "token": (await known.problem() or ACCEPTED) if known else None,
        "catalogue_read": format_time(catalogue.completed_ms),
        "catalogue_problem": catalogue.problem or None,
    }


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
        return await registry.require_mirroring().reader.pins.list_refused(by=OPERATOR)

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
        return await registry.require_mirroring().reader.pins.accept(coordinate, by=OPERATOR)

    if with_registry(work):
        click.echo(f"{coordinate} is fetched again with the next pull.")
    else:
        click.echo(f"{coordinate} is not refused.")


@upstream.command("rules")
@as_json
def show_rules(output: OutputFormat) -> None:
    """Show the upstream registries in their order, the rules and the minimum ages."""

    async def work(registry: Registry) -> MirrorRules:
        return await registry.require_mirroring().rules.current(by=OPERATOR)

    print_facts(_facts(with_registry(work)), output)


def _facts(rules: MirrorRules) -> TableRow:
    return {
        "upstreams": ", ".join(f"{each.name} ({each.url})" for each in rules.upstreams),
        "rules": "; ".join(map(str, rules.rules)) or None,
        "then": "; ".join(map(str, rules.default_rules)),
        "minimum_ages": "; ".join(map(str, rules.ages)) or None,
        "default_minimum_age": rules.default_days,
        "changed": format_time(rules.changed_ms),
    }


@upstream.command("set")
@click.option("--upstream", "upstreams", multiple=True, help="central or an address; repeatable.")
@click.option("--rule", "rules", multiple=True, help="Such as 'acme/* deny'; repeatable.")
@click.option("--minimum-age", "ages", multiple=True, metavar="[PATTERN] DAYS|TIME [UPSTREAM]",
              help="Serve no younger or later release: '7', 'acme/* 14'; repeatable.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Change nothing; list the pulls that are affected.")
@as_json
def set_rules(
    upstreams: tuple[str, ...],
    rules: tuple[str, ...],
    ages: tuple[str, ...],
    dry_run: bool,
    output: OutputFormat,
) -> None:
    """Replace the upstream registries, the rules and the minimum ages; what is not given is
    removed, except the registries.

    The first rule that matches a package decides. Its target is allow, deny or the name of a
    registry. So does the first minimum age; 0 days is an exception.

    \b
    Examples:
      python -m shared.cli upstream set --rule 'acme* deny' --rule '* central' --dry-run
      python -m shared.cli upstream set --minimum-age 'ballerina* 0' --minimum-age '7 central'
    """

    async def work(registry: Registry) -> RuleDryRun | MirrorRules:
        changes = registry.require_mirroring().rules
        stored = await changes.current(by=OPERATOR)
        given = upstreams or tuple(each.given for each in stored.upstreams)
        draft = MirrorDraft.parse(given, rules, ages)
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


@upstream.command("admit")
@click.argument("coordinate", metavar="ORG/NAME:VERSION", type=coordinate_argument)
@click.option("--reason", required=True, help="Why, for the audit log.")
def admit_release(coordinate: Coordinate, reason: str) -> None:
    """Serve a release before it has its minimum age, such as an urgent fix.

    \b
    Example:
      python -m shared.cli upstream admit ballerina/io:1.6.1 --reason 'Fixes a leak of tokens.'
    """

    async def work(registry: Registry) -> None:
        await registry.require_mirroring().rules.admit(coordinate, reason, by=OPERATOR)

    with_registry(work)
    click.echo(f"{coordinate} is served at any age.")


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
        return await (moves.move if yes else moves.dry_run)(name, target)

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
