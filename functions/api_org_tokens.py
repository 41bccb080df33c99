"""/api/v1/orgs/{org}/tokens: the tokens that belong to an organization, for machines."""

import azure.functions as func

from functions._api import Operation, answer, api_caller, api_errors, body_as, nothing
from functions.token import EndedView, IssuedView, NewMachineToken, TokenList, TokenName, TokenView
from shared.domain.names import OrgName, parse_org
from shared.domain.rates import OperationClass
from shared.registry import Registry

OPERATIONS = (
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


def blueprint(registry: Registry) -> func.Blueprint:
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
        caller = await api_caller(req, registry, OperationClass.TOKEN_ISSUE)
        org = _org(req)
        issued = await tokens.issue(org, body_as(NewMachineToken, req).wanted(org), by=caller)
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
        name = body_as(TokenName, req).name
        return answer(TokenView.of(await tokens.rename(_org(req), _id(req), name, by=caller)))

    @bp.route("api/v1/orgs/{org}/tokens/{id}/rotate", methods=["POST"])
    @api_errors
    async def api_org_tokens_rotate(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry, OperationClass.TOKEN_ISSUE)
        return answer(IssuedView.of(await tokens.rotate(_org(req), _id(req), by=caller)))

    @bp.route("api/v1/orgs/{org}/tokens/{id}", methods=["DELETE"])
    @api_errors
    async def api_org_tokens_revoke(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        await tokens.revoke(_org(req), _id(req), by=caller)
        return nothing()

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
