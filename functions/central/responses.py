"""Responses of the Central protocol: refusals with statuses that its clients show, and pages of
lists.

`bal` shows the message of a 400, 401, 500 and 503, and of a 404 except on push, search and resolve.
It prints a bare "failed to push" for any other status, and takes it for success on deprecate, so
a rate limit is a 503 for `bal`, and a 429 for other clients.
"""

import azure.functions as func

from functions.http.handlers import handler_decorator
from functions.http.requests import header
from functions.http.responses import NO_STORE, json_response, retry_headers
from shared.domain.errors.base import Refusal, RefusalKind
from shared.domain.search import Query, ResultPage
from shared.domain.versions import LanguageVersion

_STATUS_BY_KIND = {
    RefusalKind.INVALID: 400,
    RefusalKind.CONFLICT: 400,
    RefusalKind.FORBIDDEN: 400,
    # `bal` neither uses other methods nor sends chunked bodies, so it never sees these.
    RefusalKind.METHOD_NOT_ALLOWED: 405,
    RefusalKind.LENGTH_MISSING: 411,
    RefusalKind.TOO_LARGE: 400,
    RefusalKind.UNAUTHENTICATED: 401,
    RefusalKind.NOT_FOUND: 404,
    RefusalKind.TOO_MANY: 429,
    RefusalKind.UNAVAILABLE: 503,
}

# Web applications call the reading operations from browsers.
CORS_HEADERS = {"Access-Control-Allow-Origin": "*"}
# The client's platforms, version and token decide what a response holds.
OPEN_HEADERS = {**CORS_HEADERS, **NO_STORE}


def refusal_response(refusal: Refusal) -> func.HttpResponse:
    """Return the refusal as JSON with the status under which its message is shown."""
    headers = OPEN_HEADERS | retry_headers(refusal)
    return json_response({"message": str(refusal)}, _STATUS_BY_KIND[refusal.kind], headers)


def refusal_response_without_404(refusal: Refusal) -> func.HttpResponse:
    """Return the refusal for push, search and resolve, which do not show a 404."""
    if refusal.kind is RefusalKind.NOT_FOUND:
        return json_response({"message": str(refusal)}, 400, OPEN_HEADERS)
    return refusal_response(refusal)


def failure_response(request_id: str) -> func.HttpResponse:
    """Return a 500 with the request id, and without internal details."""
    message = f"The registry failed. Tell its operator this request id: {request_id}."
    return json_response({"message": message}, 500, OPEN_HEADERS)


def adapt_for_ballerina(req: func.HttpRequest, answer: func.HttpResponse) -> func.HttpResponse:
    """Return a rate limit as a 503 for `bal`, which shows no message of a 429."""
    is_ballerina = LanguageVersion.parse(header(req, "user-agent")) is not None
    if not is_ballerina or answer.status_code != _STATUS_BY_KIND[RefusalKind.TOO_MANY]:
        return answer
    headers = dict(answer.headers)
    return func.HttpResponse(
        answer.get_body(),
        status_code=_STATUS_BY_KIND[RefusalKind.UNAVAILABLE],
        headers=headers,
        mimetype=answer.mimetype,
    )


central_errors = handler_decorator(refusal_response, failure_response, adapt_for_ballerina)
central_errors_without_404 = handler_decorator(
    refusal_response_without_404, failure_response, adapt_for_ballerina
)


def page_of(req: func.HttpRequest) -> ResultPage:
    """Parse the page of a list; invalid parameters have their defaults."""
    params = req.params
    return ResultPage.parse(
        params.get("limit", ""), params.get("offset", ""), params.get("sort", "")
    )


def page_model(
    name: str, items: list[dict[str, object]], *, count: int, page: ResultPage
) -> dict[str, object]:
    return {name: items, "count": count, "offset": page.offset, "limit": page.limit}


def problem_model(query: Query) -> dict[str, object]:
    """Return what explains an invalid query; clients ignore unknown keys."""
    return {"message": query.problem} if query.problem else {}
