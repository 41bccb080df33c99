"""Provisioning by SCIM: the tokens of directories, and the accounts that they may take over."""

from typing import Annotated

from msgspec import Struct
from pydantic import Field

from shared.domain.principals import Principal
from shared.domain.scim import MAX_SCIM_TOKEN_DAYS, ScimToken
from shared.domain.scopes import Action
from shared.registry import Registry
from shared.services.scim.tokens import IssuedScimToken
from shared.services.scim.users import WaitingTakeover
from shared.use_cases.inputs import FormField, Inputs, Nothing
from shared.use_cases.use_case import use_case

MAX_TAKEN_OVER = 1_000  # Accounts of one request.


class NewScimToken(Inputs):
    """For which directory a token is, and for how long."""

    directory: Annotated[str, FormField("Directory")] = Field(
        default="",
        max_length=20,
        description="entra or oidc; may be left out if people sign in with one of them.",
    )
    days: int = Field(
        default=MAX_SCIM_TOKEN_DAYS,
        ge=1,
        le=MAX_SCIM_TOKEN_DAYS,
        description="After how many days it expires.",
    )


class NamedAccounts(Inputs):
    """The accounts that directories may take over."""

    accounts: Annotated[list[str], FormField("Accounts", name="account", read=list)] = Field(
        max_length=MAX_TAKEN_OVER,
        description="Names of accounts, or id: and the id; * is every account that waits.",
    )


class ScimTokenText(Struct, frozen=True):
    """A new token with its text, which is shown this once."""

    issued: ScimToken
    token: str

    @classmethod
    def of(cls, issued: IssuedScimToken) -> "ScimTokenText":
        return cls(issued.token, issued.text.reveal())


@use_case(
    "Create a token with which a directory provisions people; for administrators who signed in "
    "recently.",
    inputs=NewScimToken,
    right=Action.OPERATE,
    shown_once="token",
)
async def issue(registry: Registry, _: None, sent: NewScimToken, by: Principal) -> ScimTokenText:
    return ScimTokenText.of(await registry.scim.tokens.issue(sent.directory, sent.days, by=by))


@use_case(
    "Revoke the token of a directory; for administrators who signed in recently.",
    inputs=Nothing,
    right=Action.OPERATE,
    done="Token revoked. The directory is refused from its next request on.",
    printed="Revoked. The directory is refused from its next request on.",
)
async def revoke(registry: Registry, token_id: str, _: Nothing, by: Principal) -> ScimToken:
    return await registry.scim.tokens.revoke(token_id, by=by)


@use_case(
    "Let directories take over accounts that exist; for administrators who signed in recently.",
    inputs=NamedAccounts,
    right=Action.OPERATE,
    done="Accounts taken over. From now on their directory locks and unlocks them.",
)
async def take_over(
    registry: Registry, _: None, sent: NamedAccounts, by: Principal
) -> list[WaitingTakeover]:
    return await registry.scim.takeovers.allow(sent.accounts, by=by)
