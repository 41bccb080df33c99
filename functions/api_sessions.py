"""/api/v1/account/…: browsers that are signed in, who else can sign in, and links for others."""

from datetime import datetime
from typing import Self

import azure.functions as func
from pydantic import Field

from functions._api import (
    Answer,
    Operation,
    Request,
    answer,
    api_caller,
    api_errors,
    body_as,
    moment,
    nothing,
)
from shared.auth.session import CREDENTIAL
from shared.auth.sign_in_links import LINK_LIFETIME
from shared.domain.accounts import Identity
from shared.domain.identity import Principal
from shared.domain.sessions import Session
from shared.registry import Registry

SESSIONS = "api/v1/account/sessions"
IDENTITIES = "api/v1/account/identities"
LINKS = "api/v1/sign-in-links"


class SessionView(Answer):
    """A browser that is signed in."""

    id: str
    provider: str = Field(description="Who vouched: a provider, or link.")
    agent: str = Field(description="What the browser calls itself.")
    address: str = Field(description="Where it was when it signed in.")
    created_at: datetime | None
    seen_at: datetime | None = Field(description="To about ten minutes.")
    signed_in_at: datetime | None = Field(description="When the person last showed who they are.")
    ends_at: datetime | None = Field(description="Unless it is used before.")
    strong: bool = Field(description="Whether that sign-in cannot be phished.")
    current: bool = Field(description="Whether this request came from it.")

    @classmethod
    def of(cls, session: Session, by: Principal) -> Self:
        """Show a session."""
        return cls(
            id=session.id,
            provider=session.provider,
            agent=session.agent,
            address=session.address,
            created_at=moment(session.created_ms),
            seen_at=moment(session.seen_ms),
            signed_in_at=moment(session.signed_in_ms),
            ends_at=moment(session.ends_ms),
            strong=session.strong,
            current=by.credential == f"{CREDENTIAL}{session.id}",
        )


class SessionList(Answer):
    """The caller's sessions, those that were used last first."""

    sessions: list[SessionView]


class IdentityView(Answer):
    """Somebody at a provider who can sign in to the account."""

    id: str
    provider: str
    issuer: str
    label: str = Field(description="What the person calls themselves there.")
    linked_at: datetime | None

    @classmethod
    def of(cls, identity: Identity) -> Self:
        """Show an identity."""
        return cls(
            id=identity.id,
            provider=identity.provider,
            issuer=identity.issuer,
            label=identity.label,
            linked_at=moment(identity.linked_ms),
        )


class IdentityList(Answer):
    """The identities of the caller's account, oldest first."""

    identities: list[IdentityView]


class NewLink(Request):
    """For whom a sign-in link is."""

    account: str = Field(min_length=1, max_length=40, description="The id of the account.")


class LinkView(Answer):
    """A link that signs its account in, shown this once."""

    account: str
    address: str
    expires_at: datetime | None


OPERATIONS = (
    Operation(
        "api_sessions_list",
        "GET",
        SESSIONS,
        "List the browsers that are signed in to your account.",
        200,
        answer=SessionList,
        refusals=(401, 403),
    ),
    Operation(
        "api_sessions_end",
        "DELETE",
        f"{SESSIONS}/{{id}}",
        "End a session of yours, everywhere within five seconds.",
        204,
        refusals=(401, 403, 404),
    ),
    Operation(
        "api_sessions_identities",
        "GET",
        IDENTITIES,
        "List who can sign in to your account.",
        200,
        answer=IdentityList,
        refusals=(401, 403),
    ),
    Operation(
        "api_sessions_remove_identity",
        "DELETE",
        f"{IDENTITIES}/{{id}}",
        "Remove a way to sign in to your account; it takes a fresh sign-in.",
        204,
        refusals=(401, 403, 404, 409),
    ),
    Operation(
        "api_sessions_link",
        "POST",
        LINKS,
        "Make a link that signs somebody in, once; it takes an administrator and a fresh sign-in.",
        201,
        request=NewLink,
        answer=LinkView,
        refusals=(400, 401, 403, 404),
    ),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of sessions, identities and sign-in links."""
    bp = func.Blueprint()

    @bp.route(SESSIONS, methods=["GET", "HEAD"])
    @api_errors
    async def api_sessions_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        found = await registry.sign_in.signing_out.sessions(by=caller)
        return answer(SessionList(sessions=[SessionView.of(each, caller) for each in found]))

    @bp.route(f"{SESSIONS}/{{id}}", methods=["DELETE"])
    @api_errors
    async def api_sessions_end(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        ended = await registry.sign_in.signing_out.end(req.route_params["id"], by=caller)
        registry.sessions.forget(ended)
        return nothing()

    @bp.route(IDENTITIES, methods=["GET", "HEAD"])
    @api_errors
    async def api_sessions_identities(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        found = await registry.sign_in.identities.of(by=caller)
        return answer(IdentityList(identities=[IdentityView.of(each) for each in found]))

    @bp.route(f"{IDENTITIES}/{{id}}", methods=["DELETE"])
    @api_errors
    async def api_sessions_remove_identity(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        await registry.sign_in.identities.remove(req.route_params["id"], by=caller)
        return nothing()

    @bp.route(LINKS, methods=["POST"])
    @api_errors
    async def api_sessions_link(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return await _link(registry, body_as(NewLink, req).account, caller)

    return bp


async def _link(registry: Registry, account_id: str, caller: Principal) -> func.HttpResponse:
    # Who may not is told so before they learn which accounts there are.
    await registry.sign_in.signing_in.require_issuer(by=caller)
    account = await registry.accounts.with_id(account_id)
    link = await registry.sign_in.signing_in.issue_link(account, by=caller)
    expires_ms = registry.clock.now_ms() + int(LINK_LIFETIME.total_seconds() * 1000)
    shown = LinkView(account=account.name, address=link.reveal(), expires_at=moment(expires_ms))
    return answer(shown, 201)
