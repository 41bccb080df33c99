"""token …: access tokens of any account."""

import click

from shared.commands.running import Output, Row, as_json, moment, show, with_registry
from shared.domain.identity import OPERATOR
from shared.domain.rights import Grant, Scope
from shared.registry import Registry
from shared.services.tokens import IssuedToken, TokenRequest

SCOPES = [scope.value for scope in Scope]
FOR_EVER = "never"


def parse_lifetime(text: str) -> int | str:
    """Read a number of days, or `never`; the registry says which numbers are allowed."""
    if text != FOR_EVER and not text.isdecimal():
        message = f"{text!r} is no number of days, and not {FOR_EVER}."
        raise click.BadParameter(message)
    return text if text == FOR_EVER else int(text)


@click.group()
def token() -> None:
    """Issue, list and revoke access tokens."""


@token.command()
@click.argument("account")
@click.option("--name", required=True, help="What uses it, such as laptop.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    default=["read"],
    show_default=True,
    help="May be given several times.",
)
@click.option("--org", default="*", show_default=True, help="Organizations it is for.")
@click.option("--package", default="*", show_default=True, help="Packages of them it is for.")
@click.option(
    "--expires",
    type=parse_lifetime,
    metavar="DAYS|never",
    help="How long it is good for; by default BALLROOM_TOKEN_DAYS.",
)
def issue(
    *, account: str, name: str, scopes: list[str], org: str, package: str, expires: int | str | None
) -> None:
    """Create a token of ACCOUNT and print it, this once.

    \b
    Examples:
      python -m shared.cli token issue kim --name laptop
      python -m shared.cli token issue kim --name ci --org acme \\
        --scope read --scope push-version --expires 30
    """
    days = expires if isinstance(expires, int) else None
    wanted = TokenRequest.parse(name, scopes, org=org, package=package, days=days)

    async def work(registry: Registry) -> IssuedToken:
        owner = await registry.accounts.named(account)
        tokens = registry.tokens
        give = tokens.issue_unlimited if expires == FOR_EVER else tokens.issue
        return await give(owner.id, wanted, by=OPERATOR)

    issued = with_registry(work)
    click.echo(issued.text.reveal())
    until = moment(issued.token.expires_ms)
    click.echo(f"Good {f'until {until}' if until else 'for ever'}; not shown again.", err=True)


@token.command("list")
@click.argument("account")
@as_json
def list_tokens(account: str, output: Output) -> None:
    """List the tokens of ACCOUNT, never their text."""

    async def work(registry: Registry) -> list[Row]:
        owner = await registry.accounts.named(account)
        uses = await registry.tokens.uses(owner.id, by=OPERATOR)
        return [
            {
                "id": each.id,
                "name": each.name,
                "grants": "; ".join(map(_grant, each.grants)),
                "expires": moment(each.expires_ms) or FOR_EVER,
                "last_used": moment(uses[each.id].used_ms if each.id in uses else None),
            }
            for each in await registry.tokens.list(owner.id, by=OPERATOR)
        ]

    show(with_registry(work), output)


@token.command()
@click.argument("account")
@click.argument("token_id")
def revoke(account: str, token_id: str) -> None:
    """End the token TOKEN_ID of ACCOUNT; `token list` shows the ids."""

    async def work(registry: Registry) -> None:
        owner = await registry.accounts.named(account)
        await registry.tokens.revoke(owner.id, token_id, by=OPERATOR)

    with_registry(work)
    click.echo(f"Revoked {token_id}. It is refused everywhere within five seconds.")


def _grant(grant: Grant) -> str:
    scopes = ",".join(scope.value for scope in Scope if scope in grant.scopes)
    return f"{scopes} on {grant.org}/{grant.package}"
