"""token …: access tokens of any account and organization."""

from collections.abc import Sequence

import click

from shared.commands.running import Output, Row, as_json, moment, show, show_one, with_registry
from shared.domain.identity import OPERATOR
from shared.domain.names import parse_org
from shared.domain.rights import Scope
from shared.domain.tokens import MadeByToken, described
from shared.registry import Registry
from shared.services.token_records import IssuedToken, UsedToken
from shared.services.token_requests import TokenRequest

SCOPES = [scope.value for scope in Scope]
FOR_EVER = "never"
ORGANIZATION = "@"  # Before the name of an organization; no account's name begins with it.


def parse_lifetime(text: str) -> int | str:
    """Read a number of days, or `never`; the registry says which numbers are allowed."""
    if text != FOR_EVER and not text.isdecimal():
        message = f"{text!r} is no number of days, and not {FOR_EVER}."
        raise click.BadParameter(message)
    return text if text == FOR_EVER else int(text)


@click.group()
def token() -> None:
    """Issue, list, change and revoke access tokens.

    OWNER is an account's name, id: and its id, or an organization with @ before it: a token of an
    organization is a maintainer of it, and stays when people go.
    """


@token.command()
@click.argument("owner")
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
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="RANGE",
    help="Where it may be used, such as 203.0.113.0/24. May be given several times.",
)
@click.option("--canary", is_flag=True, help="It opens nothing, and tells when somebody tries it.")
def issue(
    *,
    owner: str,
    name: str,
    scopes: list[str],
    org: str,
    package: str,
    expires: int | str | None,
    addresses: list[str],
    canary: bool,
) -> None:
    """Create a token of OWNER and print it, this once.

    \b
    Examples:
      python -m shared.cli token issue kim --name laptop
      python -m shared.cli token issue @acme --name ci --scope read \\
        --scope push-version --address 203.0.113.0/24 --expires 30
    """
    days = expires if isinstance(expires, int) else None
    wanted = TokenRequest.parse(
        name, scopes, org=org, package=package, days=days, addresses=addresses
    )

    async def work(registry: Registry) -> IssuedToken:
        if canary:
            # The account is named as such: a canary of an organization would tell nobody.
            account = await registry.accounts.typed(owner)
            return await registry.tokens.plant(account.id, wanted, by=OPERATOR)
        return await _give(registry, owner, wanted, unlimited=expires == FOR_EVER)

    issued = with_registry(work)
    _print(issued, "A canary: nothing opens with it." if canary else None)


@token.command("list")
@click.argument("owner")
@as_json
def list_tokens(owner: str, output: Output) -> None:
    """List the tokens of OWNER, never their text."""

    async def work(registry: Registry) -> list[Row]:
        tokens = await registry.tokens.list(await _id(registry, owner), by=OPERATOR)
        return [_row(each) for each in tokens]

    show(with_registry(work), output)


@token.command("show")
@click.argument("owner")
@click.argument("token_id")
@as_json
def show_token(owner: str, token_id: str, output: Output) -> None:
    """Show all about the token TOKEN_ID of OWNER, but its text."""

    async def work(registry: Registry) -> Row:
        owner_id = await _id(registry, owner)
        used = await registry.tokens.find(owner_id, token_id, by=OPERATOR)
        token, use = used.token, used.use
        return {
            **_row(used),
            "created": moment(token.created_ms),
            "addresses": ", ".join(token.addresses) or "everywhere",
            "canary": token.canary,
            "made_with": token.made_with or None,
            "made": ", ".join(map(str, used.made)),
            "last_used_from": use.address if use else None,
            "last_used_by": use.agent if use else None,
        }

    show_one(with_registry(work), output)


@token.command()
@click.argument("owner")
@click.argument("token_id")
@click.argument("name")
def rename(owner: str, token_id: str, name: str) -> None:
    """Call the token TOKEN_ID of OWNER NAME from now on."""

    async def work(registry: Registry) -> None:
        owner_id = await _id(registry, owner)
        await registry.tokens.rename(owner_id, token_id, name, by=OPERATOR)

    with_registry(work)
    click.echo(f"Renamed {token_id} to {name.strip()}.")


@token.command()
@click.argument("owner")
@click.argument("token_id")
def rotate(owner: str, token_id: str) -> None:
    """Give the token TOKEN_ID of OWNER a new text and print it, this once."""

    async def work(registry: Registry) -> IssuedToken:
        owner_id = await _id(registry, owner)
        return await registry.tokens.rotate(owner_id, token_id, by=OPERATOR)

    _print(with_registry(work), None)


@token.command()
@click.argument("owner")
@click.argument("token_id")
@click.option("--stolen", is_flag=True, help="End what was made with it as well; may be repeated.")
def revoke(*, owner: str, token_id: str, stolen: bool) -> None:
    """End the token TOKEN_ID of OWNER; `token list` shows the ids."""

    async def work(registry: Registry) -> Sequence[MadeByToken]:
        owner_id = await _id(registry, owner)
        if stolen:
            return await registry.tokens.revoke_stolen(owner_id, token_id, by=OPERATOR)
        await registry.tokens.revoke(owner_id, token_id, by=OPERATOR)
        return ()

    ended = with_registry(work)
    click.echo(f"Revoked {token_id}. It is refused everywhere within five seconds.")
    for each in ended:
        click.echo(f"Ended with it: {each}.")


async def _id(registry: Registry, owner: str) -> str:
    if owner.startswith(ORGANIZATION):
        org = parse_org(owner.removeprefix(ORGANIZATION))
        return await registry.organization_tokens.owner(org, by=OPERATOR)
    return (await registry.accounts.typed(owner)).id


async def _give(
    registry: Registry, owner: str, wanted: TokenRequest, *, unlimited: bool
) -> IssuedToken:
    if not owner.startswith(ORGANIZATION):
        give = registry.tokens.issue_unlimited if unlimited else registry.tokens.issue
        return await give(await _id(registry, owner), wanted, by=OPERATOR)
    if unlimited:
        message = "A token of an organization ends: give it a number of days, and rotate it."
        raise click.BadParameter(message, param_hint="--expires")
    org = parse_org(owner.removeprefix(ORGANIZATION))
    return await registry.organization_tokens.issue(org, wanted, by=OPERATOR)


def _print(issued: IssuedToken, remark: str | None) -> None:
    click.echo(issued.text.reveal())
    until = moment(issued.token.expires_ms)
    good = remark or f"Good {f'until {until}' if until else 'for ever'}."
    click.echo(f"{good} It is not shown again.", err=True)


def _row(used: UsedToken) -> Row:
    token = used.token
    return {
        "id": token.id,
        "name": token.name,
        "grants": described(token.grants),
        "expires": moment(token.expires_ms) or FOR_EVER,
        "last_used": moment(used.use.used_ms) if used.use else None,
    }
