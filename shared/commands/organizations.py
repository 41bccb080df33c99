"""org …: organizations and their members."""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import click

from functions.api.members import api_members_list
from functions.api.organizations import (
    api_orgs_allow_bursts,
    api_orgs_continue,
    api_orgs_delete,
    api_orgs_freeze,
    api_orgs_keep,
    api_orgs_require_provenance,
    api_orgs_unfreeze,
)
from functions.api.ownership import (
    api_ownership_decide,
    api_ownership_list_all,
    api_ownership_ownerless,
)
from functions.api.pulls import csv_text, json_lines, views_of
from shared.commands.accounts import reason_option
from shared.commands.base import Rows, TableRow, format_time, in_registry, new_file
from shared.commands.operations import add_operation
from shared.domain.accounts import Account
from shared.domain.names import OrgName, parse_org
from shared.domain.principals import OPERATOR
from shared.domain.pull_records import MAX_PULLS_PAGE_SIZE, PullQuery, RecordedPull
from shared.domain.scopes import Role
from shared.domain.sentences import counted
from shared.registry import Registry
from shared.services.list_pages import iterate_pages
from shared.services.organizations.memberships import MadeItems
from shared.services.packages.pull_records import PullRecordPage
from shared.services.record_batches import ENTITIES_READ_AT_ONCE
from shared.use_cases import organizations as use_cases
from shared.use_cases.organizations import NewContinuation, NewOrganization

keep_option = click.option(
    "--keep",
    is_flag=True,
    help="Become the maker of what it made here as owner, so that this does not stop.",
)
name_argument = click.argument("name", metavar="NAME", type=parse_org)


@click.group("org")
def organizations() -> None:
    """Create, list and delete organizations, and change their members."""


add_operation(organizations, "members", api_members_list, "ORG")
click.confirmation_option(prompt="A day later anybody may create it again. Delete it?")(
    add_operation(
        organizations,
        "delete",
        api_orgs_delete,
        "ORG",
        text="""Delete the organization ORG at once, if it never published anything.

        \b
        Example:
          ballroom org delete acme --reason "Nobody uses it."
        """,
    )
)
add_operation(organizations, "keep", api_orgs_keep, "ORG")
add_operation(
    organizations,
    "allow-bursts",
    api_orgs_allow_bursts,
    "ORG",
)
add_operation(
    organizations,
    "freeze",
    api_orgs_freeze,
    "ORG",
    text="""Freeze the organization ORG: nobody publishes to it, or changes its members, tokens,
    trusted publishers, webhooks and packages. Its packages can still be read.

    \b
    Example:
      ballroom org freeze acme --reason "Its owner's account was stolen."
    """,
)
add_operation(
    organizations,
    "unfreeze",
    api_orgs_unfreeze,
    "ORG",
    text="Let the organization ORG be changed again; packages frozen by themselves stay frozen.",
)


@organizations.command("pulls")
@name_argument
@click.option("--package", default="", help="Only of this package.")
@click.option("--version", default="", help="Only of this version of the package.")
@click.option("--principal", default="", help="By an account, a token's id, a job, or ORG.")
@click.option("--since", default="", help="From this time on, such as 2026-11-20.")
@click.option("--until", default="", help="Before this time.")
@click.option("--count", default="", help="At most so many, 50 by default.")
@click.option(
    "--export",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all that match to a new file, whose name ends in .csv or .jsonl.",
)
@in_registry
async def organization_pulls(
    registry: Registry, name: OrgName, export: Path | None, **filters: str
) -> Rows | str:
    """Show who pulled packages of the organization NAME in the last 90 days, newest first.

    \b
    Example, after a bad release:
      ballroom org pulls acme --package greet --version 1.2.3
      ballroom org pulls acme --export pulls.csv
    """
    records = registry.packages.pull_records
    if export is not None:
        filters["count"] = filters["count"] or str(MAX_PULLS_PAGE_SIZE)
    query = PullQuery.parse(name, filters)
    if export is not None:
        written = await _export_pulls(records.all_of_organization(query, by=OPERATOR), export)
        return f"Wrote {counted(written, 'pull')} to {export}."
    found = list[TableRow]()
    async for page in records.all_of_organization(query, by=OPERATOR):  # Some may be empty.
        found += [_pull_row(pull, page.names) for pull in page.pulls]
        if len(found) >= query.count:
            break
    return found[: query.count]


def _pull_row(pull: RecordedPull, names: Mapping[str, str]) -> TableRow:
    return {
        "time": format_time(pull.at_ms),
        "release": f"{pull.org}/{pull.name}:{pull.version}",
        "who": names.get(pull.principal, pull.principal),
        "token": pull.credential,
        "job": pull.job,
        "network": pull.network,
    }


async def _export_pulls(pages: AsyncIterator[PullRecordPage], file: Path) -> int:
    """Write all pages to a file for its owner; return the number of pulls."""
    if file.suffix not in (".csv", ".jsonl"):
        message = f"The name of {file} does not say its form. Let it end in .csv or .jsonl."
        raise click.BadParameter(message)
    written = 0
    is_csv = file.suffix == ".csv"
    with new_file(file) as stream:
        is_first = True  # And may be empty, though others follow.
        async for page in pages:
            views = list(views_of(page))
            text = csv_text(views, header=is_first) if is_csv else json_lines(views)
            stream.write(text.encode())
            is_first = False
            written += len(views)
    return written


