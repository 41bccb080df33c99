"""/api/v1/tokens and /api/v1/orgs/{org}/tokens: access tokens of a person and of an
organization; /api/v1/leaked-tokens: reports of leaked tokens by secret scanning services.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, RootModel

from functions.api.operations import ApiCall, ApiFace, Reason, RequestModel, ResponseModel, UtcTime
from shared.domain.client_addresses import LONGEST_RANGE, MAX_RANGES
from shared.domain.makers import MADE_BY_MEANING, STOPPED_MEANING, MakerStop
from shared.domain.principals import Scope
from shared.domain.rate_limits import RateLimitClass
from shared.domain.tokens import hash_secret
from shared.services.tokens.secret_scanning import Label
from shared.services.tokens.tokens import (
    MAX_TOKEN_DAYS,
    MAX_TOKEN_NAME_LENGTH,
    IssuedToken,
    OfOrganization,
    TokenRequest,
    Tokens,
    UsedToken,
)

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])
AddressRangeText = Annotated[str, Field(max_length=LONGEST_RANGE)]


class NewMachineToken(RequestModel):
    """Request body for a new access token of an organization."""

    name: str = Field(min_length=1, max_length=MAX_TOKEN_NAME_LENGTH, description="What uses it.")
    scopes: list[Scope] = Field(
        min_length=1, max_length=len(Scope), description="What it may be used for."
    )
    package: str = Field(default="*", description="Packages; * and ? stand for characters.")
    days: int | None = Field(
        default=None,
        ge=1,
        le=MAX_TOKEN_DAYS,
        description="By default what the registry's operator set.",
    )
    addresses: list[AddressRangeText] = Field(
        default=[], max_length=MAX_RANGES, description="Where it may be used; by default anywhere."
    )

    def wanted(self, org: str) -> TokenRequest:
        scopes = [scope.value for scope in self.scopes]
        return TokenRequest.parse(
            self.name,
            scopes,
            org=org,
            package=self.package,
            days=self.days,
            addresses=self.addresses,
        )


class NewToken(NewMachineToken):
    """Request body for a new access token."""

    org: str = Field(default="*", description="Organizations; * and ? stand for characters.")


class TokenName(RequestModel):
    """Request body for another name of an access token."""

    name: str = Field(min_length=1, max_length=MAX_TOKEN_NAME_LENGTH, description="What uses it.")


class GrantView(ResponseModel):
    """Scopes, on the packages that match both patterns."""

    scopes: Annotated[
        list[Scope], BeforeValidator(lambda held: [each for each in Scope if each in held])
    ]
    org: str
    package: str


class TokenView(ResponseModel):
    """A token without its text, which was shown once."""

    id: str
    name: str
    grants: list[GrantView]
    addresses: list[str] = Field(description="Where it may be used; empty for everywhere.")
    created_at: UtcTime
    expires_at: UtcTime = Field(description="Null for tokens that never expire.")
    last_used_at: UtcTime = Field(description="To about ten minutes; null if never.")
    last_used_from: str | None = Field(description="The address of that use.")
    last_used_by: str | None = Field(description="What the client of that use calls itself.")
    made_by: str | None = Field(description=f"Of an organization's: {MADE_BY_MEANING}")
    stopped: MakerStop | None = Field(description=STOPPED_MEANING)

    @classmethod
    def of(cls, used: UsedToken) -> Self:
        use = used.use
        maker = used.maker
        last = {
            "made_by": (maker.name or None) if maker else None,
            "stopped": maker.stop if maker else None,
            "last_used_ms": use.used_ms if use else None,
            "last_used_from": (use.address or None) if use else None,
            "last_used_by": (use.agent or None) if use else None,
        }
        return cls.model_validate(used.token.model_dump() | last)


class TokenList(ResponseModel):
    """Tokens, oldest first."""

    tokens: list[TokenView]

    @classmethod
    def of(cls, tokens: Iterable[UsedToken]) -> Self:
        return cls(tokens=[TokenView.of(each) for each in tokens])


class IssuedView(ResponseModel):
    """A token with its text, which is shown this once."""

    token: TokenView
    text: str

    @classmethod
    def of(cls, issued: IssuedToken, used: UsedToken) -> Self:
        return cls(token=TokenView.of(used), text=issued.text.reveal())


tokens_api = ApiFace()
organization_tokens_api = ApiFace()


def _tokens(call: ApiCall) -> Tokens:
    return call.registry.tokens.access_tokens


async def _issued(call: ApiCall, issued: IssuedToken) -> IssuedView:
    return IssuedView.of(issued, await _tokens(call).with_maker(issued))


def _of_both_owners(
    method: str, path: str, summary: str, *, name: str, **options: Any
) -> Callable[[HandlerT], HandlerT]:
    """Declare an operation on the tokens of the caller, and the same of an organization, which has
    that name; the summary has a place for whose tokens they are."""

    def declare(handler: HandlerT) -> HandlerT:
        own = summary.format("your account")
        theirs = summary.format("an organization")
        route = f"api/v1/orgs/{{org}}/tokens{path}"
        organization_tokens_api.operation(method, route, theirs, name=name, **options)(handler)
        return tokens_api.operation(method, f"api/v1/tokens{path}", own, **options)(handler)

    return declare


@_of_both_owners("GET", "", "List the tokens of {}.", name="api_org_tokens_list", also=(403,))
async def token_list(call: ApiCall) -> TokenList:
    return TokenList.of(await _tokens(call).list(call.owner, by=call.caller))


@tokens_api.operation(
    "POST",
    "api/v1/tokens",
    "Create a token; it may allow at most what the credential of this request allows.",
    status=201,
    limit=RateLimitClass.TOKEN_ISSUE,
)
async def token_issue(call: ApiCall, new: NewToken) -> IssuedView:
    issued = await _tokens(call).issue(call.owner, new.wanted(new.org), by=call.caller)
    return await _issued(call, issued)


@organization_tokens_api.operation(
    "POST",
    "api/v1/orgs/{org}/tokens",
    "Create a token of the organization, which has the rights of a maintainer.",
    status=201,
    limit=RateLimitClass.TOKEN_ISSUE,
)
async def api_org_tokens_issue(call: ApiCall, new: NewMachineToken) -> IssuedView:
    issued = await _tokens(call).issue(call.owner, new.wanted(call.org), by=call.caller)
    return await _issued(call, issued)


@_of_both_owners("GET", "/{id}", "Show a token of {}.", name="api_org_tokens_show")
async def token_show(call: ApiCall) -> TokenView:
    token_id = call.route_params["id"]
    return TokenView.of(await _tokens(call).find(call.owner, token_id, by=call.caller))


@_of_both_owners("PATCH", "/{id}", "Rename a token of {}.", name="api_org_tokens_rename")
async def token_rename(call: ApiCall, sent: TokenName) -> TokenView:
    token_id = call.route_params["id"]
    return TokenView.of(await _tokens(call).rename(call.owner, token_id, sent.name, by=call.caller))


@_of_both_owners(
    "POST",
    "/{id}/rotate",
    "Rotate a token of {}; the old value stops working.",
    limit=RateLimitClass.TOKEN_ISSUE,
    name="api_org_tokens_rotate",
)
async def token_rotate(call: ApiCall, sent: Reason) -> IssuedView:
    token_id = call.route_params["id"]
    tokens = _tokens(call)
    rotated = await tokens.rotate(call.owner, token_id, by=call.caller, reason=sent.reason)
    return await _issued(call, rotated)


@organization_tokens_api.operation(
    "POST",
    "api/v1/orgs/{org}/tokens/{id}/confirm",
    "Become the maker of a token, which keeps its value; for owners who signed in within the last "
    "ten minutes.",
)
async def api_org_tokens_confirm(call: ApiCall) -> TokenView:
    owner = OfOrganization(call.org)
    token_id = call.route_params["id"]
    return TokenView.of(await _tokens(call).confirm(owner, token_id, by=call.caller))


@_of_both_owners("DELETE", "/{id}", "Revoke a token of {}.", name="api_org_tokens_revoke")
async def token_revoke(call: ApiCall, sent: Reason) -> None:
    token_id = call.route_params["id"]
    tokens = _tokens(call)
    await tokens.revoke(call.owner, token_id, by=call.caller, reason=sent.reason)


class LeakedTokenVerdict(BaseModel):
    """Whether a text was a token here; what was reported is named by its SHA-256 alone."""

    token_hash: str
    token_type: str
    label: Label


class LeakedTokenVerdicts(RootModel[list[LeakedTokenVerdict]]):
    """A verdict for each entry of the report, in its order."""


secret_scanning_api = ApiFace()


# The body is what scanners sign, in the form of GitHub's secret scanning (docs/use/tokens.md).
@secret_scanning_api.operation(
    "POST",
    "api/v1/leaked-tokens",
    "Report leaked tokens, signed by a scanner that this registry knows; they end at once.",
    refusals=(400, 401, 413),
    stays_public=True,
)
async def api_leaks_report(call: ApiCall) -> LeakedTokenVerdicts:
    findings = await call.registry.tokens.secret_scanning.process_report(
        call.content(), call.headers, address=call.caller.address
    )
    return LeakedTokenVerdicts(
        [
            LeakedTokenVerdict(
                token_hash=hash_secret(each.leaked.text.reveal()),
                token_type=each.leaked.kind,
                label=each.label,
            )
            for each in findings
        ]
    )
