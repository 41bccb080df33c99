"""upstream …: the registries that are mirrored, their rules, what is stored, what is refused."""

from collections.abc import Sequence
from typing import BinaryIO

import click
from pydantic import BaseModel, Field, ValidationError

from functions.api.mirror import (
    ChangedMirrorView,
    RuleDryRunView,
    api_mirror_admit,
    api_mirror_gone,
    api_mirror_keep,
    api_mirror_refusals,
    api_mirror_retry,
    api_mirror_show,
    api_mirror_withhold,
)
from shared.commands.base import OutputFormat, Rows, TableRow, in_registry
from shared.commands.operations import add_operation, print_answer
from shared.domain.mirror_rules import CENTRAL_NAME, HERE, RuleEdits, RuleLists
from shared.domain.names import OrgName, parse_org
from shared.domain.principals import OPERATOR
from shared.registry import Registry


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
    "gone",
    api_mirror_gone,
    "",
    text="""List stored releases that their upstream removed and that are still served, with the
    reason where the upstream gives one.
    """,
)
add_operation(
    upstream,
    "keep",
    api_mirror_keep,
    "RELEASE",
    text="""Keep serving a release that its upstream removed.

    \b
    Example:
      ballroom upstream keep ballerina/io:1.6.1
    """,
    done="{release} is served, and not listed any more.",
)
add_operation(
    upstream,
    "withhold",
    api_mirror_withhold,
    "RELEASE",
    text="""Quarantine a release that its upstream removed.

    \b
    Example:
      ballroom upstream withhold ballerina/io:1.6.1
    """,
    done="{release} is quarantined.",
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
@click.option(
    "--minimum-age",
    "ages",
    multiple=True,
    metavar="[PATTERN] DAYS|TIME [UPSTREAM]",
    help="Serve no younger or later release: '7', 'acme/* 14'; repeatable.",
)
@click.option(
    "--remove",
    "removed",
    multiple=True,
    metavar="LINE",
    help="An upstream, rule or minimum age as it is listed; repeatable.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Remove all rules and minimum ages that are not "
    "given and, if an upstream is given, all other ones.",
)
@click.option(
    "--file", type=click.File("rb"), help="Replace all by what `upstream rules --json` prints."
)
@click.option("--dry-run", is_flag=True, help="Change nothing; list the pulls that are affected.")
@in_registry
async def set_rules(
    registry: Registry,
    *,
    upstreams: tuple[str, ...],
    rules: tuple[str, ...],
    ages: tuple[str, ...],
    removed: tuple[str, ...],
    replace: bool,
    file: BinaryIO | None,
    dry_run: bool,
    output: OutputFormat,
) -> None:
    """Change the upstream registries, rules and minimum ages that are given; all others stay.

    A rule takes the place of the one for the same pattern. The first rule that matches a package
    decides; a new one comes before the first for a wider pattern. Its target is allow, deny or the
    name of a registry. The first minimum age decides as well; 0 days is an exception.

    \b
    Examples:
      ballroom upstream set --rule 'acme* deny' --rule '* central' --dry-run
      ballroom upstream set --minimum-age 'ballerina* 0' --minimum-age '7 central'
      ballroom upstream set --remove 'acme* deny'
      ballroom upstream set --replace --rule 'ballerina* allow' --rule '* deny'
    """
    change = _change_of(RuleEdits(upstreams, rules, ages, removed), file, replace=replace)
    changes = registry.require_mirroring().rules
    if dry_run:
        found = RuleDryRunView.model_validate(await changes.preview(change.applied_to, by=OPERATOR))
        _say_removed("Would be removed", found.removed)
        answer = found.model_dump(mode="json", by_alias=True)
        shown = answer if output is OutputFormat.JSON else {"effects": answer["effects"]}
        print_answer(shown, output)
        return
    changed = ChangedMirrorView.of(await changes.change(change.applied_to, by=OPERATOR))
    _say_removed("Removed", changed.removed)
    answer = changed.model_dump(mode="json", by_alias=True)
    if output is not OutputFormat.JSON:
        del answer["removed"]  # It was printed above.
    print_answer(answer, output)


def _change_of(edits: RuleEdits, file: BinaryIO | None, *, replace: bool) -> RuleLists | RuleEdits:
    """Return the change that the options ask for; raise `UsageError` for none or contradicting
    ones."""
    is_edited = edits != RuleEdits()
    if not (is_edited or replace or file):
        message = "Say what to change: --upstream, --rule, --minimum-age, --remove or --file."
        raise click.UsageError(message)
    if file:
        if is_edited or replace:
            message = "A file replaces everything. Give it without other changes."
            raise click.UsageError(message)
        return _lists_of(file)
    if not replace:
        return edits
    if edits.removed:
        message = "--replace removes what is not given. Leave --remove out."
        raise click.UsageError(message)
    return RuleLists(edits.upstreams or None, edits.rules, edits.ages)


def _say_removed(what: str, removed: Sequence[str]) -> None:
    for each in removed:
        click.echo(f"{what}: {each}", err=True)


class _FileUpstream(BaseModel):
    """An upstream registry, as `upstream rules --json` prints it."""

    name: str
    address: str


class _RulesFile(BaseModel):
    """All upstreams and rules, as `upstream rules --json` prints them, or as the API takes them."""

    upstreams: list[_FileUpstream | str] = Field(min_length=1)
    rules: list[str]
    minimum_ages: list[str] = Field(alias="minimumAges")


def _lists_of(file: BinaryIO) -> RuleLists:
    try:
        read = _RulesFile.model_validate_json(file.read())
    except ValidationError:
        message = (
            f"{file.name} is no file of rules. It needs the lists upstreams, rules and "
            "minimumAges, as `upstream rules --json` prints them."
        )
        raise click.ClickException(message) from None
    return RuleLists(list(map(_named_upstream, read.upstreams)), read.rules, read.minimum_ages)


def _named_upstream(upstream: _FileUpstream | str) -> str:
    if isinstance(upstream, str):
        return upstream
    return CENTRAL_NAME if upstream.name == CENTRAL_NAME else upstream.address


@upstream.command("move")
@click.argument("name", metavar="ORG", type=parse_org)
@click.argument("target", metavar="here|UPSTREAM")
@click.option("--yes", is_flag=True, help="Move it; without this, say what a move would do.")
@click.option("--reason", default="", metavar="TEXT", help="Why; owners of the name read it.")
@in_registry
async def move_name(
    registry: Registry, *, name: OrgName, target: str, yes: bool, reason: str
) -> TableRow:
    """Move the name of an organization to this registry (here) or to an upstream.

    The releases of the side before are withheld. The command may be repeated.

    \b
    Example:
      ballroom upstream move acme here --yes --reason "It publishes here from now on."
    """
    moves = registry.require_mirroring().moves
    moved = await (moves.move(name, target, reason) if yes else moves.dry_run(name, target))
    if yes:
        sentence = f"the name {moved.org} moved to {moved.after or HERE}"
        await registry.administration.second_administrator.send_command_mail(sentence, reason)
    return {
        "org": moved.org,
        "before": "nobody" if moved.before is None else moved.before or HERE,
        "after": moved.after or HERE,
        "packages": moved.packages,
        "withheld": moved.withheld,
        "restored": moved.restored,
        "moved": yes,
    }
