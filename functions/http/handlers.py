"""The decorator of every HTTP handler: request id, log line, telemetry; refusals as JSON problems,
which is the format of every face that has none of its own.
"""

import inspect
import os
import re
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from itertools import count
from typing import Any, Self, TypeVar

import azure.functions as func

from functions.http.compression import compressed
from functions.http.requests import header
from functions.http.responses import (
    NO_STORE,
    UnsendableResponse,
    complete_response,
    json_response,
    rate_limit_fields,
    retry_headers,
)
from shared.answer_cache import REQUEST_ID_HEADER
from shared.auth.cookies import set_cookies
from shared.auth.secrets import Secret
from shared.domain.errors.base import InvalidName, Refusal, RefusalKind
from shared.domain.errors.organizations import OrganizationNotFound
from shared.domain.errors.packages import PackageNotFound, ReleaseNotFound
from shared.domain.errors.requests import LengthMissing
from shared.domain.rate_limits import RateLimitAllowance, tightest_allowance
from shared.log import log, log_request
from shared.services.rate_limits import rate_limit_headers
from shared.telemetry import recording
from shared.telemetry.metrics import REQUESTS
from shared.telemetry.recording import Activity, SpanOrigin
from shared.telemetry.sampling import SLOW_SECONDS, log_sampling

Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]
RefusalResponder = Callable[[Refusal], func.HttpResponse]
FailureResponder = Callable[[str], func.HttpResponse]
ResponseAdapter = Callable[[func.HttpRequest, func.HttpResponse], func.HttpResponse]

_READING = frozenset(("GET", "HEAD"))
_BODILESS = _READING | {"OPTIONS"}
# Signing in changes something by GET, and who reads as an administrator is asked for afterwards.
_RECORDED_FACES = ("sign_in_", "manage_")
# Operations that only read, although clients send them as POST.
READING_POSTS = frozenset(
    (
        *("central_resolve_packages", "central_resolve_modules", "central_resolve_tools"),
        "central_graphql",
    )
)
_FIRST_ERROR_STATUS = 400  # Refusals have rate limit headers of their own.


def unchanged_response(_req: func.HttpRequest, response: func.HttpResponse) -> func.HttpResponse:
    return response


def handler_decorator(
    refusal_response: RefusalResponder,
    failure_response: FailureResponder,
    adapt: ResponseAdapter = unchanged_response,
) -> Callable[[Handler], Handler]:
    """Return a decorator for the Functions of one face.

    It adds an `X-Request-Id` to every response and writes a log line. A refusal becomes
    `refusal_response(refusal)`, which `adapt` may change for the client of the request. Any other
    exception is logged, here alone, and becomes `failure_response(request id)`, and so does a
    response that the Functions host would not send.
    """
    face = _FaceResponses(refusal_response, failure_response, adapt)

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        async def respond(
            req: func.HttpRequest, context: func.Context | None = None
        ) -> func.HttpResponse:
            exchange = _begin(handler, req, context)
            limits, cookies = list[RateLimitAllowance](), list[Secret]()
            rate_limit_headers.set(limits)
            set_cookies.set(cookies)
            response, outcome = await face.outcome(handler, req, exchange)
            try:
                _finish(req, response, exchange, limits, cookies)
            except UnsendableResponse:
                response, outcome = face.failed(exchange), "broken"
                _finish(req, response, exchange, [], [])
            exchange.end(response.status_code, outcome)
            return response

        return declare_context(respond, handler)

    return decorate


