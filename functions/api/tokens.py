"""/api/v1/tokens and /api/v1/orgs/{org}/tokens: access tokens of a person and of an
organization.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Self

import azure.functions as func
from pydantic import Field

from functions.api.operations import (
    Operation,
    RequestModel,
    ResponseModel,
    answer,
    api_caller,
    no_content_response,
    parse_body,
    utc_datetime,
)
from functions.http.handlers import api_errors
from shared.composition import Registry
from shared.domain.addresses import LONGEST_RANGE, MAX_RANGES
from shared.domain.names import OrgName, parse_org
from shared.domain.rate_limits import RateLimitClass
from shared.domain.rights import Grant, Scope
from shared.domain.tokens import LineageRecord, Made
from shared.services.token_records import IssuedToken, UsedToken
from shared.services.tokens import MAX_TOKEN_DAYS, MAX_TOKEN_NAME_LENGTH, TokenRequest

AddressRangeText = Annotated[str, Field(max_length=LONGEST_RANGE)]


class NewMachineToken(RequestModel):
    """What a new token is to be called and good for."""

    name: str = Field(min_length=1, max_length=MAX_TOKEN_NAME_LENGTH, description="What uses it.")
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
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
        """Read the request, for packages of `org`."""
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
    """What a new token is to be called and good for."""

    org: str = Field(default="*", description="Organizations; * and ? stand for characters.")


class TokenName(RequestModel):
    """What a token is to be called from now on."""

    name: str = Field(min_length=1, max_length=MAX_TOKEN_NAME_LENGTH)


class GrantView(ResponseModel):
    """Scopes, on the packages that match both patterns."""

    scopes: list[Scope]
    org: str
    package: str

    @classmethod
    def of(cls, grant: Grant) -> Self:
        """Show a grant."""
        scopes = [scope for scope in Scope if scope in grant.scopes]
        return cls(scopes=scopes, org=grant.org, package=grant.package)


class MadeView(ResponseModel):
    """Something that was made with a token, and ends with it when it is revoked as stolen."""

    what: Made
    id: str = Field(description="Of the token or invitation, or the account that became a member.")
    name: str
    org: str | None = Field(description="Where somebody was invited or became a member.")
    made_at: datetime | None

    @classmethod
    def of(cls, made: LineageRecord) -> Self:
        """Show what was made."""
        return cls(
            what=made.what,
            id=made.id,
            name=made.name,
            org=made.org or None,
            made_at=utc_datetime(made.made_ms),
        )


class EndedView(ResponseModel):
    """What was made with a stolen token, and ended with it."""

    ended: list[MadeView]

    @classmethod
    def of(cls, made: Iterable[LineageRecord]) -> Self:
        """Show what ended."""
        return cls(ended=[MadeView.of(each) for each in made])


class TokenView(ResponseModel):
    """A token without its text, which was shown once."""

    id: str
    name: str
    grants: list[GrantView]
    addresses: list[str] = Field(description="Where it may be used; empty for everywhere.")
    created_at: datetime | None
    expires_at: datetime | None = Field(description="Null for tokens that never expire.")
    last_used_at: datetime | None = Field(description="To about ten minutes; null if never.")
    last_used_from: str | None = Field(description="The address of that use.")
    last_used_by: str | None = Field(description="What the client of that use calls itself.")
    made_with: str | None = Field(description="The token that asked for it; null for a person.")
    made: list[MadeView] = Field(description="What was made with it, and may be there still.")

    @classmethod
    def of(cls, used: UsedToken) -> Self:
        """Show a token."""
        token, use = used.token, used.use
        return cls(
            id=token.id,
            name=token.name,
            grants=[GrantView.of(grant) for grant in token.grants],
            addresses=list(token.addresses),
            created_at=utc_datetime(token.created_ms),
            expires_at=utc_datetime(token.expires_ms),
            last_used_at=utc_datetime(use.used_ms) if use else None,
            last_used_from=(use.address or None) if use else None,
            last_used_by=(use.agent or None) if use else None,
            made_with=token.made_with or None,
            made=[MadeView.of(each) for each in used.made],
        )


class TokenList(ResponseModel):
    """Tokens, oldest first."""

    tokens: list[TokenView]

    @classmethod
    def of(cls, tokens: Iterable[UsedToken]) -> Self:
        """Show tokens."""
        return cls(tokens=[TokenView.of(each) for each in tokens])


class IssuedView(ResponseModel):
    """A token with its text, which is shown this once."""

    token: TokenView
    text: str

    @classmethod
    def of(cls, issued: IssuedToken) -> Self:
        """Show a new token, or one with a new text."""
        return cls(token=TokenView.of(UsedToken(issued.token)), text=issued.text.reveal())


TOKEN_OPERATIONS = (
    Operation(
        "token_list",
        "GET",
        "api/v1/tokens",
        "List your tokens.",
        200,
        answer=TokenList,
        refusals=(401, 403),
    ),
    Operation(
        "token_issue",
        "POST",
        "api/v1/tokens",
        "Create a token; it allows nothing that the credential of this request lacks.",
        201,
        request=NewToken,
        answer=IssuedView,
        refusals=(400, 401, 403),
    ),
    Operation(
        "token_show",
        "GET",
        "api/v1/tokens/{id}",
        "Show a token of yours.",
        200,
        answer=TokenView,
        refusals=(401, 403, 404),
    ),
    Operation(
        "token_rename",
        "PATCH",
        "api/v1/tokens/{id}",
        "Rename a token of yours.",
        200,
        request=TokenName,
        answer=TokenView,
        refusals=(400, 401, 403, 404),
    ),
    Operation(
        "token_rotate",
        "POST",
        "api/v1/tokens/{id}/rotate",
        "Give a token of yours a new text, for as long again; the old text ends.",
        200,
        answer=IssuedView,
        refusals=(401, 403, 404),
    ),
    Operation(
        "token_revoke",
        "DELETE",
        "api/v1/tokens/{id}",
        "Revoke a token of yours.",
        204,
        refusals=(401, 403, 404),
    ),
    Operation(
        "token_revoke_stolen",
        "POST",
        "api/v1/tokens/{id}/stolen",
        "Revoke a token of yours as stolen, with everything that was made with it.",
        200,
        answer=EndedView,
        refusals=(401, 403, 404),
    ),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of tokens."""
    bp = func.Blueprint()

    @bp.route("api/v1/tokens", methods=["GET", "HEAD"])
    @api_errors
    async def token_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return answer(TokenList.of(await registry.tokens.list(caller.id, by=caller)))

    @bp.route("api/v1/tokens", methods=["POST"])
    @api_errors
    async def token_issue(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry, RateLimitClass.TOKEN_ISSUE)
        new = parse_body(NewToken, req)
        issued = await registry.tokens.issue(caller.id, new.wanted(new.org), by=caller)
        return answer(IssuedView.of(issued), 201, Location=f"/api/v1/tokens/{issued.token.id}")

    @bp.route("api/v1/tokens/{id}", methods=["GET", "HEAD"])
    @api_errors
    async def token_show(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        token_id = req.route_params["id"]
        return answer(TokenView.of(await registry.tokens.find(caller.id, token_id, by=caller)))

    @bp.route("api/v1/tokens/{id}", methods=["PATCH"])
    @api_errors
    async def token_rename(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        token_id, name = req.route_params["id"], parse_body(TokenName, req).name
        renamed = await registry.tokens.rename(caller.id, token_id, name, by=caller)
        return answer(TokenView.of(renamed))

    @bp.route("api/v1/tokens/{id}/rotate", methods=["POST"])
    @api_errors
    async def token_rotate(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry, RateLimitClass.TOKEN_ISSUE)
        issued = await registry.tokens.rotate(caller.id, req.route_params["id"], by=caller)
        return answer(IssuedView.of(issued))

    @bp.route("api/v1/tokens/{id}", methods=["DELETE"])
    @api_errors
    async def token_revoke(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        await registry.tokens.revoke(caller.id, req.route_params["id"], by=caller)
        return no_content_response()

    @bp.route("api/v1/tokens/{id}/stolen", methods=["POST"])
    @api_errors
    async def token_revoke_stolen(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        token_id = req.route_params["id"]
        ended = await registry.tokens.revoke_stolen(caller.id, token_id, by=caller)
        return answer(EndedView.of(ended))

    return bp


ORGANIZATION_TOKEN_OPERATIONS = (
    Operation(
        "api_org_tokens_list",
        "GET",
        "api/v1/orgs/{org}/tokens",
        "List the tokens of an organization; its owners may.",
        200,
        answer=TokenList,
        refusals=(400, 401, 403, 404),
    ),
    Operation(
        "api_org_tokens_issue",
        "POST",
        "api/v1/orgs/{org}/tokens",
        "Create a token of the organization: a maintainer of it that is nobody's account.",
        201,
        request=NewMachineToken,
        answer=IssuedView,
        refusals=(400, 401, 403, 404),
    ),
    Operation(
        "api_org_tokens_show",
        "GET",
        "api/v1/orgs/{org}/tokens/{id}",
        "Show a token of an organization.",
        200,
        answer=TokenView,
        refusals=(400, 401, 403, 404),
    ),
    Operation(
        "api_org_tokens_rename",
        "PATCH",
        "api/v1/orgs/{org}/tokens/{id}",
        "Rename a token of an organization.",
        200,
        request=TokenName,
        answer=TokenView,
        refusals=(400, 401, 403, 404),
    ),
    Operation(
        "api_org_tokens_rotate",
        "POST",
        "api/v1/orgs/{org}/tokens/{id}/rotate",
        "Give a token of an organization a new text, for as long again; the old text ends.",
        200,
        answer=IssuedView,
        refusals=(400, 401, 403, 404),
    ),
    Operation(
        "api_org_tokens_revoke",
        "DELETE",
        "api/v1/orgs/{org}/tokens/{id}",
        "Revoke a token of an organization.",
        204,
        refusals=(400, 401, 403, 404),
    ),
    Operation(
        "api_org_tokens_revoke_stolen",
        "POST",
        "api/v1/orgs/{org}/tokens/{id}/stolen",
        "Revoke a token of an organization as stolen, with everything that was made with it.",
        200,
        answer=EndedView,
        refusals=(400, 401, 403, 404),
    ),
)


def organization_tokens_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of organizations' tokens."""
    bp = func.Blueprint()
    tokens = registry.organization_tokens

    @bp.route("api/v1/orgs/{org}/tokens", methods=["GET", "HEAD"])
    @api_errors
    async def api_org_tokens_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return answer(TokenList.of(await tokens.list(_org(req), by=caller)))

    @bp.route("api/v1/orgs/{org}/tokens", methods=["POST"])
    @api_errors
    async def api_org_tokens_issue(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry, RateLimitClass.TOKEN_ISSUE)
        org = _org(req)
        issued = await tokens.issue(org, parse_body(NewMachineToken, req).wanted(org), by=caller)
        location = f"/api/v1/orgs/{org}/tokens/{issued.token.id}"
        return answer(IssuedView.of(issued), 201, Location=location)

    @bp.route("api/v1/orgs/{org}/tokens/{id}", methods=["GET", "HEAD"])
    @api_errors
    async def api_org_tokens_show(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return answer(TokenView.of(await tokens.find(_org(req), _id(req), by=caller)))

    @bp.route("api/v1/orgs/{org}/tokens/{id}", methods=["PATCH"])
    @api_errors
    async def api_org_tokens_rename(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        name = parse_body(TokenName, req).name
        return answer(TokenView.of(await tokens.rename(_org(req), _id(req), name, by=caller)))

    @bp.route("api/v1/orgs/{org}/tokens/{id}/rotate", methods=["POST"])
    @api_errors
    async def api_org_tokens_rotate(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry, RateLimitClass.TOKEN_ISSUE)
        return answer(IssuedView.of(await tokens.rotate(_org(req), _id(req), by=caller)))

    @bp.route("api/v1/orgs/{org}/tokens/{id}", methods=["DELETE"])
    @api_errors
    async def api_org_tokens_revoke(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        await tokens.revoke(_org(req), _id(req), by=caller)
        return no_content_response()

    @bp.route("api/v1/orgs/{org}/tokens/{id}/stolen", methods=["POST"])
    @api_errors
    async def api_org_tokens_revoke_stolen(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return answer(EndedView.of(await tokens.revoke_stolen(_org(req), _id(req), by=caller)))

    return bp


def _org(req: func.HttpRequest) -> OrgName:
    return parse_org(req.route_params["org"])


def _id(req: func.HttpRequest) -> str:
    return req.route_params["id"]
