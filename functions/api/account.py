"""The caller's account: whoami, and settings of `bal`."""

from typing import Annotated

from pydantic import BeforeValidator

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime
from functions.api.tokens import GrantView
from functions.http.caching_headers import NO_STORE
from shared.domain.scopes import Role
from shared.runtime.answers import Answer


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


TOML = "application/toml"
ANY_USER_NAME = "me"  # The user name may be any word; the token says who it is.

client_settings_api = ApiFace()


@client_settings_api.operation(
    "GET",
    "api/v1/settings.toml",
    "Return the Settings.toml of a client of this registry, with a place for a token.",
    refusals=(401,),
    needs_token=False,
    media_types=(TOML,),
)
async def api_settings_toml(call: ApiCall) -> Answer:
    name = ANY_USER_NAME
    if not call.caller.is_anonymous and not call.caller.organization:
        name = (await call.registry.identity.accounts.profile(call.caller)).account.name
    text = call.registry.client_settings(name)
    return Answer(text.encode(), headers=NO_STORE, media_type=TOML)