@dataclass(frozen=True, slots=True)
class _FaceResponses:
    """What the Functions of one face respond."""

    refusal_response: RefusalResponder
    failure_response: FailureResponder
    adapt: ResponseAdapter

    async def outcome(
        self, handler: Handler, req: func.HttpRequest, exchange: "Exchange"
    ) -> tuple[func.HttpResponse, str]:
        """Return the response of the handler, and the outcome that the log names."""
        try:
            _require_a_whole_body(req)
            return await compressed(req, await handler(req)), "answered"
        except Exception as error:
            answered = self._answer_to(error, req, exchange)
            _drop_frames(error)
            return answered

    def _answer_to(
        self, error: Exception, req: func.HttpRequest, exchange: "Exchange"
    ) -> tuple[func.HttpResponse, str]:
        if not isinstance(error, Refusal):
            return self.failed(exchange), "broken"
        refusal = _as_missing(error, req)
        return self.adapt(req, self.refusal_response(refusal)), type(refusal).__name__

    def failed(self, exchange: "Exchange") -> func.HttpResponse:
        """Log the exception that is handled, and return the response to it."""
        if log_sampling().has_room_for_a_stack(time.perf_counter()):
            log.exception("request.broken", request_id=exchange.request_id)
        return self.failure_response(exchange.request_id)


def _drop_frames(error: BaseException) -> None:
    """Drop the frames of an exception that is answered, and of those that led to it.

    Its traceback holds every frame that it passed, and a frame with a variable for the exception
    holds it in turn. Such a cycle would keep the request and its body until the interpreter
    collects all garbage.
    """
    error.__traceback__ = None
    for earlier in {error.__cause__, error.__context__}:
        if earlier is not None:
            _drop_frames(earlier)


def _begin(handler: Handler, req: func.HttpRequest, context: func.Context | None) -> "Exchange":
    origin = SpanOrigin.SERVED if context is None else SpanOrigin.HOSTED
    trace = traceparent_of(context, header(req, "traceparent"))
    return Exchange.begin(handler.__name__, trace, origin, req.method)


def _require_a_whole_body(req: func.HttpRequest) -> None:
    """Raise `LengthMissing` for a chunked body, which the host passes on as an empty one."""
    if req.method not in _BODILESS and header(req, "transfer-encoding"):
        raise LengthMissing


def _as_missing(refusal: Refusal, req: func.HttpRequest) -> Refusal:
    """Turn an invalid name in the path of a read into the refusal of a missing name.

    Clients continue after the message of a missing package, and stop after any other.
    """
    if not isinstance(refusal, InvalidName) or req.method not in _READING:
        return refusal
    names = dict(req.route_params)
    if refusal.text not in (*names.values(), f"{names.get('org')}/{names.get('name')}"):
        return refusal
    match names:
        case {"org": org, "name": name, "version": version}:
            return ReleaseNotFound(f"{org}/{name}", version)
        case {"org": org, "name": name}:
            return PackageNotFound(f"{org}/{name}")
        case {"org": org}:
            return OrganizationNotFound(org)
        case _:
            return refusal


def _finish(
    req: func.HttpRequest,
    response: func.HttpResponse,
    exchange: "Exchange",
    limits: list[RateLimitAllowance],
    cookies: list[Secret],
) -> None:
    """Add the headers of every response, and check that the host sends it."""
    response.headers[REQUEST_ID_HEADER] = exchange.request_id
    if limits and response.status_code < _FIRST_ERROR_STATUS:
        for name, value in rate_limit_fields(tightest_allowance(limits)).items():
            response.headers[name] = value
    for cookie in cookies:
        response.headers.add("Set-Cookie", cookie.reveal())
    complete_response(response, req.method)


# A request id is an id of the process and a number in that process.
_PROCESS = os.urandom(4).hex()
_NUMBERS = count(1)

