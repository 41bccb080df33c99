"""account …: the people of the registry; signin-link: how they sign in."""

import click

from shared.commands.running import Output, as_json, moment, show, with_registry
from shared.domain.accounts import Account
from shared.domain.identity import OPERATOR
from shared.registry import Registry


@click.group()
def account() -> None:
    """Create and list accounts."""


@account.command()
@click.argument("name")
@click.option("--administrator", is_flag=True, help="Let it do everything in every organization.")
def add(name: str, administrator: bool) -> None:
    """Create the account NAME.

    \b
    Example:
      python -m shared.cli account add kim
    """

    async def work(registry: Registry) -> Account:
        accounts = registry.accounts
        create = accounts.create_administrator if administrator else accounts.create
        return await create(name, by=OPERATOR)

    created = with_registry(work)
    click.echo(f"Created the account {created.name} ({created.id}). Sign in with:")
    click.echo(f"  python -m shared.cli signin-link {created.name}")


@account.command("list")
@as_json
def list_accounts(output: Output) -> None:
    """List every account."""

    async def work(registry: Registry) -> list[Account]:
        return await registry.accounts.list(by=OPERATOR)

    rows = [
        {
            "name": each.name,
            "id": each.id,
            "administrator": "yes" if each.administrator else "no",
            "created": moment(each.created_ms),
        }
        for each in with_registry(work)
    ]
    show(rows, output)


@click.command("signin-link")
@click.argument("account_name", metavar="ACCOUNT")
def signin_link(account_name: str) -> None:
    """Print a link that signs ACCOUNT in, once and within an hour.

    \b
    Example:
      python -m shared.cli signin-link kim
    """

    async def work(registry: Registry) -> str:
        found = await registry.accounts.named(account_name)
        link = await registry.sign_in.signing_in.issue_link(found, by=OPERATOR)
        return link.reveal()

    click.echo(with_registry(work))
