"""Which answers the answer cache of the local host may store, until a record changes that they
depend on (docs/decisions/0008 and 0135)."""

from collections.abc import Callable, Mapping
from functools import partial
from math import inf

import azure.functions as func

from functions.http.calls import Call, Exchange, headers_of, recognized_caller
from functions.http.json_answers import rate_limit_fields
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import TooMany
from shared.domain.rate_limits import tightest_allowance
from shared.domain.visibility import Readers
from shared.registry import Registry
from shared.runtime.answer_dependencies import ALL_THAT_IS_STORED, Dependencies
from shared.runtime.answers import (
    REQUEST_ID_HEADER,
    Answer,
    AnswerCachePolicy,
    KnownCaller,
    RecognizeCaller,
    RecordHit,
)
from shared.telemetry.metrics import ANSWERED


def allow_answer_caching(call: Call, answer: Answer, edition_number: int) -> None:
    """Let the answer cache store an answer that names the records that it depends on, as they were
    when the edition had this number.

    Refusals are never cached. An answer to a caller with credentials is cached if it depends only
    on packages. If one of them is not public, only its readers get the cached answer.
    """
    if answer.depends_on is not None and answer.cacheable_until_ms:
        _allow_answer_caching(call, answer, edition_number, answer.depends_on)


def allow_answer_caching_until(
    call: Call, answer: Answer, end_ms: int, edition_number: int
) -> Answer:
    """Let the answer cache store an answer until a time of the clock. The answer depends on the
    clock, and on all stores as they were when the edition had this number."""
    clock = call.registry.clock
    answer.cacheable_until_ms = clock.monotonic_ms() + end_ms - clock.now_ms()
    answer.depends_on = ALL_THAT_IS_STORED
    _allow_answer_caching(call, answer, edition_number, ALL_THAT_IS_STORED)
    return answer


def _allow_answer_caching(
    call: Call, answer: Answer, edition_number: int, depends_on: Dependencies
) -> None:
    readers_of = ""
    if call.caller.id or call.header("authorization"):
        known = call.registry.rights.authorization.readers
        is_known = all(known.includes(call.caller, each) for each in depends_on.readers)
        if not depends_on.is_of_packages or not is_known or len(depends_on.readers) > 1:
            return
        readers_of = "".join(depends_on.readers)
    record = hit_recorder(
        call.registry,
        call.exchange.operation,
        status=answer.status,
        on_cache_hit=answer.on_cache_hit,
        until_ms=answer.cacheable_until_ms,
        # A list may have packages of upstreams.
        is_mirrored=depends_on.is_mirrored or not depends_on.is_of_packages,
    )
    answer.cache_policy = AnswerCachePolicy(record, edition_number, depends_on.packages, readers_of)


def recognizer(registry: Registry) -> RecognizeCaller:
    """Return a function by which the host recognizes callers who may get cached answers. Where only
    signed-in people may read, a caller without credentials is not one of them."""
    readers = registry.rights.authorization.readers
    needs_credentials = registry.settings.readers is Readers.SIGNED_IN

    def recognize(request: func.HttpRequest) -> KnownCaller | None:
        try:
            caller = recognized_caller(headers_of(request), registry)
        except Refusal:  # The host calls the Function, which answers the refusal.
            return None
        if caller is None or (needs_credentials and caller.is_anonymous):
            return None
        return KnownCaller(caller, partial(readers.among, caller))

    return recognize


def hit_recorder(
    registry: Registry,
    operation: str,
    *,
    status: int,
    on_cache_hit: Callable[[Call], None] | None = None,
    until_ms: float = inf,
    is_mirrored: bool = False,
) -> RecordHit:
    """Return a function that the host calls for each cache hit: it counts and logs the request as
    the operation does.

    That function returns None, so that the Function is called, after `until_ms`, and if the caller
    is over a rate limit. It also does for an answer that `is_mirrored` while some callers may take
    only approved packages of an upstream.
    """
    clock = registry.clock
    approvals = registry.approvals.rules if is_mirrored else None

    def record(request: func.HttpRequest, caller: KnownCaller) -> Mapping[str, str] | None:
        if until_ms < inf and clock.monotonic_ms() >= until_ms:
            return None
        if approvals is not None and approvals.may_be_in_force:
            return None
        headers = headers_of(request)
        trace = headers.get("traceparent", "")
        exchange = Exchange.of_cache_hit(operation, trace, method=str(request.method))
        call = Call(registry, request, exchange, headers)
        try:
            call.set_caller(caller.principal)
            if on_cache_hit is not None:
                on_cache_hit(call)
        except TooMany:
            return None
        exchange.end(status, ANSWERED)
        added = {REQUEST_ID_HEADER: exchange.request_id}
        limits = call.allowances
        return added | rate_limit_fields(tightest_allowance(limits)) if limits else added

    return record