_operation: ContextVar[str] = ContextVar("operation", default="")
current_principal: ContextVar[str] = ContextVar("principal", default="")
_request_id: ContextVar[str] = ContextVar("request_id", default="")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response, which are one line in the log, or counted by the line of
    another one."""

    operation: str
    request_id: str
    started: float
    activity: Activity
    is_read: bool

    @classmethod
    def begin(
        cls,
        operation: str,
        trace: str = "",
        origin: SpanOrigin = SpanOrigin.SERVED,
        method: str = "GET",
    ) -> Self:
        """Begin an exchange with an unknown caller; `trace` is a `traceparent`."""
        _operation.set(operation)
        current_principal.set("")
        _request_id.set(f"{_PROCESS}{next(_NUMBERS):08x}")
        activity = Activity.begin(operation, origin, trace)
        now, is_read = time.perf_counter(), _is_read(operation, method)
        return cls(operation, _request_id.get(), now, activity, is_read)

    def end(self, status: int, outcome: str) -> None:
        """Write the log line, and record metrics and the span if telemetry is on."""
        now = time.perf_counter()
        seconds = now - self.started
        stands_for = self._weigh(status, seconds, now)
        if stands_for:
            log_request(
                operation=self.operation,
                status=status,
                outcome=outcome,
                principal=current_principal.get(),
                request_id=self.request_id,
                seconds=round(seconds, 6),
                **self.activity.log_fields(),
                **({"stands_for": stands_for} if stands_for > 1 else {}),
            )
        if recording.is_enabled():
            face = self.operation.partition("_")[0]
            attributes = {"face": face, "operation": self.operation, "outcome": outcome}
            recording.record_metric(REQUESTS, seconds, {**attributes, "status": status})
            self.activity.end({**attributes, "http.response.status_code": status})

    def _weigh(self, status: int, seconds: float, now: float) -> int:
        """Return how many requests the line of this one stands for, 0 for no line."""
        sampling, trace = log_sampling(), self.activity.trace
        is_ordinary = self.is_read and status < _FIRST_ERROR_STATUS and seconds < SLOW_SECONDS
        return sampling.weigh(trace) if is_ordinary else sampling.weigh_whole(trace, now)


def _is_read(operation: str, method: str) -> bool:
    if operation.startswith(_RECORDED_FACES):
        return False
    return method in _READING or operation in READING_POSTS


def current_operation_and_principal() -> tuple[str, str]:
    """Return the operation of the current request, and the id of its caller if it is known."""
    return _operation.get(), current_principal.get()


def request_id() -> str:
    """Return the id of the current request."""
    return _request_id.get()


FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

_CONTEXT_PARAMETER = inspect.Parameter(
    "context", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=func.Context
)


def declare_context(function: FunctionT, like: Callable[..., Any]) -> FunctionT:
    """Declare the parameters of a Function: those of `like`, and the host's `context`.

    The Functions host passes the context to a parameter of that name and type, and rejects a type
    that allows None. The local host passes no context.
    """
    known = inspect.signature(like)
    signature = known.replace(parameters=[*known.parameters.values(), _CONTEXT_PARAMETER])
    vars(function)["__signature__"] = signature
    function.__annotations__ = {**like.__annotations__, "context": func.Context}
    return function


def traceparent_of(context: func.Context | None, sent: str) -> str:
    """Return the `traceparent` of the host's context, else the one that the client sent."""
    return sent if context is None else context.trace_context.trace_parent or ""


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


def problem_response(refusal: Refusal) -> func.HttpResponse:
    headers = NO_STORE | retry_headers(refusal)
    if refusal.kind is RefusalKind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return _problem(
        STATUS_BY_KIND[refusal.kind], refusal_code(type(refusal)), str(refusal), headers
    )


def failure_response(request_id: str) -> func.HttpResponse:
    """Return a 500 with the request id, and nothing of the exception."""
    message = f"The registry failed. Tell its operator this request id: {request_id}."
    return _problem(500, "broken", message, NO_STORE)


def refusal_code(refusal: type[Refusal]) -> str:
    """Return the code of a refusal: `token-unknown` for `TokenUnknown`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", refusal.__name__).lower()


def _problem(status: int, code: str, message: str, headers: dict[str, str]) -> func.HttpResponse:
    return json_response({"error": {"code": code, "message": message}}, status, headers)


api_errors = handler_decorator(problem_response, failure_response)
