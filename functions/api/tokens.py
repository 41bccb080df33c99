"""/api/v1/tokens and /api/v1/orgs/{org}/tokens: access tokens of a person and of an
organization; /api/v1/leaked-tokens: reports of leaked tokens by secret scanning services.
"""

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime
from shared.domain.makers import MADE_BY_MEANING, STOPPED_MEANING, MakerStop
from shared.domain.rate_limits import RateLimitClass
from shared.domain.scopes import Scope
from shared.domain.tokens import hash_secret
from shared.services.tokens.secret_scanning import Label
from shared.services.tokens.tokens import IssuedToken, OfOrganization, TokenOwner, Tokens, UsedToken
from shared.use_cases import tokens
from shared.use_cases.tokens import NamedMachineToken, NamedToken


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
    made_by: str | None = Field(description=f"For tokens of an organization. {MADE_BY_MEANING}")
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


def _owner(call: ApiCall) -> TokenOwner:
    return call.owner


def _organization(call: ApiCall) -> OfOrganization:
    return OfOrganization(call.org)


def _token(call: ApiCall) -> NamedToken:
    return NamedToken(call.owner, call.route_params["id"])


def _machine_token(call: ApiCall) -> NamedMachineToken:
    return NamedMachineToken(_organization(call), call.route_params["id"])


_OWN = "your account"
_THEIRS = "an organization"


@tokens_api.operation("GET", "api/v1/tokens", f"List the tokens of {_OWN}.", also=(403,))
@organization_tokens_api.operation(
    "GET",
    "api/v1/orgs/{org}/tokens",
    f"List the tokens of {_THEIRS}.",
    name="api_org_tokens_list",
)
async def token_list(call: ApiCall) -> TokenList:
    return TokenList.of(await _tokens(call).list(call.owner, by=call.caller))


@tokens_api.use_case(
    tokens.issue, "POST", "api/v1/tokens", _owner, status=201, limit=RateLimitClass.TOKEN_ISSUE
)
async def token_issue(call: ApiCall, issued: IssuedToken) -> IssuedView:
    return IssuedView.of(issued, await _tokens(call).with_maker(issued))


organization_tokens_api.use_case(
    tokens.issue_for_organization,
    "POST",
    "api/v1/orgs/{org}/tokens",
    _organization,
    status=201,
    limit=RateLimitClass.TOKEN_ISSUE,
    name="api_org_tokens_issue",
)(token_issue)


@tokens_api.operation("GET", "api/v1/tokens/{id}", f"Show a token of {_OWN}.")
@organization_tokens_api.operation(
    "GET",
    "api/v1/orgs/{org}/tokens/{id}",
    f"Show a token of {_THEIRS}.",
    name="api_org_tokens_show",
)
async def token_show(call: ApiCall) -> TokenView:
    token_id = call.route_params["id"]
    return TokenView.of(await _tokens(call).find(call.owner, token_id, by=call.caller))


@tokens_api.use_case(tokens.rename, "PATCH", "api/v1/tokens/{id}", _token, whose=_OWN)
@organization_tokens_api.use_case(
    tokens.rename,
    "PATCH",
    "api/v1/orgs/{org}/tokens/{id}",
    _token,
    whose=_THEIRS,
    name="api_org_tokens_rename",
)
async def token_rename(_: ApiCall, renamed: UsedToken) -> TokenView:
    return TokenView.of(renamed)


@tokens_api.use_case(
    tokens.rotate,
    "POST",
    "api/v1/tokens/{id}/rotate",
    _token,
    whose=_OWN,
    limit=RateLimitClass.TOKEN_ISSUE,
)
@organization_tokens_api.use_case(
    tokens.rotate,
    "POST",
    "api/v1/orgs/{org}/tokens/{id}/rotate",
    _token,
    whose=_THEIRS,
    limit=RateLimitClass.TOKEN_ISSUE,
    name="api_org_tokens_rotate",
)
async def token_rotate(call: ApiCall, rotated: IssuedToken) -> IssuedView:
    return IssuedView.of(rotated, await _tokens(call).with_maker(rotated))


@organization_tokens_api.use_case(
    tokens.confirm, "POST", "api/v1/orgs/{org}/tokens/{id}/confirm", _machine_token
)
async def api_org_tokens_confirm(_: ApiCall, confirmed: UsedToken) -> TokenView:
    return TokenView.of(confirmed)


@tokens_api.use_case(tokens.revoke, "DELETE", "api/v1/tokens/{id}", _token, whose=_OWN)
@organization_tokens_api.use_case(
    tokens.revoke,
    "DELETE",
    "api/v1/orgs/{org}/tokens/{id}",
    _token,
    whose=_THEIRS,
    name="api_org_tokens_revoke",
)
async def token_revoke(_: ApiCall, _done: None) -> None:
    """Answer with a 204."""


class LeakedTokenVerdict(BaseModel):
    """Whether a text was a token here; what was reported is named only by its SHA-256."""

    model_config = ConfigDict(defer_build=True)

    token_hash: str
    token_type: str
    label: Label


class LeakedTokenVerdicts(RootModel[list[LeakedTokenVerdict]]):
    """A verdict for each entry of the report, in its order."""

    model_config = ConfigDict(defer_build=True)


secret_scanning_api = ApiFace()


# The body is what scanners sign, in the form of GitHub's secret scanning (docs/use/tokens.md).
@secret_scanning_api.operation(
    "POST",
    "api/v1/leaked-tokens",
    "Report leaked tokens, signed by a scanner that this registry knows; they end at once.",
    refusals=(400, 401, 413),
    serves_anonymous_always=True,
    needs_token=False,
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
