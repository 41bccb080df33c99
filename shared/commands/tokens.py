"""token …: access tokens of accounts and organizations; login: a token for this machine."""

import click

from shared.commands.base import (
    OutputFormat,
    TableRow,
    as_json,
    format_time,
    print_facts,
    print_rows,
    with_registry,
)
from shared.composition import Registry
from shared.domain.identity import OPERATOR
from shared.domain.names import parse_org
from shared.domain.rights import Scope
from shared.domain.tokens import describe_grants
from shared.login import DEFAULT_ID, LoginOptions, local_machine, run
from shared.services.tokens.tokens import (
    IssuedToken,
    OfOrganization,
    TokenOwner,
    TokenRequest,
    UsedToken,
)

SCOPES = [scope.value for scope in Scope]
NEVER_EXPIRES = "never"
ORGANIZATION_PREFIX = "@"  # Before the name of an organization; no account's name begins with it.


def parse_lifetime(text: str) -> int | str:
    """Read a number of days, or `never`; the registry says which numbers are allowed."""
    if text != NEVER_EXPIRES and not text.isdecimal():
        message = f"{text!r} is neither a number of days nor {NEVER_EXPIRES}."
        raise click.BadParameter(message)
    return text if text == NEVER_EXPIRES else int(text)


@click.group()
def token() -> None:
    """Issue, list, change and revoke access tokens.

    OWNER is the name of an account, id: and its id, or @ and the name of an organization. A token
    of an organization has the rights of a maintainer, and stays valid when members leave.
    """


@token.command()
@click.argument("owner")
@click.option("--name", required=True, help="Where it is used, such as laptop.")
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
    help="When it expires; by default after BALLROOM_TOKEN_DAYS.",
)
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="RANGE",
    help="Where it may be used, such as 203.0.113.0/24. May be given several times.",
)
def issue(
    *,
    owner: str,
    name: str,
    scopes: list[str],
    org: str,
    package: str,
    expires: int | str | None,
    addresses: list[str],
) -> None:
    """Create a token of OWNER and print it. It is shown only once.

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
        return await _issue(registry, owner, wanted, unlimited=expires == NEVER_EXPIRES)

    _print(with_registry(work))


@token.command("list")
@click.argument("owner")
@as_json
def list_tokens(owner: str, output: OutputFormat) -> None:
    """List the tokens of OWNER, without their values."""

    async def work(registry: Registry) -> list[TableRow]:
        whose = await _owner(registry, owner)
        tokens = await registry.tokens.access_tokens.list(whose, by=OPERATOR)
        return [_row(each) for each in tokens]

    print_rows(with_registry(work), output)


@token.command("show")
@click.argument("owner")
@click.argument("token_id")
@as_json
def show_token(owner: str, token_id: str, output: OutputFormat) -> None:
    """Show the token TOKEN_ID of OWNER, without its value."""

    async def work(registry: Registry) -> TableRow:
        whose = await _owner(registry, owner)
        used = await registry.tokens.access_tokens.find(whose, token_id, by=OPERATOR)
        token, use = used.token, used.use
        return {
            **_row(used),
            "created": format_time(token.created_ms),
            "addresses": ", ".join(token.addresses) or "everywhere",
            "last_used_from": use.address if use else None,
            "last_used_by": use.agent if use else None,
        }

    print_facts(with_registry(work), output)


@token.command()
@click.argument("owner")
@click.argument("token_id")
@click.argument("name")
def rename(owner: str, token_id: str, name: str) -> None:
    """Rename the token TOKEN_ID of OWNER to NAME."""

    async def work(registry: Registry) -> None:
        whose = await _owner(registry, owner)
        await registry.tokens.access_tokens.rename(whose, token_id, name, by=OPERATOR)

    with_registry(work)
    click.echo(f"Renamed {token_id} to {name.strip()}.")


@token.command()
@click.argument("owner")
@click.argument("token_id")
def rotate(owner: str, token_id: str) -> None:
    """Rotate the token TOKEN_ID of OWNER and print its new value; the old value stops working."""

    async def work(registry: Registry) -> IssuedToken:
        whose = await _owner(registry, owner)
        return await registry.tokens.access_tokens.rotate(whose, token_id, by=OPERATOR)

    _print(with_registry(work))


@token.command()
@click.argument("owner")
@click.argument("token_id")
def revoke(*, owner: str, token_id: str) -> None:
    """Revoke the token TOKEN_ID of OWNER; `token list` prints the ids."""

    async def work(registry: Registry) -> None:
        whose = await _owner(registry, owner)
        await registry.tokens.access_tokens.revoke(whose, token_id, by=OPERATOR)

    with_registry(work)
    click.echo(f"Revoked {token_id}. It is refused everywhere within five seconds.")


async def _owner(registry: Registry, owner: str) -> TokenOwner:
    if owner.startswith(ORGANIZATION_PREFIX):
        return OfOrganization(parse_org(owner.removeprefix(ORGANIZATION_PREFIX)))
    return (await registry.identity.accounts.by_name_or_id(owner)).id


async def _issue(
    registry: Registry, owner: str, wanted: TokenRequest, *, unlimited: bool
) -> IssuedToken:
    whose, tokens = await _owner(registry, owner), registry.tokens.access_tokens
    if not unlimited:
        return await tokens.issue(whose, wanted, by=OPERATOR)
    if isinstance(whose, OfOrganization):
        message = "A token of an organization has to expire: give a number of days."
        raise click.BadParameter(message, param_hint="--expires")
    return await tokens.issue_unlimited(whose, wanted, by=OPERATOR)


def _print(issued: IssuedToken) -> None:
    click.echo(issued.text.reveal())
    until = format_time(issued.token.expires_ms)
    valid = f"until {until}" if until else "forever"
    click.echo(f"Valid {valid}. It is shown only once.", err=True)


def _row(used: UsedToken) -> TableRow:
    token = used.token
    return {
        "id": token.id,
        "name": token.name,
        "grants": describe_grants(token.grants),
        "expires": format_time(token.expires_ms) or NEVER_EXPIRES,
        "last_used": format_time(used.use.used_ms) if used.use else None,
    }


@click.command()
@click.argument("url")
@click.option(
    "--id", "name", default=DEFAULT_ID, show_default=True, help="Name of the registry's entry."
)
@click.option("--central", is_flag=True, help="Set the token of [central] as well.")
@click.option(
    "--proxy", is_flag=True, help="Read all packages from this registry, none from Central."
)
@click.option(
    "--token", is_flag=True, help="Use a token that you have: BALLROOM_TOKEN, or what you type."
)
@click.option("--browser/--no-browser", default=True, help="Open the page to approve it on.")
def login(*, url: str, name: str, central: bool, proxy: bool, token: bool, browser: bool) -> None:
    """Log this machine in to the registry at URL, for `bal`.

    \b
    Example:
      python -m shared.cli login https://packages.example.org
    """
    options = LoginOptions(
        address=url,
        id=name,
        sets_central=central,
        is_proxy=proxy,
        opens_browser=browser,
        has_token=token,
    )
    raise SystemExit(run(options, local_machine()))
