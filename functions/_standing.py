"""Answers that a host may give again by itself, and what is then noted of each request."""

from collections.abc import Callable, Mapping

import azure.functions as func

from functions._http import (
    Exchange,
    header,
    headers_of,
    rate_headers,
    stranger_of,
    under_way,
)
from shared.domain.errors import TooMany
from shared.domain.identity import Principal
from shared.domain.names import Coordinate
from shared.domain.rates import Allowance, tightest
from shared.registry import Registry
from shared.services.limiting import told
from shared.standing import NEW_EACH_TIME, Again, let_stand

Note = Callable[[func.HttpRequest, Principal], None]


def _nothing(_req: func.HttpRequest, _by: Principal) -> None:
    """Note nothing but the request."""


def stands(
    response: func.HttpResponse, registry: Registry, noted: Note = _nothing
) -> func.HttpResponse:
    """Say that nothing but its request and the records of packages went into an answer.

    Those records were read for it: what a process remembered may be older than the last write.
    A host may then give it again to those who send no credentials, as it was given now; `noted` is
    what the face does besides. What tells its caller something of its own does not stand.
    """
    operation, principal = under_way()
    if not principal and not told.get():
        let_stand(response, _again(registry, operation, response.status_code, noted))
    return response


def stands_until(response: func.HttpResponse, registry: Registry, end_ms: int) -> func.HttpResponse:
    """Say as `stands` does, up to a moment: for what tells the time, or how long something is ago.

    From then on the Function is asked again.
    """
    operation, principal = under_way()
    if not principal and not told.get():
        again = _again(registry, operation, response.status_code, _nothing)
        clock = registry.clock
        until_ms = clock.monotonic_ms() + end_ms - clock.now_ms()
        let_stand(response, lambda req: again(req) if clock.monotonic_ms() < until_ms else None)
    return response


def _again(registry: Registry, operation: str, status: int, noted: Note) -> Again:
    def again(req: func.HttpRequest) -> Mapping[str, str] | None:
        exchange = Exchange.begin(operation, header(req, "traceparent"))
        limits: list[Allowance] = []
        told.set(limits)
        try:
            noted(req, stranger_of(headers_of(req), registry))
        except TooMany:
            return None  # The Function says so.
        exchange.end(status, "answered")
        said = {NEW_EACH_TIME: exchange.request_id}
        return said | rate_headers(tightest(limits)) if limits else said

    return again


def pull_of(coordinate: Coordinate, registry: Registry) -> Note:
    """Return what counts a pull of the release.

    A request that fetches no byte is none, nor one of a client that asks not to be counted.
    """

    def count(req: func.HttpRequest, by: Principal) -> None:
        is_silent = header(req, "ballerina-central-telemetry-disabled").lower() == "true"
        if req.method == "GET" and not is_silent:
            who = by.id or f"{by.address} {header(req, 'user-agent')}"
            registry.counting.pulled(coordinate, who)

    return count


def unnoticed(registry: Registry, operation: str, status: int) -> Again:
    """Return how an answer is given again of which a face notes nothing but the request."""
    return _again(registry, operation, status, _nothing)
