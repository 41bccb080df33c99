"""upstream …: the registries that are mirrored, their rules, what is stored, what is refused."""

import click

from functions.api.mirror import (
    api_mirror_admit,
    api_mirror_dry_run,
    api_mirror_refusals,
    api_mirror_replace,
    api_mirror_retry,
    api_mirror_show,
)
from shared.commands.base import OutputFormat, Rows, TableRow, in_registry
from shared.commands.operations import add_operation, call_operation, print_answer
from shared.composition import Registry
from shared.domain.mirror_rules import HERE
from shared.domain.names import OrgName, parse_org
from shared.domain.principals import OPERATOR


@click.group()
def upstream() -> None:
    """Show and change the upstream registries, their rules, and what is mirrored."""


@upstream.command("catalogue")
@click.option(
    "--clear", is_flag=True, help="Remove the catalogue, before the upstream is given up."
)
@in_registry
async def list_catalogue(registry: Registry, *, clear: bool) -> Rows:
    """List the packages that the upstream has, with the newest version of each.

    Search, suggestions and pages know them before anybody has pulled them.
    """
    catalogue = registry.require_mirroring().catalogue
    if clear:
        await catalogue.clear()
    return [
        {
            "package": str(each.package),
            "version": each.release.version,
            "tool": " ".join(each.release.tools) or None,
            "deprecated": each.release.deprecation is not None,
            "summary": each.release.summary,
        }
        for each in await catalogue.packages()
    ]


add_operation(
    upstream,
    "refusals",
    api_mirror_refusals,
    "",
    text="""List the releases of the upstream that are refused, incidents with their digests first.

    An incident is a release whose archive the upstream changed after it was first seen here.
    """,
)
add_operation(
    upstream,
    "retry",
    api_mirror_retry,
    "RELEASE",
    text="""Fetch a refused release again when somebody pulls it; its pinned digest stays.

    \b
    Example:
      ballroom upstream retry ballerina/io:1.6.1
    """,
)
add_operation(
    upstream,
    "rules",
    api_mirror_show,
    "",
    text="Show the upstream registries in their order, the rules and the minimum ages.",
)
add_operation(
    upstream,
    "admit",
    api_mirror_admit,
    "RELEASE",
    text="""Serve a release before it has its minimum age, such as an urgent fix.

    \b
    Example:
      ballroom upstream admit ballerina/io:1.6.1 --reason 'Fixes a leak of tokens.'
    """,
    done="{release} is served at any age.",
)


@upstream.command("set")
@click.option("--upstream", "upstreams", multiple=True, help="central or an address; repeatable.")
@click.option("--rule", "rules", multiple=True, help="Such as 'acme/* deny'; repeatable.")
@click.option("--minimum-age", "ages", multiple=True, metavar="[PATTERN] DAYS|TIME [UPSTREAM]",
              help="Serve no younger or later release: '7', 'acme/* 14'; repeatable.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Change nothing; list the pulls that are affected.")
@in_registry
async def set_rules(
    registry: Registry,
    *,
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
      ballroom upstream set --rule 'acme* deny' --rule '* central' --dry-run
      ballroom upstream set --minimum-age 'ballerina* 0' --minimum-age '7 central'
    """
    stored = await registry.require_mirroring().rules.current(by=OPERATOR)
    sent = {
        "upstreams": upstreams or [each.given for each in stored.upstreams],
        "rules": rules,
        "minimumAges": ages,
    }
    answer = await call_operation(
        registry, api_mirror_dry_run if dry_run else api_mirror_replace, {}, sent
    )
    if dry_run:
        answer = {"effects": answer["effects"]}
    print_answer(answer, output)


@upstream.command("move")
@click.argument("name", metavar="ORG", type=parse_org)
@click.argument("target", metavar="here|UPSTREAM")
@click.option("--yes", is_flag=True, help="Move it; without this, say what a move would do.")
@in_registry
async def move_name(registry: Registry, *, name: OrgName, target: str, yes: bool) -> TableRow:
    """Move the name of an organization to this registry (here) or to an upstream.

    The releases of the side before are withheld. The command may be repeated.

    \b
    Example:
      ballroom upstream move acme here --yes
    """
    moves = registry.require_mirroring().moves
    moved = await (moves.move if yes else moves.dry_run)(name, target)
    return {
        "org": moved.org,
        "before": "nobody" if moved.before is None else moved.before or HERE,
        "after": moved.after or HERE,
        "packages": moved.packages,
        "withheld": moved.withheld,
        "restored": moved.restored,
        "moved": yes,
    }
