"""The page on which signing in begins, and what its Functions share."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

import azure.functions as func

from functions._http import headers_of, path_of
from functions._pages import UNAUTHORIZED, Visitor, render
from shared.auth.browsers import Arrival
from shared.auth.client import Client
from shared.domain.identity import Principal
from shared.domain.return_paths import HOME, return_path
from shared.domain.sign_ins import Purpose
from shared.registry import Registry


@dataclass(frozen=True, slots=True)
class Again:
    """Somebody signed in who is to show once more who they are, and what for."""

    purpose: Purpose
    caller: Principal
    visitor: Visitor


def sign_in_page(
    req: func.HttpRequest, registry: Registry, again: Again | None = None
) -> func.HttpResponse:
    """Return the page that offers every way to sign in; it leads back to where one wanted to go."""
    query = {"to": wanted_page(req)}
    if again:
        # Nobody else can make this address, and so have an identity of theirs linked.
        ticket = registry.sessions.ticket(again.caller, again.purpose)
        query |= {"for": again.purpose.value, "ticket": ticket}
    offers = [
        (provider.label, f"/sign-in/{quote(name)}?{urlencode(query)}")
        for name, provider in registry.sign_in.signing_in.providers.items()
    ]
    return render(
        "sign_in.html",
        status=200 if again else UNAUTHORIZED,
        visitor=again.visitor if again else None,
        offers=offers,
        purpose=(again.purpose if again else Purpose.ENTER).value,
        needs_strong=registry.settings.require_strong,
        signs_up=registry.settings.sign_up == "anyone",
    )


def wanted_page(req: func.HttpRequest) -> str:
    """Return which page of ours a request wants to come to, in the end."""
    asked = req.params.get("to", "")
    return return_path(asked) if asked else _own_path(req)


def purpose_of(req: func.HttpRequest) -> Purpose:
    """Return what a sign-in is for; whatever cannot be read is for entering."""
    asked = req.params.get("for", "")
    known = {each.value: each for each in Purpose}
    return known.get(asked, Purpose.ENTER)


def arrival_of(req: func.HttpRequest, registry: Registry, browser: str) -> Arrival:
    """Return the browser that comes to sign in."""
    headers = headers_of(req)
    client = Client.of(headers, registry.settings.proxies)
    device = registry.sign_in.devices.shown(headers)
    return Arrival(client.address, client.agent, browser, device)


def _own_path(req: func.HttpRequest) -> str:
    """Return the page itself that was asked for, if it is one to come back to."""
    return return_path(path_of(req)) if req.method == "GET" else HOME
