"""publisher …: trusted publishers, CI jobs that publish without a stored secret."""

import click

from functions.api.trusted_publishing import (
    api_publishers_add,
    api_publishers_confirm,
    api_publishers_list,
    api_publishers_remove,
    api_publishers_restrict,
)
from shared.commands.operations import (
    PACKAGE,
    PACKAGE_OR_ORGANIZATION,
    add_operation,
)


@click.group("publisher")
def publishers() -> None:
    """Manage trusted publishers: CI jobs that publish without a stored secret."""


add_operation(
    publishers,
    "add",
    api_publishers_add,
    PACKAGE_OR_ORGANIZATION,
    text="""Let a job publish the package ORG/NAME. If it does not exist, the first push creates it.

    With --scopes read, the job reads the packages of the organization ORG, and publishes nothing.

    \b
    Examples:
      ballroom publisher add acme/greet --provider github \\
        --id repository_id=74 --id repository_owner_id=65 \\
        --workflow release.yml --ref 'refs/tags/v*' --environment release \\
        --tag-version --runner provider
      ballroom publisher add acme/greet --provider oidc --issuer buildkite \\
        --claim organization_id=0184990a-477b-4fa8-9968-496074483cee \\
        --claim 'sub=organization:acme:pipeline:greet:ref:refs/tags/v*:commit:*:step:publish'
      ballroom publisher add acme --scopes read --provider oidc --issuer kubernetes \\
        --claim sub=system:serviceaccount:builds:default
    """,
)
add_operation(publishers, "list", api_publishers_list, "ORG")
add_operation(
    publishers,
    "confirm",
    api_publishers_confirm,
    "ORG ID",
    text="""Confirm the trusted publisher ID of ORG, so that it keeps working whatever happens to
    the account that made it.""",
)
add_operation(
    publishers,
    "remove",
    api_publishers_remove,
    "ORG ID",
    text="Remove the trusted publisher ID of the organization ORG.",
)
add_operation(
    publishers,
    "only",
    api_publishers_restrict,
    f"{PACKAGE} PUSHERS",
    text="""Set who can push to ORG/NAME: trusted publishers only, or members with tokens as well.

    \b
    Example:
      ballroom publisher only acme/greet publishers --reason "A token leaked."
    """,
)
