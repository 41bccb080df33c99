"""token …: access tokens of accounts and organizations; login: a token for this machine."""

from collections.abc import Sequence

import click

from functions.api.tokens import (
    api_org_tokens_confirm,
    token_list,
    token_rename,
    token_revoke,
    token_rotate,
    token_show,
)
from shared.commands.base import format_time, in_registry
from shared.commands.operations import ORGANIZATION_PREFIX, add_operation, options_of
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Scope
from shared.login import DEFAULT_ID, LoginOptions, local_machine, run
from shared.registry import Registry
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from shared.use_cases.tokens import NewToken

NEVER_EXPIRES = "never"


def parse_lifetime(text: str) -> int | str:
    """Read a number of days, or `never`; the registry says which numbers are allowed."""
    if text != NEVER_EXPIRES and not text.isdecimal():
        message = f"{text!r} is neither a number of days nor {NEVER_EXPIRES}."
        raise click.BadParameter(message)
    return text if text == NEVER_EXPIRES else int(text)


@click.group("token")
def tokens() -> None:
    """Issue, list, change and revoke access tokens.

    OWNER is the name of an account, id: and its id, or @ and the name of an organization. A token
    of an organization has the rights of a maintainer, and works while who made it is an owner.
    """


add_operation(tokens, "list", token_list, "OWNER", text="List the tokens of OWNER.")
add_operation(tokens, "show", token_show, "OWNER ID", text="Show the token ID of OWNER.")
add_operation(
    tokens,
    "rename",
    token_rename,
    "OWNER ID NAME",
    text="Rename the token ID of OWNER to NAME; its value and its rights stay.",
)
add_operation(
    tokens,
    "rotate",
    token_rotate,
    "OWNER ID",
    text="Rotate the token ID of OWNER and print its new value; the old value stops working.",
)
add_operation(
    tokens,
    "confirm",
    api_org_tokens_confirm,
    "OWNER ID",
    text="""Confirm the token ID of an organization, so that it keeps working whatever happens to
    the account that made it.""",
)
add_operation(
    tokens,
    "revoke",
    token_revoke,
    "OWNER ID",
    text="Revoke the token ID of OWNER; `ballroom token list` prints the ids.",
)


@tokens.command()
@click.argument("owner")
@options_of(NewToken, leave_out=("days",), scopes=[Scope.READ.value])
@click.option(
    "--expires",
    type=parse_lifetime,
    metavar="DAYS|never",
    help="When it expires; by default after BALLROOM_TOKEN_DAYS.",
)
@in_registry
async def issue(
    registry: Registry,
    *,
    owner: str,
    name: str,
    scopes: Sequence[str],
    org: str,
    package: str,
    addresses: Sequence[str],
    expires: int | str | None,
) -> str:
    """Create a token of OWNER and print it. It is shown only once.

    \b
    Examples:
      ballroom token issue kim --name laptop
      ballroom token issue @acme --name ci --scope read \\
        --scope push-version --address 203.0.113.0/24 --expires 30
    """
    unlimited = expires == NEVER_EXPIRES
    days = None if unlimited or expires is None else int(expires)
    is_of_organization = owner.startswith(ORGANIZATION_PREFIX)
    if is_of_organization and unlimited:
        message = "A token of an organization has to expire: give a number of days."
        raise click.BadParameter(message, param_hint="--expires")
    wanted = TokenRequest.parse(
        name, scopes, org=org, package=package, days=days, addresses=addresses
    )
    whose = (
        OfOrganization(parse_org(owner.removeprefix(ORGANIZATION_PREFIX)))
        if is_of_organization
        else (await registry.identity.accounts.by_name_or_id(owner)).id
    )
    access_tokens = registry.tokens.access_tokens
    if unlimited and isinstance(whose, str):
        issued = await access_tokens.issue_unlimited(whose, wanted, by=OPERATOR)
    else:
        issued = await access_tokens.issue(whose, wanted, by=OPERATOR)
    until = format_time(issued.token.expires_ms)
    valid = f"until {until}" if until else "forever"
    click.echo(f"Valid {valid}. It is shown only once.", err=True)
    return issued.text.reveal()


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
@click.option("--push", is_flag=True, help="Request a token that may also publish.")
@click.option("--browser/--no-browser", default=True, help="Open the page to approve it on.")
def login(
    *, url: str, name: str, central: bool, proxy: bool, token: bool, push: bool, browser: bool
) -> None:
    """Log this machine in to the registry at URL, for `bal`.

    \b
    Example:
      ballroom login https://packages.example.org
    """
    options = LoginOptions(
        address=url,
        id=name,
        sets_central=central,
        is_proxy=proxy,
        opens_browser=browser,
        has_token=token,
        pushes=push,
    )
    raise SystemExit(run(options, local_machine()))
