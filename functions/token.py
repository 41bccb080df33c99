"""/api/v1/tokens and /api/v1/whoami: who one is, and the tokens that one has."""

from datetime import datetime
from typing import Self

import azure.functions as func
from pydantic import Field

from functions._api import Answer, Operation, Request, answer, api_errors, body_as, moment, nothing
from functions._http import caller_of
from shared.domain.rights import Grant, Scope
from shared.domain.tokens import Token, TokenUse
from shared.registry import Registry
from shared.services.accounts import Profile
from shared.services.tokens import MAX_DAYS, MAX_NAME_LENGTH, TokenRequest


class NewToken(Request):
    """What a new token is to be called and good for."""

    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH, description="What uses it.")
    scopes: list[Scope] = Field(min_length=1)
    org: str = Field(default="*", description="Organizations; * and ? stand for characters.")
    package: str = Field(default="*", description="Packages of them; * and ? as well.")
    days: int | None = Field(
        default=None, ge=1, le=MAX_DAYS, description="By default what the registry's operator set."
    )


class GrantView(Answer):
    """Scopes, on the packages that match both patterns."""

    scopes: list[Scope]
    org: str
    package: str

    @classmethod
    def of(cls, grant: Grant) -> Self:
        """Show a grant."""
        scopes = [scope for scope in Scope if scope in grant.scopes]
        return cls(scopes=scopes, org=grant.org, package=grant.package)


class TokenView(Answer):
    """A token without its text, which was shown once."""

    id: str
    name: str
    grants: list[GrantView]
    created_at: datetime | None
    expires_at: datetime | None = Field(description="Null for tokens that never expire.")
    last_used_at: datetime | None = Field(description="To about ten minutes; null if never.")

    @classmethod
    def of(cls, token: Token, use: TokenUse | None = None) -> Self:
        """Show a token."""
        return cls(
            id=token.id,
            name=token.name,
            grants=[GrantView.of(grant) for grant in token.grants],
            created_at=moment(token.created_ms),
            expires_at=moment(token.expires_ms),
            last_used_at=moment(use.used_ms if use else None),
        )


class TokenList(Answer):
    """The caller's tokens, oldest first."""

    tokens: list[TokenView]


class IssuedView(Answer):
    """A new token with its text, which is shown this once."""

    token: TokenView
    text: str


class MemberView(Answer):
    """What the caller is in an organization."""

    org: str
    role: str


class WhoamiView(Answer):
    """The account behind the request, and what its token allows."""

    id: str
    name: str
    administrator: bool
    grants: list[GrantView]
    expires_at: datetime | None
    organizations: list[MemberView]

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """Show a profile."""
        return cls(
            id=profile.account.id,
            name=profile.account.name,
            administrator=profile.account.administrator,
            grants=[GrantView.of(grant) for grant in profile.principal.grants],
            expires_at=moment(profile.principal.expires_ms),
            organizations=[
                MemberView(org=each.org, role=each.role.value) for each in profile.memberships
            ],
        )


OPERATIONS = (
    Operation(
        "token_whoami",
        "GET",
        "api/v1/whoami",
        "Say who the token belongs to.",
        200,
        answer=WhoamiView,
    ),
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
        "Create a token; it allows nothing that the token of this request lacks.",
        201,
        request=NewToken,
        answer=IssuedView,
        refusals=(400, 401, 403),
    ),
    Operation(
        "token_revoke",
        "DELETE",
        "api/v1/tokens/{id}",
        "Revoke a token of yours.",
        204,
        refusals=(401, 403, 404),
    ),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of tokens."""
    bp = func.Blueprint()

    @bp.route("api/v1/whoami", methods=["GET"])
    @api_errors
    async def token_whoami(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(req.headers, registry)
        return answer(WhoamiView.of(await registry.accounts.profile(caller)))

    @bp.route("api/v1/tokens", methods=["GET"])
    @api_errors
    async def token_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(req.headers, registry)
        tokens = await registry.tokens.list(caller.id, by=caller)
        uses = await registry.tokens.uses(caller.id, by=caller)
        shown = [TokenView.of(token, uses.get(token.id)) for token in tokens]
        return answer(TokenList(tokens=shown))

    @bp.route("api/v1/tokens", methods=["POST"])
    @api_errors
    async def token_issue(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(req.headers, registry)
        issued = await registry.tokens.issue(caller.id, _wanted(req), by=caller)
        shown = IssuedView(token=TokenView.of(issued.token), text=issued.text.reveal())
        return answer(shown, 201, Location=f"/api/v1/tokens/{issued.token.id}")

    @bp.route("api/v1/tokens/{id}", methods=["DELETE"])
    @api_errors
    async def token_revoke(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(req.headers, registry)
        await registry.tokens.revoke(caller.id, req.route_params["id"], by=caller)
        return nothing()

    return bp


def _wanted(req: func.HttpRequest) -> TokenRequest:
    new = body_as(NewToken, req)
    scopes = [scope.value for scope in new.scopes]
    return TokenRequest.parse(new.name, scopes, org=new.org, package=new.package, days=new.days)
