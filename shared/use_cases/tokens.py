"""Access tokens of a person and of an organization: creating, renaming, rotating, confirming and
revoking one."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Struct
from pydantic import Field

from shared.domain.client_addresses import LONGEST_RANGE, MAX_RANGES
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.grants import ANY_NAME
from shared.domain.principals import Principal
from shared.domain.scopes import Action, Scope
from shared.domain.tokens import MAX_TOKEN_DAYS, MAX_TOKEN_NAME_LENGTH
from shared.registry import Registry
from shared.services.tokens.tokens import (
    IssuedToken,
    OfOrganization,
    TokenOwner,
    TokenRequest,
    UsedToken,
    parse_scope,
)
from shared.use_cases.inputs import FormField, Inputs, Nothing, Reason, text, words
from shared.use_cases.use_case import use_case


def _scopes(values: Sequence[str]) -> list[Scope]:
    with about_field("scope"):
        return [parse_scope(each) for each in values]


def _pattern(values: Sequence[str]) -> str:
    return text(values) or ANY_NAME


def _days(values: Sequence[str]) -> int | None:
    typed = text(values)
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) <= len(str(MAX_TOKEN_DAYS))):
        message = f"A token can expire in 1 to {MAX_TOKEN_DAYS} days. Enter a number of days."
        with about_field("days"):
            raise InvalidRequest(message)
    return int(typed)


_NAME = FormField("Name", hint="What the token is for, such as nightly build")


class NewMachineToken(Inputs):
    """Request body for a new access token of an organization."""

    name: Annotated[str, _NAME] = Field(
        min_length=1, max_length=MAX_TOKEN_NAME_LENGTH, description="What uses it."
    )
    scopes: Annotated[list[Scope], FormField("Scopes", name="scope", read=_scopes)] = Field(
        min_length=1, max_length=len(Scope), description="What it may be used for."
    )
    package: Annotated[
        str,
        FormField("Packages", hint="A name, a pattern such as http*, or * for all", read=_pattern),
    ] = Field(default=ANY_NAME, description="Packages; * and ? stand for characters.")
    days: Annotated[
        int | None,
        FormField("Expires in (days)", hint=f"1 to {MAX_TOKEN_DAYS}", read=_days),
    ] = Field(
        default=None,
        ge=1,
        le=MAX_TOKEN_DAYS,
        description="By default what the registry's operator set.",
    )
    addresses: Annotated[
        list[Annotated[str, Field(max_length=LONGEST_RANGE)]],
        FormField("Allowed IP ranges", hint="Optional, such as 192.0.2.0/24", read=words),
    ] = Field(
        default=[], max_length=MAX_RANGES, description="Where it may be used; by default anywhere."
    )

    def wanted(self, org: str) -> TokenRequest:
        """Return the request of a token for organizations of this pattern."""
        return TokenRequest.parse(
            self.name,
            [scope.value for scope in self.scopes],
            org=org,
            package=self.package,
            days=self.days,
            addresses=self.addresses,
        )


class NewToken(NewMachineToken):
    """Request body for a new access token."""

    org: Annotated[
        str,
        FormField("Organization", hint="A name, or * for all your organizations", read=_pattern),
    ] = Field(default=ANY_NAME, description="Organizations; * and ? stand for characters.")


class TokenName(Inputs):
    """Request body for another name of an access token."""

    name: Annotated[str, _NAME] = Field(
        min_length=1, max_length=MAX_TOKEN_NAME_LENGTH, description="What uses it."
    )


class NamedToken(Struct, frozen=True):
    """The token of an owner with this id."""

    owner: TokenOwner
    id: str


class NamedMachineToken(Struct, frozen=True):
    """The token of an organization with this id."""

    owner: OfOrganization
    id: str


@use_case(
    "Create a token; it may allow at most what the credential of this request allows.",
    inputs=NewToken,
    right=Action.MANAGE,
    shown_once="text",
)
async def issue(registry: Registry, owner: TokenOwner, new: NewToken, by: Principal) -> IssuedToken:
    wanted = new.wanted(new.org)
    return await registry.tokens.access_tokens.issue(owner, wanted, by=by)


@use_case(
    "Create a token of the organization, which has the rights of a maintainer.",
    inputs=NewMachineToken,
    right=Action.GOVERN,
    shown_once="text",
)
async def issue_for_organization(
    registry: Registry, owner: OfOrganization, new: NewMachineToken, by: Principal
) -> IssuedToken:
    return await registry.tokens.access_tokens.issue(owner, new.wanted(owner.org), by=by)


@use_case(
    "Rename a token of {}.",
    inputs=TokenName,
    right=Action.MANAGE,
    done="Access token renamed.",
    printed="Renamed {id} to {name}.",
)
async def rename(
    registry: Registry, token: NamedToken, sent: TokenName, by: Principal
) -> UsedToken:
    tokens = registry.tokens.access_tokens
    return await tokens.rename(token.owner, token.id, sent.name, by=by)


# For a token of one's own account no recent sign-in is required, unless the token manages,
# moderates, audits or applies.
@use_case(
    "Rotate a token of {}; the old value stops working.",
    inputs=Reason,
    right=Action.GOVERN,
    shown_once="text",
)
async def rotate(registry: Registry, token: NamedToken, sent: Reason, by: Principal) -> IssuedToken:
    tokens = registry.tokens.access_tokens
    return await tokens.rotate(token.owner, token.id, by=by, reason=sent.reason)


@use_case(
    "Become the maker of a token, which keeps its value; for owners who signed in within the last "
    "ten minutes.",
    inputs=Nothing,
    right=Action.GOVERN,
    done="Token confirmed. You are its maker now.",
    printed="Confirmed {id}. The operator is its maker.",
)
async def confirm(
    registry: Registry, token: NamedMachineToken, _: Nothing, by: Principal
) -> UsedToken:
    return await registry.tokens.access_tokens.confirm(token.owner, token.id, by=by)


@use_case(
    "Revoke a token of {}.",
    inputs=Reason,
    right=Action.MANAGE,
    done="Access token revoked. It stops working within five seconds.",
    printed="Revoked {id}. It is refused everywhere within five seconds.",
)
async def revoke(registry: Registry, token: NamedToken, sent: Reason, by: Principal) -> None:
    tokens = registry.tokens.access_tokens
    await tokens.revoke(token.owner, token.id, by=by, reason=sent.reason)
