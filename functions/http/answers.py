"""Answers: JSON, problems, documents with an ETag, headers of rate limits, repeats by a host, and
what the Functions host requires.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from math import inf
from pathlib import Path

import azure.functions as func
import orjson
from msgspec import Struct

import shared.script_client
from functions.http.calls import Call, Exchange, headers_of, recognized_caller
from shared.composition import Registry
from shared.domain.documents import etag_of, gzipped
from shared.domain.errors.base import Refusal, RefusalKind, Unavailable
from shared.domain.errors.packages import ReleaseNotFound, ReleaseWithdrawn, Withdrawal
from shared.domain.errors.requests import MethodNotAllowed, TooMany
from shared.domain.events import ChangeKind
from shared.domain.packages import Readers
from shared.domain.rate_limits import RateLimitAllowance, tightest_allowance
from shared.runtime import conditional_requests
from shared.runtime.answer_dependencies import ALL_THAT_IS_STORED, Dependencies
from shared.runtime.answers import (
    REQUEST_ID_HEADER,
    Answer,
    KnownCaller,
    RecognizeCaller,
    RecordRepeat,
    Repeatable,
)
from shared.runtime.conditional_requests import is_known, select
from shared.telemetry.metrics import ANSWERED

JSON = "application/json"

NO_STORE = {"Cache-Control": "no-store"}


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


REVALIDATE = "no-cache"  # Builds need the latest push; a conditional request is cheap.
CACHE_PRIVATE = "private, no-store"


class Representation(Struct, frozen=True):
    """A document as it is sent; a shared cache may keep it if it is public. `depends_on` as in
    `Answer`."""

    content: bytes
    media_type: str
    is_public: bool
    depends_on: Dependencies | None = None

    @property
    def etag(self) -> str:
        return etag_of(self.content)


def conditional_answer(call: Call, document: Representation) -> Answer:
    """Return the document, the requested range, the headers alone for a `HEAD`, a 304 or a 412."""
    answer = _conditional_answer(call, document)
    answer.depends_on = document.depends_on
    return answer


def _conditional_answer(call: Call, document: Representation) -> Answer:
    content = document.content
    tag = document.etag
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": REVALIDATE if document.is_public else CACHE_PRIVATE,
    }
    selected = select(call.headers, tag=tag, length=len(content), method=call.method)
    if selected.content_range:
        headers["Content-Range"] = selected.content_range
    match selected.status:
        case conditional_requests.OUTDATED:
            return Answer(status=selected.status, headers=headers | NO_STORE)
        case conditional_requests.UNCHANGED:
            return Answer(
                status=selected.status,
                headers=headers,
                media_type=document.media_type,
                length=len(content),
            )
        case conditional_requests.UNSATISFIABLE:
            headers["Content-Length"] = "0"
            return Answer(status=selected.status, headers=headers)
        case _:
            # The host sets it only where it sends a body.
            headers["Content-Length"] = str(len(selected.span))
    body = b"" if call.is_head else content[selected.span.start : selected.span.stop]
    return Answer(body, selected.status, headers, document.media_type)


PYTHON = "text/x-python"
_CLIENT_IMPORT = re.compile(
    rf"^from {re.escape(shared.script_client.__name__)} import (?:\([^)]*\)|[^(\n]*)\n", re.M
)


def script_answer(call: Call, file: str, address: str) -> Answer:
    """Return a Python file that is run by itself, with the address of this registry in place of
    `address`.
    """
    script = script_text(file, address, call.registry.settings.base_url)
    return conditional_answer(call, Representation(script.encode(), PYTHON, is_public=True))


def script_text(file: str, address: str, base_url: str) -> str:
    """Return the text of such a file as the registry at `base_url` serves it."""
    return _source(file).replace(address, base_url)


@cache
def _source(file: str) -> str:
    """Return the text of a file that is run by itself, with the client that it imports."""
    _, _, client = Path(shared.script_client.__file__).read_text("utf-8").partition(_FUTURE)
    return _CLIENT_IMPORT.sub(lambda _: client.strip() + "\n", Path(file).read_text("utf-8"))


_FUTURE = "from __future__ import annotations\n"  # The first statement of these files.


def make_private(answer: Answer) -> None:
    """Keep the answer out of shared caches."""
    if _is_shared(answer):
        answer.headers["Cache-Control"] = CACHE_PRIVATE


def unchanged_answer(call: Call, whole: Answer, *, etag: str) -> Answer | None:
    """Return a 304 if the client has what the tag names, else None.

    `whole` is the 200 that it stands for, with its `length`. The 304 has its headers and its type:
    caches take over what a 304 says into the answer that they keep.
    """
    return replace(whole, status=304, body=b"") if is_known(call.headers, tag=etag) else None


# --- Refusals as JSON problems, the form of every face that has none of its own ------------------

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
    status = STATUS_BY_KIND[refusal.kind]
    return json_answer({"error": problem}, status, refusal_headers(refusal))


def withdrawal_fields(refusal: Refusal) -> dict[str, object]:
    """Return what programs read of a refused release that was withdrawn; empty for others."""
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
    """Return the headers of a refusal, whose credentials are tokens."""
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


# --- Repeats by a host, while the packages stand that an answer depends on (decision 0008) ------


async def repeatable(call: Call, make: Callable[[], Awaitable[Answer]]) -> Answer:
    """Make an answer, and let the host repeat it if it says on what it depends.

    Refusals are never repeated. To callers with credentials, an answer is repeated if it depends on
    packages alone, and one about packages that are not public to their readers.
    """
    number = call.registry.adapters.edition.number
    answer = await make()
    if answer.depends_on is not None and answer.repeated_until_ms:
        _let_repeat(call, answer, number, answer.depends_on)
    return answer


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
    )
    answer.repeat = Repeatable(record, number, depends_on.packages, readers_of)


def recognizer(registry: Registry) -> RecognizeCaller:
    """Return a function by which the host recognizes the callers to whom it repeats answers: not
    those without credentials where only signed-in people read."""
    readers = registry.common.authorization.readers
    needs_credentials = registry.settings.readers is Readers.SIGNED_IN

    def recognize(request: func.HttpRequest) -> KnownCaller | None:
        try:
            caller = recognized_caller(headers_of(request), registry)
        except Refusal:  # The Function says why.
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
) -> RecordRepeat:
    """Return a function that the host calls for each repeat: it counts and logs the request as the
    operation does. The Function is called if the time is over, or the caller over a rate limit."""
    clock = registry.clock

    def record(request: func.HttpRequest, caller: KnownCaller) -> Mapping[str, str] | None:
        if until_ms < inf and clock.monotonic_ms() >= until_ms:
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


# --- The length of a body, and compression ------------------------------------------------------

_WITHOUT_BODY = frozenset((204, 304))


def add_length(answer: Answer, method: str) -> None:
    """Add the `Content-Length`: without one the Functions host sends a body in chunks, which
    clients of archives reject."""
    headers = answer.headers
    is_known = answer.packed or "Content-Length" in headers or answer.status in _WITHOUT_BODY
    if not is_known and not (method == "HEAD" and "Content-Encoding" in headers):
        headers["Content-Length"] = str(len(answer.body))


# Such a text is the same for everybody, so it contains no secret that the length of the compressed
# text could reveal to an attacker who makes a browser request it (BREACH). Pages of signed-in
# people, answers to tokens and refusals are `private` or `no-store`, and are sent uncompressed; so
# is what clients of Central read. Archives are no texts. A compressed text has a weak ETag: it
# means the same as the plain one, and differs in its bytes.

SMALLEST_BYTES = 1_024  # A smaller text fits into a packet.
LARGEST_BYTES = 1024 * 1024  # A larger text takes a processor longer than 20 ms, each time.
ON_THE_LOOP_BYTES = 64 * 1024  # Compressed in less than a millisecond.

_READING = frozenset(("GET", "HEAD"))
_OK = 200
_UNCHANGED = 304
_TEXT = re.compile(r"text/|(application|image)/([\w.-]+\+)?(json|xml|x-ndjson)\b")
_NO_QUALITY = re.compile(r"q=0(\.0{0,3})?")


async def compressed(call: Call, answer: Answer) -> Answer:
    """Return the answer as this client gets it: compressed, or with what caches have to know."""
    status = answer.status
    if status not in (_OK, _UNCHANGED) or call.method not in _READING or not _is_shared(answer):
        return answer
    if not _is_long_text(answer):
        return answer
    _add_vary(answer)
    if status == _UNCHANGED:  # Its ETag is that of the encoding that the client has.
        if f"W/{answer.headers.get('ETag')}" in call.header("if-none-match"):
            _weaken(answer)
            answer.headers.pop("Accept-Ranges", None)
        return answer
    return await _packed(answer) if accepts_gzip(call.headers) else answer


def accepts_gzip(headers: Mapping[str, str]) -> bool:
    """Return whether the `Accept-Encoding` names gzip, or any encoding, and does not exclude it."""
    accepted: dict[str, bool] = {}
    for coding in headers.get("accept-encoding", "").lower().split(","):
        name, _, quality = coding.partition(";")
        accepted.setdefault(name.strip(), not _NO_QUALITY.fullmatch(quality.replace(" ", "")))
    return accepted.get("gzip", accepted.get("*", False))


def _is_shared(answer: Answer) -> bool:
    """Return whether shared caches may keep the answer, so that it has no secret of anybody."""
    caching = answer.headers.get("Cache-Control", "no-store")
    return "no-store" not in caching and "private" not in caching


def _is_long_text(answer: Answer) -> bool:
    headers = answer.headers
    if "Content-Encoding" in headers or not _TEXT.match(answer.content_type):
        return False
    length = answer.length
    if length is None:  # The answer to a HEAD has the length of the text, and no body.
        length = int(headers.get("Content-Length", len(answer.body)))
    return SMALLEST_BYTES < length <= LARGEST_BYTES


def _add_vary(answer: Answer) -> None:
    varied = answer.headers.get("Vary", "")
    if "accept-encoding" not in varied.lower():
        answer.headers["Vary"] = f"{varied}, Accept-Encoding".removeprefix(", ")


def _weaken(answer: Answer) -> None:
    """Mark the ETag as that of several encodings, which differ in their bytes."""
    tag = answer.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        answer.headers["ETag"] = f"W/{tag}"


async def _packed(answer: Answer) -> Answer:
    headers = dict(answer.headers)
    headers.pop("Content-Length", None)  # That of a HEAD is known only once the text is compressed.
    headers.pop("Accept-Ranges", None)  # A range is one of the plain text.
    body = answer.body and await _gzip(answer.body)
    packed = replace(answer, body=body, headers={**headers, "Content-Encoding": "gzip"})
    _weaken(packed)
    return packed


async def _gzip(body: bytes) -> bytes:
    if len(body) <= ON_THE_LOOP_BYTES:
        return gzipped(body)
    return await asyncio.to_thread(gzipped, body)
