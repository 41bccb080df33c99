"""org …: organizations and their members."""

from functools import partial

import click

from shared.commands.base import (
    OutputFormat,
    TableRow,
    as_json,
    format_time,
    print_rows,
    with_registry,
)
from shared.composition import Registry
from shared.domain.identity import OPERATOR
from shared.domain.names import OrgName, parse_org
from shared.domain.rights import Role
from shared.domain.times import time_text
from shared.services.administration.administration import OrganizationWithFounder
from shared.services.records import ENTITIES_READ_AT_ONCE, iterate_pages

name_argument = click.argument("name", metavar="NAME", type=parse_org)


@click.group()
def org() -> None:
    """Create, list and delete organizations, and change their members."""


@org.command()
@name_argument
@click.option("--owner", required=True, metavar="ACCOUNT", help="Its first owner.")
def add(name: OrgName, owner: str) -> None:
    """Create the organization NAME.

    \b
    Example:
      python -m shared.cli org add acme --owner kim
    """

    async def work(registry: Registry) -> str:
        founder = await registry.identity.accounts.by_name_or_id(owner)
        organizations = registry.organizations.organizations
        await organizations.create(name, founder, by=OPERATOR)
        return await organizations.name_warning(name)

    warning = with_registry(work)
    click.echo(f"Created the organization {name}. {owner} owns it.")
    if warning:
        click.echo(warning, err=True)


@org.command("list")
@as_json
def list_organizations(output: OutputFormat) -> None:
    """List every organization."""

    async def work(registry: Registry) -> list[TableRow]:
        page = partial(
            registry.administration.organizations.page, count=ENTITIES_READ_AT_ONCE, by=OPERATOR
        )
        return [_row(each) async for each in iterate_pages(page)]

    print_rows(with_registry(work), output)


@org.command()
@name_argument
@as_json
def members(name: OrgName, output: OutputFormat) -> None:
    """List the members of the organization NAME."""

    async def work(registry: Registry) -> list[TableRow]:
        return [
            {"account": each.name, "role": each.membership.role.value}
            for each in await registry.organizations.memberships.members(name, by=OPERATOR)
        ]

    print_rows(with_registry(work), output)


@org.command()
@name_argument
@click.argument("account")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.MEMBER.value,
    show_default=True,
    help="Owners manage it, maintainers publish, members read private packages.",
)
def add_member(name: OrgName, account: str, role: str) -> None:
    """Make ACCOUNT a member of the organization NAME, or change its role.

    \b
    Example:
      python -m shared.cli org add-member acme lee --role maintainer
    """

    async def work(registry: Registry) -> None:
        member = await registry.identity.accounts.by_name_or_id(account)
        await registry.organizations.memberships.set_member(name, member, Role(role), by=OPERATOR)

    with_registry(work)
    click.echo(f"{account} is {role} of {name}.")


@org.command()
@name_argument
@click.argument("account")
def remove_member(name: OrgName, account: str) -> None:
    """Remove ACCOUNT from the organization NAME."""

    async def work(registry: Registry) -> None:
        member = await registry.identity.accounts.by_name_or_id(account)
        await registry.organizations.memberships.remove_member(name, member, by=OPERATOR)

    with_registry(work)
    click.echo(f"{account} is no longer a member of {name}.")


@org.command()
@name_argument
@click.confirmation_option(prompt="A day later anybody may create it again. Delete it?")
def delete(name: OrgName) -> None:
    """Delete the organization NAME at once, if it never published anything.

    \b
    Example:
      python -m shared.cli org delete acme
    """

    async def work(registry: Registry) -> None:
        await registry.organizations.deletion.delete(name, by=OPERATOR)

    with_registry(work)
    click.echo(f"Deleted the organization {name}.")


@org.command()
@name_argument
def keep(name: OrgName) -> None:
    """Cancel the deletion of the organization NAME, which an owner has started."""

    async def work(registry: Registry) -> None:
        await registry.organizations.deletion.cancel(name, by=OPERATOR)

    with_registry(work)
    click.echo(f"The deletion of the organization {name} was canceled.")


@org.command()
@name_argument
def allow_bursts(name: OrgName) -> None:
    """Switch burst detection off for the organization NAME for a day."""

    async def work(registry: Registry) -> int:
        return await registry.administration.organizations.allow_bursts(name, by=OPERATOR)

    click.echo(f"Burst detection is off for {name} until {time_text(with_registry(work))}.")


def _row(founded: OrganizationWithFounder) -> TableRow:
    organization, founder = founded.organization, founded.founder
    return {
        "name": organization.name,
        "founder": founder.name if founder else organization.founder,
        "created": format_time(organization.created_ms),
        "deleted": format_time(organization.deleting_ms),
    }
