"""Declares which responses the host may repeat, without calling the Function, while the packages
that they depend on stand (docs/decisions/0008 and 0020).

An operation declares this once, below its route:

    @bp.route("index/changes", methods=["GET", "HEAD"])
    @api_errors
    @cacheable(registry)
    async def index_changes(req): ...
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from math import inf

import azure.functions as func

from functions.http.callers import anonymous_caller
from functions.http.handlers import Exchange, Handler, current_operation_and_principal
from functions.http.requests import header, headers_of
from functions.http.responses import rate_limit_fields
from shared.answer_cache import (
    REQUEST_ID_HEADER,
    Repeatable,
    RepeatAnswer,
    mark_cacheable,
)
from shared.composition import Registry
from shared.domain.errors.requests import TooMany
from shared.domain.identity import Principal
from shared.domain.rate_limits import RateLimitAllowance, tightest_allowance
from shared.edition import EVERYTHING, packages_read
from shared.services.rate_limits import rate_limit_headers

RepeatEffect = Callable[[func.HttpRequest, Principal], None]

_REPEATS = "repeats"  # Attribute of a response: how it is repeated, None for never.


@dataclass(frozen=True, slots=True)
class _Repeats:
    """What each repeat of a response does, and until when of the monotonic clock there are any."""

    effect: RepeatEffect
    until_ms: float = inf


def cacheable(registry: Registry) -> Callable[[Handler], Handler]:
    """Return a decorator for handlers whose responses may be repeated to anonymous callers.

    Such a response depends on the request and on what was read of the stores for it, and on the
    clock only by `with_repeat_effect`. A response that depends on more is `uncacheable`. Refusals
    are never repeated, nor what has rate limit headers.
    """
    edition = registry.adapters.edition

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        async def respond(req: func.HttpRequest) -> func.HttpResponse:
            number = edition.number
            with packages_read() as packages:
                response = await handler(req)
            repeats: _Repeats | None = vars(response).get(_REPEATS, _ALWAYS)
            if repeats is not None and _is_for_everybody():
                operation, _ = current_operation_and_principal()
                repeat = repeat_response(registry, operation, response.status_code, repeats)
                mark_cacheable(response, Repeatable(repeat, number, frozenset(packages)))
            return response

        return respond

    return decorate


def uncacheable(response: func.HttpResponse) -> func.HttpResponse:
    """Exclude a response of a `cacheable` handler."""
    vars(response)[_REPEATS] = None
    return response


def with_repeat_effect(
    response: func.HttpResponse, effect: RepeatEffect, *, until_ms: float
) -> func.HttpResponse:
    """Call `effect` for each repeat of a response of a `cacheable` handler, to count a pull, and
    repeat it only until a time of the monotonic clock: 0 for never."""
    vars(response)[_REPEATS] = _Repeats(effect, until_ms) if until_ms else None
    return response


def cache_response_until(
    response: func.HttpResponse, registry: Registry, end_ms: int, number: int
) -> func.HttpResponse:
    """Let the host repeat a response that depends on the clock, and on all stores as they were at a
    number of the edition, until a time of that clock."""
    if _is_for_everybody():
        operation, _ = current_operation_and_principal()
        clock = registry.clock
        until_ms = clock.monotonic_ms() + end_ms - clock.now_ms()
        repeats = _Repeats(_no_effect, until_ms)
        repeat = repeat_response(registry, operation, response.status_code, repeats)
        mark_cacheable(response, Repeatable(repeat, number, {EVERYTHING}))
    return response


def _is_for_everybody() -> bool:
    _, principal = current_operation_and_principal()
    return not principal and not rate_limit_headers.get()


def _no_effect(_req: func.HttpRequest, _by: Principal) -> None: ...


_ALWAYS = _Repeats(_no_effect)


def repeat_response(
    registry: Registry, operation: str, status: int, repeats: _Repeats = _ALWAYS
) -> RepeatAnswer:
    """Return a function that the host calls for each repeat: it counts and logs the request as the
    Function does. The Function is called if the time is over, or the caller over a rate limit."""
    effect, until_ms, clock = repeats.effect, repeats.until_ms, registry.clock

    def repeat(req: func.HttpRequest) -> Mapping[str, str] | None:
        if until_ms < inf and clock.monotonic_ms() >= until_ms:
            return None
        exchange = Exchange.begin(operation, header(req, "traceparent"))
        limits: list[RateLimitAllowance] = []
        rate_limit_headers.set(limits)
        try:
            effect(req, anonymous_caller(headers_of(req), registry))
        except TooMany:
            return None
        exchange.end(status, "answered")
        headers = {REQUEST_ID_HEADER: exchange.request_id}
        return headers | rate_limit_fields(tightest_allowance(limits)) if limits else headers

    return repeat
