"""/api/v1/scim: tokens of directories that provision people, and accounts that these wait for; for
administrators."""

from collections.abc import Sequence
from typing import Self

from pydantic import AliasPath, Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime
from shared.domain.makers import MADE_BY_MEANING, MakerStop
from shared.domain.scim import ScimToken
from shared.services.scim.users import WaitingTakeover
from shared.services.tokens.makers import Maker
from shared.use_cases import scim
from shared.use_cases.scim import ScimTokenText
from shared.use_cases.use_case import of_registry


class ScimTokenView(ResponseModel):
    """A token without its text, which was shown once."""

    id: str
    directory: str
    created_at: UtcTime
    expires_at: UtcTime
    made_by: str | None = Field(default=None, description=MADE_BY_MEANING)
    stopped: MakerStop | None = Field(
        default=None, description="Why it stops with its maker; null if it does not."
    )

    @classmethod
    def of(cls, token: ScimToken, maker: Maker) -> Self:
        made = {"made_by": maker.name or None, "stopped": maker.stop}
        return cls.model_validate(token).model_copy(update=made)


class ScimTokenList(ResponseModel):
    """Tokens that have not expired, newest first."""

    tokens: list[ScimTokenView]


class RevealedScimTokenView(ResponseModel):
    """A new token with its text, which is shown this once."""

    id: str = Field(validation_alias=AliasPath("issued", "id"))
    directory: str = Field(validation_alias=AliasPath("issued", "directory"))
    expires_at: UtcTime = Field(validation_alias=AliasPath("issued", "expires_ms"))
    token: str


class WaitingTakeoverView(ResponseModel):
    """An account that exists, and the user of a directory with the same identity."""

    account: str = Field(validation_alias=AliasPath("account", "name"))
    account_id: str = Field(validation_alias=AliasPath("account", "id"))
    directory: str = Field(validation_alias=AliasPath("user", "directory"))
    user_name: str = Field(validation_alias=AliasPath("user", "person", "user_name"))
    external_id: str = Field(validation_alias=AliasPath("user", "person", "external_id"))


class WaitingTakeoverList(ResponseModel):
    """Accounts that a directory may take over if an administrator approves."""

    waiting: list[WaitingTakeoverView]


scim_api = ApiFace()


@scim_api.operation(
    "GET", "api/v1/scim/tokens", "List the tokens of directories; for administrators.", also=(403,)
)
async def api_scim_tokens_list(call: ApiCall) -> ScimTokenList:
    service = call.registry.scim.tokens
    tokens = await service.listed(by=call.caller)
    makers = await service.makers_of(tokens)
    return ScimTokenList(tokens=[ScimTokenView.of(each, makers[each.made_by]) for each in tokens])


@scim_api.use_case(scim.issue, "POST", "api/v1/scim/tokens", of_registry, status=201, also=(409,))
async def api_scim_tokens_issue(_: ApiCall, issued: ScimTokenText) -> RevealedScimTokenView:
    return RevealedScimTokenView.model_validate(issued)


def _token_id(call: ApiCall) -> str:
    return call.route_params["id"]


@scim_api.use_case(scim.revoke, "DELETE", "api/v1/scim/tokens/{id}", _token_id)
async def api_scim_tokens_revoke(call: ApiCall, token: ScimToken) -> ScimTokenView:
    makers = await call.registry.scim.tokens.makers_of([token])
    return ScimTokenView.of(token, makers[token.made_by])


@scim_api.operation(
    "GET",
    "api/v1/scim/takeovers",
    "List accounts that directories wait for; for administrators.",
    also=(403,),
)
async def api_scim_takeovers_list(call: ApiCall) -> WaitingTakeoverList:
    waiting = await call.registry.scim.takeovers.listed(by=call.caller)
    return WaitingTakeoverList.model_validate({"waiting": waiting})


@scim_api.use_case(scim.take_over, "POST", "api/v1/scim/takeovers", of_registry, also=(404, 409))
async def api_scim_takeovers_allow(
    _: ApiCall, waiting: Sequence[WaitingTakeover]
) -> WaitingTakeoverList:
    return WaitingTakeoverList.model_validate({"waiting": waiting})
