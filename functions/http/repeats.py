"""Answers that the local host may repeat until a record changes on which they depend
(docs/decisions/0008 and 0135)."""

from collections.abc import Callable, Mapping
from functools import partial
from math import inf

import azure.functions as func

from functions.http.calls import Call, Exchange, headers_of, recognized_caller
from functions.http.json_answers import rate_limit_fields
from shared.composition import Registry
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import TooMany
from shared.domain.rate_limits import tightest_allowance
from shared.domain.visibility import Readers
from shared.runtime.answer_dependencies import ALL_THAT_IS_STORED, Dependencies
from shared.runtime.answers import (
    REQUEST_ID_HEADER,
    Answer,
    KnownCaller,
    RecognizeCaller,
    RecordRepeat,
    Repeatable,
)
from shared.telemetry.metrics import ANSWERED


def let_repeat(call: Call, answer: Answer, number: int) -> None:
    """Let the host repeat an answer that names the records on which it depends, as they were at a
    number of the edition.

    Refusals are never repeated. To callers with credentials, an answer is repeated if it depends on
    packages alone, and one about packages that are not public to their readers.
    """
    if answer.depends_on is not None and answer.repeated_until_ms:
        _let_repeat(call, answer, number, answer.depends_on)


def repeat_until(call: Call, answer: Answer, end_ms: int, number: int) -> Answer:
    """Let the host repeat an answer that depends on the clock, and on all stores as they were at a
    number of the edition, until a time of that clock."""
    clock = call.registry.clock
    answer.repeated_until_ms = clock.monotonic_ms() + end_ms - clock.now_ms()
    answer.depends_on = ALL_THAT_IS_STORED
    _let_repeat(call, answer, number, ALL_THAT_IS_STORED)
    return answer


def _let_repeat(call: Call, answer: Answer, number: int, depends_on: Dependencies) -> None:
    readers_of = ""
    if call.caller.id or call.header("authorization"):
        known = call.registry.common.authorization.readers
        is_known = all(known.includes(call.caller, each) for each in depends_on.readers)
        if not depends_on.is_of_packages or not is_known or len(depends_on.readers) > 1:
            return
        readers_of = "".join(depends_on.readers)
    record = repeat_recorder(
        call.registry,
        call.exchange.operation,
        status=answer.status,
        on_repeat=answer.on_repeat,
        until_ms=answer.repeated_until_ms,
        # A list may have packages of upstreams.
        is_mirrored=depends_on.is_mirrored or not depends_on.is_of_packages,
    )
    answer.repeat = Repeatable(record, number, depends_on.packages, readers_of)


def recognizer(registry: Registry) -> RecognizeCaller:
    """Return a function by which the host recognizes the callers to whom it may repeat answers.
    Where only signed-in people may read, a caller without credentials is not one of them."""
    readers = registry.common.authorization.readers
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


def repeat_recorder(
    registry: Registry,
    operation: str,
    *,
    status: int,
    on_repeat: Callable[[Call], None] | None = None,
    until_ms: float = inf,
    is_mirrored: bool = False,
) -> RecordRepeat:
    """Return a function that the host calls for each repeat: it counts and logs the request as the
    operation does. The Function is called if the time is over, or the caller over a rate limit; and
    for what `is_mirrored` while some callers may take only what is approved of it."""
    clock = registry.clock
    approvals = registry.packages.approvals if is_mirrored else None

    def record(request: func.HttpRequest, caller: KnownCaller) -> Mapping[str, str] | None:
        if until_ms < inf and clock.monotonic_ms() >= until_ms:
            return None
        if approvals is not None and approvals.may_be_in_force:
            return None
        headers = headers_of(request)
        trace = headers.get("traceparent", "")
        exchange = Exchange.of_repeat(operation, trace, method=str(request.method))
        again = Call(registry, request, exchange, headers)
        try:
            again.set_caller(caller.principal)
            if on_repeat is not None:
                on_repeat(again)
        except TooMany:
            return None
        exchange.end(status, ANSWERED)
        added = {REQUEST_ID_HEADER: exchange.request_id}
        limits = again.allowances
        return added | rate_limit_fields(tightest_allowance(limits)) if limits else added

    return record
