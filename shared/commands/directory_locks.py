"""directory-locks …: accounts of people who are disabled or gone in Entra ID."""

import click

from functions.api.directory_locks import api_directory_locks_decide, api_directory_locks_list
from shared.commands.operations import add_operation


@click.group("directory-locks")
def directory_locks() -> None:
    """Show and decide about accounts of people who are disabled or gone in Entra ID."""


add_operation(
    directory_locks, "list", api_directory_locks_list, "", text="List what the directory says."
)
add_operation(
    directory_locks,
    "decide",
    api_directory_locks_decide,
    "DECISION",
    text="""Lock accounts, keep them whatever the directory says, or follow it again.

    \b
    DECISION is lock, keep or follow. --account '*' is every account that waits.
    Example:
      ballroom directory-locks decide keep --account kim --reason "She moved to another tenant."
    """,
)
