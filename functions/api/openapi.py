"""GET /api/v1/openapi.json: the OpenAPI document, and the operations by group for a page."""

from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import Literal

from msgspec import Struct
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from functions.api import (
    account,
    accounts,
    advisories,
    approved_packages,
    audit_log,
    dependencies,
    device_login,
    directory_locks,
    dry_runs,
    following,
    groups,
    keys,
    members,
    mirror,
    moderation,
    name_disputes,
    organizations,
    ownership,
    packages,
    provenance,
    pulls,
    registry_files,
    reports,
    rights,
    rules,
    sboms,
    scim,
    staged_releases,
    tokens,
    transparency_log,
    trusted_publishing,
    webhooks,
)
from functions.api.api_face import ApiCall, ApiFace, ApiOperation
from functions.http.json_answers import JSON, json_answer
from shared.domain.visibility import Readers
from shared.runtime.answers import Answer

openapi_api = ApiFace()


@openapi_api.operation(
    "GET",
    "api/v1/openapi.json",
    "Return this document.",
    ignores_credentials=True,
    media_types=(JSON,),
)
async def api_docs_openapi(call: ApiCall) -> Answer:
    settings = call.registry.settings
    return json_answer(openapi_document(settings.base_url, settings.readers))


# The whole API, in the order of the document.
FACES = (
    accounts.accounts_api,
    rights.rights_api,
    advisories.organization_advisories_api,
    advisories.advisories_api,
    advisories.assessments_api,
    audit_log.audit_log_api,
    registry_files.registry_files_api,
    members.invitations_api,
    groups.groups_api,
    directory_locks.directory_locks_api,
    scim.scim_api,
    mirror.mirror_api,
    approved_packages.approved_packages_api,
    moderation.moderation_api,
    tokens.secret_scanning_api,
    members.members_api,
    tokens.organization_tokens_api,
    organizations.organizations_api,
    moderation.own_releases_api,
    rules.rules_api,
    staged_releases.staged_releases_api,
    ownership.ownership_api,
    pulls.pulls_api,
    name_disputes.name_disputes_api,
    reports.reports_api,
    packages.visibility_api,
    packages.successor_api,
    packages.history_api,
    transparency_log.transparency_log_api,
    provenance.provenance_api,
    provenance.statements_api,
    sboms.sboms_api,
    packages.checklist_api,
    dependencies.dependencies_api,
    dry_runs.dry_runs_api,
    following.following_api,
    packages.symbols_api,
    keys.keys_api,
    trusted_publishing.publishers_api,
    account.client_settings_api,
    trusted_publishing.token_exchange_api,
    device_login.device_api,
    tokens.tokens_api,
    account.whoami_api,
    webhooks.organization_webhooks_api,
    webhooks.webhooks_api,
    openapi_api,
)
OPERATIONS = tuple(each for face in FACES for each in face)


_REASONS = {
    400: "The request is invalid.",
    HTTPStatus.UNAUTHORIZED: "A valid token is missing.",
    403: "The caller lacks the required permission.",
    404: "Not found, or not visible to the caller.",
    409: "The request conflicts with the current state.",
    413: "The request body is too large.",
    503: "Temporarily unavailable. Retry after the time in `Retry-After`.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests. Retry after the time in `Retry-After`.",
}
_REFERENCE = "#/components/schemas/{model}"
_TOKEN = {"token": list[str]()}


