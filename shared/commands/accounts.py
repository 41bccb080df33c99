"""account …: the accounts of the registry; signin-link: a sign-in link for one of them."""

from collections.abc import Awaitable, Callable
from functools import partial

import click

from shared.commands.base import (
    OutputFormat,
    as_json,
    format_time,
    operator_command,
    print_rows,
    with_registry,
)
from shared.composition import Registry
from shared.domain.accounts import Account
from shared.domain.identity import OPERATOR
from shared.services.records import ENTITIES_READ_AT_ONCE, iterate_pages
from shared.settings import Settings


@click.group()
def account() -> None:
    """Create, list, rename and lock accounts, and make them administrators.

    ACCOUNT is the name of an account, or id: and its id.
    """


@account.command()
@click.argument("name")
@click.option("--administrator", is_flag=True, help="Make it an administrator of the registry.")
def add(name: str, administrator: bool) -> None:
    """Create the account NAME.

    \b
    Example:
      python -m shared.cli account add kim
    """

    async def work(registry: Registry) -> Account:
        accounts = registry.identity.accounts
        create = accounts.create_administrator if administrator else accounts.create
        return await create(name, by=OPERATOR)

    created = with_registry(work)
    click.echo(f"Created the account {created.name} ({created.id}). Sign in with:")
    click.echo(f"  {operator_command(Settings.load(), 'signin-link', created.name)}")


@account.command("list")
@as_json
def list_accounts(output: OutputFormat) -> None:
    """List every account."""

    async def work(registry: Registry) -> list[Account]:
        page = partial(
            registry.administration.accounts.page, count=ENTITIES_READ_AT_ONCE, by=OPERATOR
        )
        found = {
            each.account.id: each.account async for each in iterate_pages(page) if each.account
        }
        return list(found.values())  # A former name leads to its account as well.

    rows = [
        {
            "name": each.name,
            "id": each.id,
            "administrator": "yes" if each.administrator else "no",
            "created": format_time(each.created_ms),
            "locked": format_time(each.lock.at_ms) if each.lock else None,
        }
        for each in with_registry(work)
    ]
    print_rows(rows, output)


@account.command()
@click.argument("account_name", metavar="ACCOUNT")
@click.argument("name")
def rename(account_name: str, name: str) -> None:
    """Rename ACCOUNT to NAME. No other account ever gets the old name.

    \b
    Example:
      python -m shared.cli account rename id:aB3dE6gH9k christophe.l
    """

    async def work(registry: Registry) -> Account:
        found = await registry.identity.accounts.by_name_or_id(account_name)
        return await registry.identity.accounts.rename(found, name, by=OPERATOR)

    renamed = with_registry(work)
    click.echo(f"The account {renamed.id} is called {renamed.name}.")


@account.command()
@click.argument("account_name", metavar="ACCOUNT")
@click.option(
    "--reason", required=True, help="The reason; administrators see it beside the account."
)
def lock(account_name: str, reason: str) -> None:
    """Lock ACCOUNT: nobody signs in to it, its sessions end, and its tokens are refused.

    \b
    Example:
      python -m shared.cli account lock kim --reason "Its laptop was stolen."
    """
    _decide(
        account_name,
        lambda registry, it: registry.administration.accounts.lock(it, reason, by=OPERATOR),
    )
    click.echo(f"Locked the account {account_name}. It is refused everywhere within five seconds.")


@account.command()
@click.argument("account_name", metavar="ACCOUNT")
def unlock(account_name: str) -> None:
    """Unlock ACCOUNT. Its tokens that were not revoked are accepted again."""
    _decide(
        account_name, lambda registry, it: registry.administration.accounts.unlock(it, by=OPERATOR)
    )
    click.echo(f"Unlocked the account {account_name}.")


@account.command()
@click.argument("account_name", metavar="ACCOUNT")
def appoint(account_name: str) -> None:
    """Make ACCOUNT an administrator of the registry."""
    _decide(
        account_name,
        lambda registry, it: registry.administration.administrators.appoint(it, by=OPERATOR),
    )
    click.echo(f"{account_name} is an administrator.")


@account.command()
@click.argument("account_name", metavar="ACCOUNT")
def dismiss(account_name: str) -> None:
    """Remove ACCOUNT from the administrators of the registry."""
    _decide(
        account_name,
        lambda registry, it: registry.administration.administrators.dismiss(it, by=OPERATOR),
    )
    click.echo(f"{account_name} is no longer an administrator.")


@click.command("signin-link")
@click.argument("account_name", metavar="ACCOUNT")
def signin_link(account_name: str) -> None:
    """Print a link that signs ACCOUNT in, once and within an hour.

    \b
    Example:
      python -m shared.cli signin-link kim
    """

    async def work(registry: Registry) -> str:
        found = await registry.identity.accounts.by_name_or_id(account_name)
        link = await registry.identity.sign_in_flow.issue_link(found, by=OPERATOR)
        return link.reveal()

    click.echo(with_registry(work))


def _decide(account_name: str, decide: Callable[[Registry, Account], Awaitable[object]]) -> None:
    async def work(registry: Registry) -> None:
        await decide(registry, await registry.identity.accounts.by_name_or_id(account_name))

    with_registry(work)
