"""scim …: the tokens with which directories provision people, and the accounts that exist and that
they may take over."""

import click

from functions.api.scim import (
    api_scim_takeovers_allow,
    api_scim_takeovers_list,
    api_scim_tokens_issue,
    api_scim_tokens_list,
    api_scim_tokens_revoke,
)
from shared.commands.operations import add_operation


@click.group("scim")
def scim() -> None:
    """Create and revoke tokens of directories, and let these take over accounts that exist."""


add_operation(
    scim,
    "token",
    api_scim_tokens_issue,
    "",
    text="""Print a new token with which a directory provisions people at /scim/v2.

    It is shown once. The token before stays valid until it is revoked.

    \b
    Example:
      ballroom scim token --directory entra
    """,
)
add_operation(scim, "tokens", api_scim_tokens_list, "", text="List the tokens of directories.")
add_operation(scim, "revoke", api_scim_tokens_revoke, "ID", text="Revoke the token ID.")
add_operation(
    scim,
    "waiting",
    api_scim_takeovers_list,
    "",
    text="List accounts that exist and that a directory waits for.",
)
add_operation(
    scim,
    "take-over",
    api_scim_takeovers_allow,
    "",
    text="""Let directories take over accounts that exist.

    \b
    Example:
      ballroom scim take-over --account kim --account lee
    """,
)
