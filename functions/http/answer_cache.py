"""Marks responses that the local host may send again by itself, and what is recorded for each
repeat.
"""

from collections.abc import Callable, Mapping

import azure.functions as func

from functions.http.callers import anonymous_caller
from functions.http.handlers import Exchange, current_operation_and_principal
from functions.http.requests import header, headers_of
from functions.http.responses import rate_limit_fields
from shared.answer_cache import REQUEST_ID_HEADER, RepeatAnswer, mark_cacheable
from shared.composition import Registry
from shared.domain.errors.requests import TooMany
from shared.domain.identity import Principal
from shared.domain.names import Coordinate
from shared.domain.rate_limits import RateLimitAllowance, tightest_allowance
from shared.services.rate_limits import rate_limit_headers

RepeatEffect = Callable[[func.HttpRequest, Principal], None]


def _no_effect(_req: func.HttpRequest, _by: Principal) -> None:
    """Note nothing but the request."""


def cache_response(
    response: func.HttpResponse, registry: Registry, noted: RepeatEffect = _no_effect
) -> func.HttpResponse:
    """Say that nothing but its request and the records of packages went into an answer.

    Those records were read for it: what a process remembered may be older than the last write.
    A host may then give it again to those who send no credentials, as it was given now; `noted` is
    what the face does besides. What tells its caller something of its own does not stand.
    """
    operation, principal = current_operation_and_principal()
    if not principal and not rate_limit_headers.get():
        mark_cacheable(response, _again(registry, operation, response.status_code, noted))
    return response


def cache_response_until(
    response: func.HttpResponse, registry: Registry, end_ms: int
) -> func.HttpResponse:
    """Say as `stands` does, up to a moment: for what tells the time, or how long something is ago.

    From then on the Function is asked again.
    """
    operation, principal = current_operation_and_principal()
    if not principal and not rate_limit_headers.get():
        again = _again(registry, operation, response.status_code, _no_effect)
        clock = registry.clock
        until_ms = clock.monotonic_ms() + end_ms - clock.now_ms()
        mark_cacheable(
            response, lambda req: again(req) if clock.monotonic_ms() < until_ms else None
        )
    return response


def _again(registry: Registry, operation: str, status: int, noted: RepeatEffect) -> RepeatAnswer:
    def again(req: func.HttpRequest) -> Mapping[str, str] | None:
        exchange = Exchange.begin(operation, header(req, "traceparent"))
        limits: list[RateLimitAllowance] = []
        rate_limit_headers.set(limits)
        try:
            noted(req, anonymous_caller(headers_of(req), registry))
        except TooMany:
            return None  # The Function says so.
        exchange.end(status, "answered")
        said = {REQUEST_ID_HEADER: exchange.request_id}
        return said | rate_limit_fields(tightest_allowance(limits)) if limits else said

    return again


def count_pull_of(coordinate: Coordinate, registry: Registry) -> RepeatEffect:
    """Return what counts a pull of the release.

    A request that fetches no byte is none, nor one of a client that asks not to be counted.
    """

    def count(req: func.HttpRequest, by: Principal) -> None:
        is_silent = header(req, "ballerina-central-telemetry-disabled").lower() == "true"
        if req.method == "GET" and not is_silent:
            who = by.id or f"{by.address} {header(req, 'user-agent')}"
            registry.pull_counter.count(coordinate, who)

    return count


def repeat_response(registry: Registry, operation: str, status: int) -> RepeatAnswer:
    """Return how an answer is given again of which a face notes nothing but the request."""
    return _again(registry, operation, status, _no_effect)
