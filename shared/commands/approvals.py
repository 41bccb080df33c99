"""approvals …: what is approved of other registries, and what people ask for."""

import click

from functions.api.approved_packages import (
    api_approved_approve,
    api_approved_dry_run,
    api_approved_list,
    api_approved_refuse,
    api_approved_requests,
    api_approved_withdraw,
)
from shared.commands.operations import PACKAGE, add_operation


@click.group()
def approvals() -> None:
    """Show and change what is approved of other registries, where only that is taken."""


add_operation(
    approvals,
    "list",
    api_approved_list,
    "",
    text="List the approved packages and versions.",
)
add_operation(
    approvals,
    "add",
    api_approved_approve,
    "",
    text="""Approve versions; those who asked for the packages are told by email.

    \b
    Examples:
      ballroom approvals add --package 'acme/greet:1.*' --reason 'Reviewed.'
      ballroom approvals add --package 'ballerina/*:*' --reason 'The standard library.'
    """,
)
add_operation(
    approvals,
    "remove",
    api_approved_withdraw,
    "",
    text="""Take back what was approved, as it is listed.

    \b
    Example:
      ballroom approvals remove --package 'acme/greet:1.*' --reason 'It is not maintained.'
    """,
)
add_operation(
    approvals,
    "requests",
    api_approved_requests,
    "",
    text="List the packages that people ask for, the oldest first.",
)
add_operation(
    approvals,
    "refuse",
    api_approved_refuse,
    PACKAGE,
    text="""Refuse a package that people asked for; they are told the reason by email.

    \b
    Example:
      ballroom approvals refuse acme/greet --reason 'Use acme/hello.'
    """,
)
add_operation(
    approvals,
    "dry-run",
    api_approved_dry_run,
    "",
    text="""List the releases that were pulled in the last 30 days and that are not approved.

    \b
    Example:
      ballroom approvals dry-run --package 'ballerina/*:*'
    """,
)