add_operation(organizations, "without-owner", api_ownership_ownerless, "")
add_operation(organizations, "ownership-requests", api_ownership_list_all, "")
add_operation(
    organizations,
    "decide-ownership",
    api_ownership_decide,
    "ORG ACCOUNT DECISION",
    text="""Make ACCOUNT, who asks for it, an owner of ORG, or refuse.

    \b
    DECISION is grant, which takes the seven days of notice, or refuse.
    Example:
      ballroom org decide-ownership acme lee grant --reason "Kim left."
    """,
    done="Decided about {account} and {org}: {decision}.",
)


add_operation(
    organizations,
    "continue-as",
    api_orgs_continue,
    "ORG CONTINUED_AS",
    text="""Say that the organization CONTINUED_AS continues ORG, which takes no new packages then.

    \b
    Example:
      ballroom org continue-as acme nova --reason "Dispute k3J9x2LqP0"
    """,
)


add_operation(
    organizations,
    "require-provenance",
    api_orgs_require_provenance,
    "ORG REQUIRES_PROVENANCE",
    text="""Set what new releases of ORG need: ci, sigstore or none.

    With ci a job of a trusted publisher publishes them, with sigstore one that sends a Sigstore
    bundle as well.

    \b
    Example:
      ballroom org require-provenance acme ci
    """,
)


@organizations.command()
@name_argument
@click.option("--reason", required=True, metavar="TEXT", help="The owners read it.")
@in_registry
async def end_continuation(registry: Registry, name: OrgName, reason: str) -> str:
    """Say that no other organization continues NAME, which takes new packages again."""
    none = NewContinuation.model_construct(continued_as=None, reason=reason)
    await use_cases.end_continuation.rule(registry, name, none, OPERATOR)
    return use_cases.end_continuation.printed.format(org=name)


@organizations.command()
@name_argument
@click.option("--owner", required=True, metavar="ACCOUNT", help="Its first owner.")
@in_registry
async def add(registry: Registry, name: OrgName, owner: str) -> str:
    """Create the organization NAME.

    \b
    Example:
      ballroom org add acme --owner kim
    """
    founder = await registry.identity.accounts.by_name_or_id(owner)
    await use_cases.create.rule(
        registry, founder, NewOrganization.model_construct(name=name), OPERATOR
    )
    return use_cases.create.printed.format(name=name, owner=owner)


@organizations.command("list")
@in_registry
async def list_organizations(registry: Registry) -> Rows:
    """List every organization."""
    page = partial(
        registry.administration.organizations.page, count=ENTITIES_READ_AT_ONCE, by=OPERATOR
    )
    return [
        {
            "name": each.organization.name,
            "founder": each.founder.name if each.founder else each.organization.founder,
            "created": format_time(each.organization.created_ms),
            "deleted": format_time(each.organization.deleting_ms),
            "frozen": format_time(each.organization.freeze.at_ms)
            if each.organization.freeze
            else None,
        }
        async for each in iterate_pages(page)
    ]


@organizations.command()
@name_argument
@click.argument("account")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.MEMBER.value,
    show_default=True,
    help="Owners manage it, maintainers publish, members read private packages.",
)
@keep_option
@click.option(
    "--reason",
    default="",
    metavar="TEXT",
    help="Why, for those concerned; needed for a lower role, and for an owner beside others.",
)
@in_registry
async def add_member(
    registry: Registry, name: OrgName, account: str, role: str, *, keep: bool, reason: str
) -> str:
    """Make ACCOUNT a member of the organization NAME, or change its role.

    \b
    Examples:
      ballroom org add-member acme lee --role maintainer
      ballroom org add-member acme lee --role owner --reason "Kim has left."
    """
    member = await registry.identity.accounts.by_name_or_id(account)
    memberships = registry.organizations.memberships
    made = MadeItems.requested(keep=keep)
    await memberships.set_member(name, member, Role(role), by=OPERATOR, made=made, reason=reason)
    stopped = [] if role == Role.OWNER.value else await _made(registry, name, member)
    return "\n".join([f"{account} is {role} of {name}.", *stopped])


@organizations.command()
@name_argument
@click.argument("account")
@keep_option
@reason_option
@in_registry
async def remove_member(
    registry: Registry, name: OrgName, account: str, keep: bool, reason: str
) -> str:
    """Remove ACCOUNT from the organization NAME, and print what stops with it.

    \b
    Example:
      ballroom org remove-member acme kim --keep --reason "Kim left the company."
    """
    member = await registry.identity.accounts.by_name_or_id(account)
    memberships = registry.organizations.memberships
    made = MadeItems.requested(keep=keep)
    await memberships.remove_member(name, member, by=OPERATOR, made=made, reason=reason)
    stopped = await _made(registry, name, member)
    return "\n".join([f"{account} is no longer a member of {name}.", *stopped])


async def _made(registry: Registry, org: OrgName, member: Account) -> list[str]:
    """Return lines about what a former owner made, which stops."""
    made = await registry.organizations.made_by_accounts.in_organization(org, member.id)
    return [f"Stops until an owner confirms it: {each.described}." for each in made]
