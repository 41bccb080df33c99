"""Answers as JSON, refusals as JSON problems for faces that have no format of their own, and the
table of statuses, which all faces but Central's use."""

from collections.abc import Mapping

import orjson

from functions.http.caching_headers import NO_STORE
from shared.domain.change_feed import ChangeKind
from shared.domain.errors.base import Refusal, RefusalKind, Unavailable
from shared.domain.errors.missing_pages import MethodNotAllowed
from shared.domain.errors.packages import ReleaseNotFound, ReleaseWithdrawn, Withdrawal
from shared.domain.errors.requests import TooMany
from shared.domain.rate_limits import RateLimitAllowance
from shared.runtime.answers import Answer

JSON = "application/json"
JSON_LINES = "application/jsonl"


def json_answer(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return `value` as JSON; caches may not store it, unless `headers` allow it."""
    return Answer(orjson.dumps(value), status, dict(headers or NO_STORE), JSON)


def empty_answer(status: int, headers: Mapping[str, str] = NO_STORE) -> Answer:
    """Return an answer without a body; caches may not store it, unless `headers` allow it."""
    return Answer(status=status, headers=dict(headers))


def retry_headers(refusal: Refusal) -> dict[str, str]:
    """Return the `Retry-After` or `Allow` header of a refusal that has one.

    `Retry-After` is at least 1: clients ignore a 0.
    """
    match refusal:
        case MethodNotAllowed():
            return {"Allow": ", ".join(refusal.allowed)}
        case Unavailable():
            return {"Retry-After": str(max(1, int(refusal.retry_after.total_seconds())))}
        case TooMany():
            wait = str(refusal.allowance.wait_s)
            return {"Retry-After": wait, **rate_limit_fields(refusal.allowance)}
        case _:
            return {}


def rate_limit_fields(allowance: RateLimitAllowance) -> dict[str, str]:
    """Return the headers of drafts 03 to 06 of "RateLimit header fields for HTTP".

    `RateLimit-Reset` is a number of seconds, the same as `Retry-After` in a refusal.
    """
    return {
        "RateLimit-Limit": str(allowance.limit),
        "RateLimit-Remaining": str(allowance.remaining),
        "RateLimit-Reset": str(allowance.wait_s),
    }


STATUS_BY_KIND = {
    RefusalKind.INVALID: 400,
    RefusalKind.UNAUTHENTICATED: 401,
    RefusalKind.FORBIDDEN: 403,
    RefusalKind.NOT_FOUND: 404,
    RefusalKind.CONFLICT: 409,
    RefusalKind.METHOD_NOT_ALLOWED: 405,
    RefusalKind.LENGTH_MISSING: 411,
    RefusalKind.TOO_LARGE: 413,
    RefusalKind.TOO_MANY: 429,
    RefusalKind.UNAVAILABLE: 503,
}


def problem_answer(refusal: Refusal) -> Answer:
    """Return a refusal with its code, for programs, and its sentence, for people."""
    problem = {"code": refusal.code, "message": str(refusal), **withdrawal_fields(refusal)}
    model: dict[str, object] = {"error": problem}
    if refusal.secrets:
        model["secrets"] = dict(refusal.secrets)
    return json_answer(model, STATUS_BY_KIND[refusal.kind], refusal_headers(refusal))


def withdrawal_fields(refusal: Refusal) -> dict[str, object]:
    """Return the fields by which programs learn that a release was withdrawn; empty for other
    refusals."""
    if not isinstance(refusal, (ReleaseNotFound, ReleaseWithdrawn)) or refusal.withdrawal is None:
        return {}
    return {"kind": ChangeKind.WITHDRAWN.value, **withdrawal_model(refusal.withdrawal)}


def withdrawal_model(withdrawal: Withdrawal) -> dict[str, object]:
    """Return the public reason, whether it is for good, and the digest of what was withdrawn."""
    return {
        "reason": withdrawal.why or None,
        "permanent": withdrawal.is_final,
        "digest": f"sha-256={withdrawal.digest}",
    }


def refusal_headers(refusal: Refusal) -> dict[str, str]:
    """Return the headers of a refusal; after missing credentials they ask for a Bearer token."""
    headers = NO_STORE | retry_headers(refusal)
    if refusal.kind is RefusalKind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def failure_answer(request_id: str) -> Answer:
    """Return a 500 with the request id, and nothing of the exception."""
    problem = {"code": "broken", "message": failure_sentence(request_id)}
    return json_answer({"error": problem}, 500, NO_STORE)


def failure_sentence(request_id: str) -> str:
    return f"The registry failed. Tell its operator this request id: {request_id}."
