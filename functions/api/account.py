"""The caller's account: whoami, settings of `bal`, sessions, sign-in methods and sign-in links."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field

from functions.api.operations import (
    ApiCall,
    ApiFace,
    RequestModel,
    ResponseModel,
    UtcTime,
    utc_datetime,
)
from functions.api.tokens import GrantView
from functions.http.answers import NO_STORE
from shared.auth.sessions import SESSION_CREDENTIAL
from shared.domain.identity import Principal, Role
from shared.domain.sign_in import Session
from shared.runtime.answers import Answer
from shared.services.identity.sign_in import LINK_LIFETIME


class MemberView(ResponseModel):
    """The caller's role in an organization."""

    org: str
    role: Annotated[str, BeforeValidator(lambda role: role.value)]


class WhoamiView(ResponseModel):
    """Whose token it is, an account's or an organization's, and what it allows."""

    id: str
    name: str
    administrator: bool
    grants: list[GrantView]
    expires_at: UtcTime
    organizations: list[MemberView]


whoami_api = ApiFace()


@whoami_api.operation("GET", "api/v1/whoami", "Show the token's owner.")
async def token_whoami(call: ApiCall) -> WhoamiView:
    principal = call.caller
    if principal.organization:
        owner: dict[str, object] = {
            "id": principal.id,
            "name": principal.organization,
            "administrator": False,
            "grants": principal.grants,
            "organizations": [{"org": principal.organization, "role": Role.MAINTAINER}],
        }
    else:
        profile = await call.registry.identity.accounts.profile(principal)
        owner = profile.account.model_dump(include={"id", "name", "administrator"})
        owner |= {"grants": principal.grants, "organizations": profile.memberships}
    return WhoamiView.model_validate(owner | {"expires_ms": principal.expires_ms})


SESSIONS_ROUTE = "api/v1/account/sessions"
IDENTITIES_ROUTE = "api/v1/account/identities"
SIGN_IN_LINKS_ROUTE = "api/v1/sign-in-links"


class SessionView(ResponseModel):
    """A browser that is signed in."""

    id: str
    provider: str = Field(description="Who vouched: a provider, or link.")
    agent: str = Field(description="What the browser calls itself.")
    address: str = Field(description="Where it was when it signed in.")
    created_at: UtcTime
    seen_at: UtcTime = Field(description="To about ten minutes.")
    signed_in_at: UtcTime = Field(description="When the person last showed who they are.")
    ends_at: UtcTime = Field(description="Unless it is used before.")
    strong: bool = Field(description="Whether that sign-in cannot be phished.")
    current: bool = Field(description="Whether this request came from it.")

    @classmethod
    def of(cls, session: Session, by: Principal) -> Self:
        current = by.credential == f"{SESSION_CREDENTIAL}{session.id}"
        own = {"ends_ms": session.ends_ms, "current": current}
        return cls.model_validate(session.model_dump() | own)


class SessionList(ResponseModel):
    """The caller's sessions, those that were used last first."""

    sessions: list[SessionView]


class IdentityView(ResponseModel):
    """Somebody at a provider who can sign in to the account."""

    id: str
    provider: str
    issuer: str
    label: str = Field(description="What the person calls themselves there.")
    linked_at: UtcTime


class IdentityList(ResponseModel):
    """The identities of the caller's account, oldest first."""

    identities: list[IdentityView]


class NewLink(RequestModel):
    """For whom a sign-in link is."""

    account: str = Field(min_length=1, max_length=40, description="The id of the account.")


class LinkView(ResponseModel):
    """A link that signs its account in, shown this once."""

    account: str
    address: str
    expires_at: UtcTime


sessions_api = ApiFace()


@sessions_api.operation(
    "GET", SESSIONS_ROUTE, "List the browsers that are signed in to your account.", also=(403,)
)
async def api_sessions_list(call: ApiCall) -> SessionList:
    found = await call.registry.identity.sessions.list_own(by=call.caller)
    return SessionList(sessions=[SessionView.of(each, call.caller) for each in found])


@sessions_api.operation(
    "DELETE", f"{SESSIONS_ROUTE}/{{id}}", "End a session of yours, everywhere within five seconds."
)
async def api_sessions_end(call: ApiCall) -> None:
    ended = await call.registry.identity.sessions.end(call.route_params["id"], by=call.caller)
    call.registry.identity.session_authentication.invalidate(ended)


@sessions_api.operation(
    "GET", IDENTITIES_ROUTE, "List who can sign in to your account.", also=(403,)
)
async def api_sessions_identities(call: ApiCall) -> IdentityList:
    found = await call.registry.identity.identities.of(by=call.caller)
    return IdentityList.model_validate({"identities": found})


@sessions_api.operation(
    "DELETE",
    f"{IDENTITIES_ROUTE}/{{id}}",
    "Remove a way to sign in to your account; it takes a fresh sign-in.",
    also=(409,),
)
async def api_sessions_remove_identity(call: ApiCall) -> None:
    await call.registry.identity.identities.remove(call.route_params["id"], by=call.caller)


@sessions_api.operation(
    "POST",
    SIGN_IN_LINKS_ROUTE,
    "Make a link that signs somebody in, once; it takes an administrator and a fresh sign-in.",
    status=201,
    also=(404,),
)
async def api_sessions_link(call: ApiCall, sent: NewLink) -> LinkView:
    account_id, registry = sent.account, call.registry
    # Checked before the account is read, so that nobody else learns which accounts exist.
    await registry.identity.sign_in_flow.require_link_issuer(by=call.caller)
    account = await registry.identity.accounts.by_id(account_id)
    link = await registry.identity.sign_in_flow.issue_link(account, by=call.caller)
    expires_ms = registry.clock.now_ms() + int(LINK_LIFETIME.total_seconds() * 1000)
    return LinkView(
        account=account.name, address=link.reveal(), expires_at=utc_datetime(expires_ms)
    )


TOML = "application/toml"
ANY_USER_NAME = "me"  # The user name may be any word; the token says who it is.

client_settings_api = ApiFace()


@client_settings_api.operation(
    "GET",
    "api/v1/settings.toml",
    "Return the Settings.toml of a client of this registry, with a place for a token.",
    refusals=(),
)
async def api_settings_toml(call: ApiCall) -> Answer:
    name = ANY_USER_NAME
    if not call.caller.is_anonymous and not call.caller.organization:
        name = (await call.registry.identity.accounts.profile(call.caller)).account.name
    text = call.registry.client_settings(name)
    return Answer(text.encode(), headers=NO_STORE, media_type=TOML)
