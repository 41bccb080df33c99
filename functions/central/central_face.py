"""Answers of the Central protocol: refusals with statuses that its clients show, and pages of
lists.

`bal` shows the message of a 400, 401, 500 and 503, and of a 404 except on push, search and resolve.
It prints a bare "failed to push" for any other status, and takes it for success on deprecate, so
a rate limit is a 503 for `bal`, and a 429 for other clients.
"""

from collections.abc import Mapping

from functions.http.caching_headers import NO_STORE
from functions.http.calls import Call
from functions.http.json_answers import (
    failure_sentence,
    json_answer,
    refusal_headers,
    withdrawal_fields,
)
from functions.http.operations import Face
from shared.domain.distributions import LanguageVersion
from shared.domain.errors.base import Refusal, RefusalKind
from shared.domain.errors.requests import BodyTooLarge
from shared.domain.search import Query, ResultPage
from shared.runtime.answers import Answer

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
# The client's platforms, version and token decide what an answer holds.
OPEN_HEADERS = {**CORS_HEADERS, **NO_STORE}


class CentralFace(Face[Call]):
    """Operations of the protocol. Those of push, search and resolve have `shows_404=False`: `bal`
    shows no message of a 404 there, so it gets a 400."""

    call_type = Call

    def __init__(self, *, shows_404: bool = True) -> None:
        super().__init__()
        self._shows_404 = shows_404

    def refused(self, call: Call, refusal: Refusal) -> Answer:
        if refusal.kind is RefusalKind.NOT_FOUND and not self._shows_404:
            return json_answer({"message": str(refusal)}, 400, OPEN_HEADERS)
        answer = refusal_answer(refusal)
        # `bal` shows no message of a 413 or a 429.
        is_ballerina = LanguageVersion.parse(call.header("user-agent")) is not None
        if is_ballerina and refusal.kind is RefusalKind.TOO_MANY:
            answer.status = _STATUS_BY_KIND[RefusalKind.UNAVAILABLE]
        if not is_ballerina and isinstance(refusal, BodyTooLarge):
            answer.status = 413
        return answer

    def failed(self, call: Call) -> Answer:
        return failure_answer(call.exchange.request_id)


def refusal_answer(refusal: Refusal) -> Answer:
    """Return the refusal as JSON with the status under which its message is shown."""
    headers = OPEN_HEADERS | refusal_headers(refusal)
    body = {"message": str(refusal), **withdrawal_fields(refusal)}
    return json_answer(body, _STATUS_BY_KIND[refusal.kind], headers)


def failure_answer(request_id: str) -> Answer:
    """Return a 500 with the request id, and nothing of the exception."""
    return json_answer({"message": failure_sentence(request_id)}, 500, OPEN_HEADERS)


def page_of(params: Mapping[str, str]) -> ResultPage:
    """Parse the page of a list; invalid parameters have their defaults."""
    return ResultPage.parse(
        params.get("limit", ""), params.get("offset", ""), params.get("sort", "")
    )


def page_model(
    name: str, items: list[dict[str, object]], *, count: int, page: ResultPage
) -> dict[str, object]:
    return {name: items, "count": count, "offset": page.offset, "limit": page.limit}


def problem_model(query: Query) -> dict[str, object]:
    """Return the explanation of an invalid query; clients ignore unknown keys."""
    return {"message": query.problem} if query.problem else {}