@cache
def openapi_document(base_url: str, readers: Readers) -> dict[str, object]:
    """Return the OpenAPI 3.1 document of the API at `base_url`, for those who may read there."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ballroom", "version": "1"},
        "servers": [{"url": base_url}],
        "security": [_TOKEN],
        "paths": _paths(OPERATIONS, readers),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(OPERATIONS),
        },
    }


def _paths(operations: Iterable[ApiOperation], readers: Readers) -> dict[str, dict[str, object]]:
    paths: dict[str, dict[str, object]] = {}
    for operation in operations:
        of_path = paths.setdefault(f"/{operation.route}", {})
        of_path[operation.methods[0].lower()] = _described(operation, readers)
    return paths


def _described(operation: ApiOperation, readers: Readers) -> dict[str, object]:
    api = operation.openapi
    refusals = _refusals(operation, readers)
    successes = {api.status: _response("Success.", api.response, api.media_types)}
    if api.waiting:
        successes[HTTPStatus.ACCEPTED] = _response("A proposal waits.", api.waiting)
    described: dict[str, object] = {
        "operationId": operation.name,
        "summary": api.summary,
        "responses": {
            **{str(int(status)): response for status, response in successes.items()},
            **{
                str(int(status)): _response(_REASONS[status], api.problem, api.refusal_media_types)
                for status in refusals
            },
        },
    }
    names = [part[1:-1] for part in operation.route.split("/") if part.startswith("{")]
    parameters: list[dict[str, object]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]
    parameters += [each.described for each in api.parameters]
    if parameters:
        described["parameters"] = parameters
    if not _needs_token(operation, readers):
        # Credentials that are sent are read where the answer depends on them.
        described["security"] = [{}, _TOKEN] if HTTPStatus.UNAUTHORIZED in refusals else []
    if api.request:
        is_required = any(each.is_required() for each in api.request.model_fields.values())
        described["requestBody"] = {"required": is_required, "content": _content(api.request)}
    return described


def _refusals(operation: ApiOperation, readers: Readers) -> list[int]:
    """Return the statuses of refusals: those of the operation, and those that every one has."""
    statuses = {*operation.openapi.refusals, HTTPStatus.TOO_MANY_REQUESTS}
    statuses.add(HTTPStatus.SERVICE_UNAVAILABLE)  # The stores do not answer, or take no changes.
    if _needs_token(operation, readers):
        statuses.add(HTTPStatus.UNAUTHORIZED)
    if HTTPStatus.UNAUTHORIZED in statuses:
        statuses.add(HTTPStatus.FORBIDDEN)  # A token that is limited to other addresses.
    if operation.openapi.request:
        statuses.add(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return sorted(statuses)


def _needs_token(operation: ApiOperation, readers: Readers) -> bool:
    """Check whether callers without credentials are refused."""
    if readers is Readers.SIGNED_IN and not operation.serves_anonymous_always:
        return True
    return operation.openapi.needs_token


def _response(
    description: str, model: type[BaseModel] | None, media_types: Iterable[str] = ()
) -> dict[str, object]:
    content = _content(model) if model else {}
    for each in media_types:
        is_json = each.partition(";")[0].endswith("json")
        content[each] = {"schema": {"type": "object" if is_json else "string"}}
    return {"description": description, **({"content": content} if content else {})}


def _content(model: type[BaseModel]) -> dict[str, object]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}}


def _schemas(operations: Iterable[ApiOperation]) -> object:
    described = [each.openapi for each in operations]
    requests = {each.request for each in described if each.request}
    answers = {each.problem for each in described} | {
        model for each in described for model in (each.response, each.waiting) if model
    }
    models: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        *((model, "validation") for model in requests),
        *((model, "serialization") for model in answers),
    ]
    models.sort(key=lambda each: each[0].__name__)
    _, schema = models_json_schema(models, ref_template=_REFERENCE)
    return schema["$defs"]


# Groups by the first segment of a path below /api/v1, in the order of the page.
_GROUPS = {
    "settings.toml": "Settings",
    "whoami": "Access tokens",
    "tokens": "Access tokens",
    "packages": "Packages",
    "symbols": "Packages",
    "orgs": "Organizations",
    "account": "Your account",
    "device": "Devices",
    "trusted-publishing": "Trusted publishing",
    "leaked-tokens": "Leaked tokens",
    "log": "Transparency log",
    "openapi.json": "This document",
}
_OTHER_GROUP = "More"
_PREFIX_SEGMENTS = 2  # `api` and `v1`.


class ListedOperation(Struct, frozen=True):
    """An operation as the page lists it; openapi.json has its fields."""

    method: str
    path: str
    summary: str
    needs_token: bool


@cache
def operations_by_group(readers: Readers) -> dict[str, list[ListedOperation]]:
    groups: dict[str, list[ListedOperation]] = {title: [] for title in _GROUPS.values()}
    for each in OPERATIONS:
        title = _GROUPS.get(each.route.split("/")[_PREFIX_SEGMENTS], _OTHER_GROUP)
        summary = each.openapi.summary
        needs_token = _needs_token(each, readers)
        listed = ListedOperation(each.methods[0], f"/{each.route}", summary, needs_token)
        groups.setdefault(title, []).append(listed)
    return {title: operations for title, operations in groups.items() if operations}
