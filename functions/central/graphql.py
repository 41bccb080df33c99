"""POST /2.0/graphql: queries of the language server, of scripts and of proxies.

Never an error status: the language server takes one for a crash. What is refused is an error of
GraphQL.
"""

import asyncio
from importlib import import_module

import azure.functions as func

from functions.central.responses import OPEN_HEADERS
from functions.http.callers import caller_of
from functions.http.handlers import handler_decorator
from functions.http.requests import bounded_body, headers_of, json_object
from functions.http.responses import json_response
from shared.composition import Registry
from shared.domain.errors.base import Refusal


def refusal_response(refusal: Refusal) -> func.HttpResponse:
    return error_response(str(refusal))


def failure_response(request_id: str) -> func.HttpResponse:
    """Return an error with the request id, and without internal details."""
    return error_response(f"The registry failed. Tell its operator this request id: {request_id}.")


def error_response(message: str) -> func.HttpResponse:
    return json_response({"data": None, "errors": [{"message": message}]}, headers=OPEN_HEADERS)


MAX_BODY_BYTES = 256 * 1024  # Fifty aliased fields have eight thousand.

graphql_errors = handler_decorator(refusal_response, failure_response)


def blueprint(registry: Registry) -> func.Blueprint:
    bp = func.Blueprint()

    @bp.route("2.0/graphql", methods=["POST"])
    @graphql_errors
    async def central_graphql(req: func.HttpRequest) -> func.HttpResponse:
        caller = await caller_of(headers_of(req), registry)
        bounded_body(req, MAX_BODY_BYTES)
        body = json_object(req)
        # The library takes a tenth of a second to import, and most processes need it never.
        execution = await asyncio.to_thread(import_module, "functions.central.graphql_execution")
        result = await execution.execute_query(registry, body, caller)
        return json_response(result, headers=OPEN_HEADERS)

    return bp
