"""Who is signed in with a browser."""

from collections.abc import Mapping
from dataclasses import dataclass

from functions._http import arrived
from functions._pages import Visitor, known_as
from shared.auth.client import Client
from shared.domain.accounts import Account
from shared.domain.identity import Principal
from shared.registry import Registry


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account in a session: as services know it, and as pages show it."""

    account: Account
    principal: Principal
    visitor: Visitor


async def signed_in(headers: Mapping[str, str], registry: Registry) -> SignedIn | None:
    """Return who sends these headers in a session, in whose frame pages are from now on; or
    None."""
    session = await registry.sessions.recognize(headers)
    if session.is_anonymous:
        return None
    client = Client.of(headers, registry.settings.proxies)
    principal = arrived(session, client, registry)
    account = (await registry.accounts.profile(principal)).account
    visitor = visitor_of(account, principal, registry)
    known_as(visitor)
    return SignedIn(account, principal, visitor)


def visitor_of(account: Account, session: Principal, registry: Registry) -> Visitor:
    """Return how pages show the account that the session is of."""
    return Visitor(account.name, registry.sessions.csrf(session), account.administrator)
