"""Operations whose answers a host may repeat, without calling the Function, while the packages that
they depend on stand (docs/decisions/0008 and 0020).
"""

from collections.abc import Awaitable, Callable, Mapping
from math import inf

import azure.functions as func

from functions.http.answers import rate_limit_fields
from functions.http.calls import Call, headers_of, recognized_caller
from functions.http.exchanges import Exchange
from shared.composition import Registry
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import TooMany
from shared.domain.rate_limits import tightest_allowance
from shared.runtime.answers import (
    REQUEST_ID_HEADER,
    Answer,
    KnownCaller,
    RecognizeCaller,
    Repeatable,
    RepeatAnswer,
)
from shared.runtime.edition import EVERYTHING, PackagesRead, packages_read


async def repeatable(call: Call, make: Callable[[], Awaitable[Answer]]) -> Answer:
    """Make an answer, and let the host repeat it.

    Refusals are never repeated. To callers with credentials, an answer is repeated if it depends on
    packages alone, and one about packages that are not public to their readers.
    """
    number = call.registry.adapters.edition.number
    with packages_read() as read:
        answer = await make()
    if answer.repeated_until_ms:
        _let_repeat(call, answer, number, read)
    return answer


def repeat_until(call: Call, answer: Answer, end_ms: int, number: int) -> Answer:
    """Let the host repeat an answer that depends on the clock, and on all stores as they were at a
    number of the edition, until a time of that clock."""
    clock = call.registry.clock
    answer.repeated_until_ms = clock.monotonic_ms() + end_ms - clock.now_ms()
    _let_repeat(call, answer, number, PackagesRead({EVERYTHING}))
    return answer


def _let_repeat(call: Call, answer: Answer, number: int, read: PackagesRead) -> None:
    private_of = set[str]()
    if call.caller.id or call.header("authorization"):
        readers = call.registry.common.authorization.readers
        private_of = read.private_of & readers.of(call.caller)
        if EVERYTHING in read.packages or private_of != read.private_of or len(private_of) > 1:
            return
    repeat = repeat_of(call.registry, call.exchange.operation, answer)
    answer.repeat = Repeatable(repeat, number, frozenset(read.packages), "".join(private_of))


def recognizer(registry: Registry) -> RecognizeCaller:
    """Return a function by which the host recognizes the callers to whom it repeats answers."""
    readers = registry.common.authorization.readers

    def recognize(request: func.HttpRequest) -> KnownCaller | None:
        try:
            caller = recognized_caller(headers_of(request), registry)
        except Refusal:  # The Function says why.
            return None
        return caller and KnownCaller(caller, readers.of(caller))

    return recognize


def repeat_of(registry: Registry, operation: str, answer: Answer) -> RepeatAnswer:
    """Return a function that the host calls for each repeat: it counts and logs the request as the
    operation does. The Function is called if the time is over, or the caller over a rate limit."""
    on_repeat, until_ms, status = answer.on_repeat, answer.repeated_until_ms, answer.status
    clock = registry.clock

    def repeat(request: func.HttpRequest, caller: KnownCaller) -> Mapping[str, str] | None:
        if until_ms < inf and clock.monotonic_ms() >= until_ms:
            return None
        headers = headers_of(request)
        exchange = Exchange.begin(operation, headers.get("traceparent", ""))
        again = Call(registry, request, exchange, headers)
        try:
            again.identified(caller.principal)
            on_repeat(again)
        except TooMany:
            return None
        exchange.end(status, "answered")
        added = {REQUEST_ID_HEADER: exchange.request_id}
        limits = again.allowances
        return added | rate_limit_fields(tightest_allowance(limits)) if limits else added

    return repeat
