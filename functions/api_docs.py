"""GET /api/v1/openapi.json: our own API, described by the models that it reads and writes."""

from collections.abc import Iterable
from functools import cache
from typing import Literal

import azure.functions as func
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from functions import (
    api_audit,
    api_domains,
    api_held,
    api_invitations,
    api_leaks,
    api_members,
    api_org_tokens,
    api_orgs,
    api_packages,
    api_provenance,
    api_publishers,
    api_sessions,
    api_settings,
    api_trusted,
    device_api,
    token,
    token_whoami,
)
from functions._api import Operation, ProblemAnswer, api_errors
from functions._http import json_answer
from shared.registry import Registry

OPERATIONS: tuple[Operation, ...] = (
    *api_audit.OPERATIONS,
    *api_domains.OPERATIONS,
    *api_held.OPERATIONS,
    *api_invitations.OPERATIONS,
    *api_leaks.OPERATIONS,
    *api_members.OPERATIONS,
    *api_org_tokens.OPERATIONS,
    *api_orgs.OPERATIONS,
    *api_packages.OPERATIONS,
    *api_provenance.OPERATIONS,
    *api_publishers.OPERATIONS,
    *api_sessions.OPERATIONS,
    *api_settings.OPERATIONS,
    *api_trusted.OPERATIONS,
    *device_api.OPERATIONS,
    *token.OPERATIONS,
    *token_whoami.OPERATIONS,
    Operation(
        "api_docs_openapi",
        "GET",
        "api/v1/openapi.json",
        "Return this document.",
        200,
        refusals=(),
    ),
)

UNAUTHORIZED = 401
TOO_MANY = 429

_REASONS = {
    400: "A part of the request cannot be accepted.",
    UNAUTHORIZED: "A valid token is missing.",
    403: "The caller may not do this.",
    404: "It does not exist for this caller.",
    409: "It clashes with what is there.",
    413: "It is larger than what is read.",
    TOO_MANY: "It comes too often; the headers say when to come again.",
}
_REFERENCE = "#/components/schemas/{model}"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that describes the API."""
    bp = func.Blueprint()

    @bp.route("api/v1/openapi.json", methods=["GET", "HEAD"])
    @api_errors
    async def api_docs_openapi(req: func.HttpRequest) -> func.HttpResponse:
        return json_answer(document(registry.settings.base_url))

    return bp


@cache
def document(base_url: str) -> dict[str, object]:
    """Return the OpenAPI 3.1 document of the API at `base_url`."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ballroom", "version": "1"},
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": _paths(OPERATIONS),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(OPERATIONS),
        },
    }


def _paths(operations: Iterable[Operation]) -> dict[str, dict[str, object]]:
    paths: dict[str, dict[str, object]] = {}
    for operation in operations:
        paths.setdefault(f"/{operation.path}", {})[operation.method.lower()] = _described(operation)
    return paths


def _described(operation: Operation) -> dict[str, object]:
    described: dict[str, object] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": {
            str(operation.status): _response("It is done.", operation.answer),
            **{
                str(status): _response(_REASONS[status], ProblemAnswer)
                for status in (*operation.refusals, TOO_MANY)
            },
        },
    }
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    if names:
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    if UNAUTHORIZED not in operation.refusals:
        described["security"] = []
    if operation.request:
        described["requestBody"] = {"required": True, "content": _content(operation.request)}
    return described


def _response(description: str, model: type[BaseModel] | None) -> dict[str, object]:
    if model is None:
        return {"description": description}
    return {"description": description, "content": _content(model)}


def _content(model: type[BaseModel]) -> dict[str, object]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}}


def _schemas(operations: Iterable[Operation]) -> object:
    requests = {each.request for each in operations if each.request}
    answers = {ProblemAnswer} | {each.answer for each in operations if each.answer}
    models: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        *((model, "validation") for model in requests),
        *((model, "serialization") for model in answers),
    ]
    models.sort(key=lambda each: each[0].__name__)
    _, schema = models_json_schema(models, ref_template=_REFERENCE)
    return schema["$defs"]
