"""rules … and org rules …: rules about what is published."""

from collections.abc import Callable
from typing import Any

import click

from functions.api.rules import (
    api_org_quota_change,
    api_org_retention_dry_run,
    api_org_rules_change,
    api_org_rules_dry_run,
    api_org_rules_show,
    api_rules_change,
    api_rules_dry_run,
    api_rules_show,
)
from functions.api.staged_releases import api_staged_releases_list
from shared.commands.base import OutputFormat, in_registry
from shared.commands.operations import (
    add_operation,
    body_of,
    call_operation,
    options_of,
    print_answer,
)
from shared.commands.organizations import name_argument, organizations
from shared.domain.names import OrgName
from shared.domain.sentences import counted
from shared.registry import Registry
from shared.use_cases.inputs import Inputs
from shared.use_cases.rules import OrganizationRulesChange, RegistryRulesChange

dry_run_option = click.option(
    "--dry-run",
    "is_dry_run",
    is_flag=True,
    help="Change nothing: list what the rules would have said of the releases of the last 30 days.",
)


add_operation(
    organizations,
    "staged",
    api_staged_releases_list,
    "ORG",
    text="List the releases of ORG that wait for a review; only people approve one.",
)


@organizations.command("rules")
@name_argument
@options_of(OrganizationRulesChange)
@dry_run_option
@in_registry
async def organization_rules(
    registry: Registry, name: OrgName, *, is_dry_run: bool, output: OutputFormat, **wanted: Any
) -> None:
    """Show the rules of the organization NAME about what is published, or change some.

    \b
    Examples:
      ballroom org rules acme
      ballroom org rules acme --staged --approvals 2
      ballroom org rules acme --version-rule refuse --dry-run
    """
    handlers = (api_org_rules_show, api_org_rules_change, api_org_rules_dry_run)
    handler, body = _chosen(handlers, OrganizationRulesChange, wanted, is_dry_run=is_dry_run)
    _print(await call_operation(registry, handler, {"org": name}, body), output)


@click.command("rules")
@options_of(RegistryRulesChange)
@dry_run_option
@in_registry
async def rules(
    registry: Registry, *, is_dry_run: bool, output: OutputFormat, **wanted: Any
) -> None:
    """Show the rules of the registry about what is published, or change some; no organization
    loosens them.

    \b
    Examples:
      ballroom rules
      ballroom rules --version-rule hold --dry-run
    """
    handlers = (api_rules_show, api_rules_change, api_rules_dry_run)
    handler, body = _chosen(handlers, RegistryRulesChange, wanted, is_dry_run=is_dry_run)
    _print(await call_operation(registry, handler, {}, body), output)


add_operation(
    organizations,
    "quota",
    api_org_quota_change,
    "ORG",
    text="""Change how many bytes and releases the organization ORG may have; 0 means no limit.

    \b
    Examples:
      ballroom org quota acme --max-releases 2000
      ballroom org quota acme --max-bytes 5000000000
    """,
)
add_operation(
    organizations,
    "retention",
    api_org_retention_dry_run,
    "ORG",
    text="""List the pre-releases of private packages that the next run removes.

    \b
    Examples:
      ballroom org retention acme
      ballroom org retention acme --retention 'last 5'
    """,
)

Handler = Callable[..., object]


def _chosen(
    handlers: tuple[Handler, Handler, Handler],
    model: type[Inputs],
    wanted: dict[str, Any],
    *,
    is_dry_run: bool,
) -> tuple[Handler, dict[str, Any]]:
    """Return the handler of those that show, change and try rules, and the body for it."""
    show, change, dry_run = handlers
    body = body_of(model, wanted)
    if is_dry_run:
        return dry_run, body
    return (change, body) if body else (show, body)


def _print(answer: dict[str, Any], output: OutputFormat) -> None:
    """Print rules, or a line for each finding of a dry run."""
    if "releases" not in answer or output is OutputFormat.JSON:
        print_answer(answer, output)
        return
    for each in answer["releases"]:
        for finding in each["findings"]:
            click.echo(f"{each['release']}  {finding['effect']}  {finding['message']}")
    read = counted(answer["releasesRead"], "release")
    click.echo(f"{len(answer['releases'])} of {read} of the last 30 days. Nothing was changed.")
