"""follow …: what accounts follow, which their people get mail about."""

import click

from shared.commands.accounts import account_argument
from shared.commands.base import Rows, format_time, in_registry
from shared.domain.following import Pace, parse_followed
from shared.registry import Registry
from shared.services.advisories.advisory_notices import reader_for

followed_argument = click.argument("followed", metavar="ORG[/NAME]")


@click.group("follow")
def following() -> None:
    """Show and change the packages and organizations that an account follows.

    ACCOUNT is the name of an account, or id: and its id. Its person gets mail about new releases,
    withdrawals and advisories, each with a link to leave.
    """


@following.command("list")
@account_argument
@in_registry
async def list_followed(registry: Registry, account: str) -> Rows:
    """List what ACCOUNT follows."""
    found = await registry.identity.accounts.by_name_or_id(account)
    follows = await registry.packages.following.of_account(found.id)
    return [
        {"followed": e.followed, "pace": e.pace.value, "since": format_time(e.since_ms)}
        for e in follows
    ]


@following.command("add")
@account_argument
@followed_argument
@click.option(
    "--pace",
    type=click.Choice([each.value for each in Pace]),
    default=Pace.AT_ONCE.value,
    help="When mail is sent: within minutes, or in a digest on Monday.",
)
@in_registry
async def add(registry: Registry, account: str, followed: str, pace: str) -> str:
    """Let ACCOUNT follow a package or an organization that it may see; a repeat changes the pace.

    \b
    Examples:
      ballroom follow add kim acme/greet
      ballroom follow add kim acme --pace weekly
    """
    found = await registry.identity.accounts.by_name_or_id(account)
    wanted = parse_followed(followed)
    by = reader_for(found)
    follow = await registry.packages.following.follow(wanted, Pace(pace), by=by)
    return f"{found.name} follows {follow.followed}."


@following.command("leave")
@account_argument
@followed_argument
@in_registry
async def leave(registry: Registry, account: str, followed: str) -> str:
    """Stop ACCOUNT from following a package or an organization.

    \b
    Example:
      ballroom follow leave kim acme/greet
    """
    found = await registry.identity.accounts.by_name_or_id(account)
    await registry.packages.following.unfollow(parse_followed(followed), by=reader_for(found))
    return f"{found.name} follows {followed} no longer."
