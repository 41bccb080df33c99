"""/account and /sign-in/link/{code}: signing in, who one is, and what to do next."""

import azure.functions as func

from functions._pages import (
    UNAUTHORIZED,
    command,
    page,
    page_errors,
    paragraph,
    see_other,
    text,
)
from shared.domain.client_settings import client_settings
from shared.domain.identity import Membership, Principal
from shared.registry import Registry
from shared.services.accounts import Profile

PAGE = "/account"

_PUSH = """\
curl -f -H "Authorization: Bearer $TOKEN" -F bala-file=@greet.bala \\
  {url}/2.0/registry/packages"""
_PULL = """\
curl -fLO --remote-header-name -H "Accept: application/octet-stream" \\
  {url}/2.0/registry/packages/acme/greet/*"""
_TOKENS = """\
curl -f -H "Authorization: Bearer $TOKEN" -d '{{"name": "laptop", "scopes": ["read"]}}' \\
  {url}/api/v1/tokens"""

_SIGN_OUT = '<form method="post" action="/sign-out"><button type="submit">Sign out</button></form>'


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the account's pages."""
    bp = func.Blueprint()

    @bp.route("sign-in/link/{code}", methods=["GET"])
    @page_errors
    async def account_sign_in(req: func.HttpRequest) -> func.HttpResponse:
        account_id = await registry.sign_in_links.redeem(req.route_params["code"])
        return see_other(PAGE, registry.sessions.cookie(account_id).reveal())

    @bp.route("account", methods=["GET"])
    @page_errors
    async def account_page(req: func.HttpRequest) -> func.HttpResponse:
        caller = registry.sessions.principal(req.headers)
        if caller.is_anonymous:
            return _signed_out()
        return await _signed_in(registry, caller)

    @bp.route("sign-out", methods=["POST"])
    @page_errors
    async def account_sign_out(req: func.HttpRequest) -> func.HttpResponse:
        return see_other(PAGE, registry.sessions.farewell())

    return bp


def _signed_out() -> func.HttpResponse:
    content = [
        paragraph("You are not signed in. Ask the operator of this registry for a sign-in link."),
        paragraph("Operators make one with:"),
        command("python -m shared.cli signin-link NAME", "Command that makes a sign-in link"),
    ]
    return page("Sign in", "\n".join(content), UNAUTHORIZED)


async def _signed_in(registry: Registry, caller: Principal) -> func.HttpResponse:
    profile = await registry.accounts.profile(caller)
    url = registry.settings.base_url
    content = [
        _who(profile),
        "<h2>Organizations</h2>",
        _organizations(profile.memberships),
        "<h2>Next</h2>",
        paragraph(f"This registry is {url}. Put your access token into TOKEN, then:"),
        "<h3>Set up bal</h3>",
        paragraph("This is a Settings.toml for this registry. Put your access token into it."),
        command(client_settings(url, profile.account.name), "Settings.toml for this registry"),
        "<h3>Push a package</h3>",
        command(_PUSH.format(url=url), "Command that pushes a package"),
        "<h3>Pull a package</h3>",
        command(_PULL.format(url=url), "Command that pulls a package"),
        "<h3>Make another token</h3>",
        command(_TOKENS.format(url=url), "Command that makes a token"),
        _SIGN_OUT,
    ]
    return page("Your account", "\n".join(content))


def _who(profile: Profile) -> str:
    what = "an administrator of this registry" if profile.account.administrator else "signed in"
    return f"<p>You are <strong>{text(profile.account.name)}</strong>, {what}.</p>"


def _organizations(memberships: tuple[Membership, ...]) -> str:
    if not memberships:
        return paragraph("You are in no organization yet. The operator of this registry adds you.")
    items = "".join(f"<li>{text(each.org)}: {each.role.value}</li>" for each in memberships)
    return f"<ul>{items}</ul>"
