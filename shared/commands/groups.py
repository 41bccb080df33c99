"""groups …: the rules by which groups of an identity provider give roles."""

import click

from functions.api.groups import api_groups_dry_run, api_groups_replace, api_groups_show
from shared.commands.operations import add_operation


@click.group("groups")
def groups() -> None:
    """Show and change the rules by which groups of an identity provider give roles."""


add_operation(groups, "rules", api_groups_show, "", text="Show the rules about groups.")
add_operation(groups, "dry-run", api_groups_dry_run, "", text="Show who would get what.")
add_operation(
    groups,
    "set",
    api_groups_replace,
    "",
    text="""Replace the rules; what is not given is removed.

    \b
    Example:
      ballroom groups set --rule 'oidc:developers -> acme, maintainer'
    """,
)
