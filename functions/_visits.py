"""Visits: who is signed in as they look at a page of their own, and which forms are from it."""

import hashlib
import hmac
from dataclasses import dataclass

import azure.functions as func

from functions._forms import Form
from functions._http import arrived, headers_of
from functions._pages import UNAUTHORIZED, Visitor, render
from shared.auth.client import Client
from shared.domain.accounts import Account
from shared.domain.errors import FormForeign
from shared.domain.identity import Principal
from shared.registry import Registry


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody signed in, and how the header of a page shows them."""

    principal: Principal
    account: Account
    visitor: Visitor


async def visit_of(req: func.HttpRequest, registry: Registry) -> Visit | None:
    """Return who is signed in; None when nobody is."""
    headers = headers_of(req)
    principal = registry.sessions.principal(headers)
    if principal.is_anonymous:
        return None
    caller = arrived(principal, Client.of(headers, registry.settings.proxies), registry)
    profile = await registry.accounts.profile(caller)
    csrf = hashlib.sha256(f"csrf {headers.get('cookie', '')}".encode()).hexdigest()
    return Visit(caller, profile.account, Visitor(profile.account.name, csrf))


def sign_in_first() -> func.HttpResponse:
    """Return what somebody gets who is not signed in where that is needed."""
    return render("sign_in.html", status=UNAUTHORIZED)


def check_form(form: Form, visit: Visit) -> None:
    """Raise `FormForeign` unless the form comes from a page that was shown in this session."""
    if not hmac.compare_digest(form.text("csrf").encode(), visit.visitor.csrf.encode()):
        raise FormForeign
