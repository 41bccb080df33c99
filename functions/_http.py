"""The edge that every face shares: reading requests, shaping answers, one log line a request."""

import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache, wraps
from itertools import count
from typing import Self, TypeVar, cast

import azure.functions as func
import orjson

from functions._answers import UnsendableAnswer, finish
from functions._hosted import takes_context, trace_of
from shared.auth.client import Client
from shared.auth.cookies import leaving
from shared.auth.secret import Secret
from shared.domain.addresses import Networks
from shared.domain.errors import (
    ArchiveTooLarge,
    BodyUnreadable,
    FileTooLarge,
    InvalidName,
    LengthMissing,
    MethodNotAllowed,
    OrganizationNotFound,
    PackageNotFound,
    Refusal,
    ReleaseNotFound,
    TokenExpired,
    TokenForeign,
    TokenMalformed,
    TokenMisplaced,
    TokenPlaceholder,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from shared.domain.identity import Principal
from shared.domain.json_bounds import has_at_most, is_shallow
from shared.domain.language import ClientProfile
from shared.domain.rates import Allowance, tightest
from shared.domain.token_texts import holds_token
from shared.log import log, log_request
from shared.ranges import known_tags
from shared.registry import Registry
from shared.services.limiting import told
from shared.standing import NEW_EACH_TIME
from shared.telemetry import recording
from shared.telemetry.activities import Activity
from shared.telemetry.catalog import REQUESTS
from shared.telemetry.recording import Part

Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]
Refused = Callable[[Refusal], func.HttpResponse]
Broken = Callable[[str], func.HttpResponse]
Adapted = Callable[[func.HttpRequest, func.HttpResponse], func.HttpResponse]

Proof = TypeVar("Proof")


JSON = "application/json"

NO_STORE = {"Cache-Control": "no-store"}  # Of an answer for one caller and one moment.

_READING = frozenset(("GET", "HEAD"))
_BODILESS = _READING | {"OPTIONS"}
_REFUSED = 400  # From here on an answer is a refusal, which says itself what it is about.

MOST_BYTES = 4 * 1024 * 1024  # Of JSON: a resolve of 2,000 modules with their candidates has one.
MOST_VALUES = 250_000
FORM_BYTES = 1024 * 1024  # What a form wraps around an archive, generously.

_OBJECT = "a JSON object, such as {}"
_NOT_SO_MANY = f"a JSON object of fewer than {MOST_VALUES:,} values"


def as_it_is(_req: func.HttpRequest, answer: func.HttpResponse) -> func.HttpResponse:
    """Return a refusal that all clients of a face read alike."""
    return answer


def edge(
    refused: Refused, broken: Broken, adapted: Adapted = as_it_is
) -> Callable[[Handler], Handler]:
    """Return a decorator for the Functions of one face.

    It gives every answer an `X-Request-Id` and a log line, turns a refusal into `refused(refusal)`
    and anything else into `broken(request id)`, which is logged once, here; an answer that the host
    would not send is such a fault too. Where clients of one face read a refusal differently,
    `adapted` makes it theirs.
    """

    async def outcome_of(
        handler: Handler, req: func.HttpRequest, exchange: "Exchange"
    ) -> tuple[func.HttpResponse, str]:
        try:
            _require_a_whole_body(req)
            return await handler(req), "answered"
        except Refusal as given:
            refusal = _as_missing(given, req)
            return adapted(req, refused(refusal)), type(refusal).__name__
        except Exception:
            return _failed(broken, exchange), "broken"

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        async def answer(
            req: func.HttpRequest, context: func.Context | None = None
        ) -> func.HttpResponse:
            exchange = _begin(handler, req, context)
            limits, cookies = list[Allowance](), list[Secret]()
            told.set(limits)
            leaving.set(cookies)
            response, outcome = await outcome_of(handler, req, exchange)
            try:
                _finish(req, response, exchange, limits, cookies)
            except UnsendableAnswer:
                response, outcome = _failed(broken, exchange), "broken"
                _finish(req, response, exchange, [], [])
            exchange.end(response.status_code, outcome)
            return response

        return takes_context(answer, handler)

    return decorate


def _begin(handler: Handler, req: func.HttpRequest, context: func.Context | None) -> "Exchange":
    part = Part.SERVED if context is None else Part.HOSTED
    trace = trace_of(context, header(req, "traceparent"))
    return Exchange.begin(handler.__name__, trace, part)


def _require_a_whole_body(req: func.HttpRequest) -> None:
    """Raise `LengthMissing` for a body in chunks, which the host hands over as an empty one."""
    if req.method not in _BODILESS and header(req, "transfer-encoding"):
        raise LengthMissing


def _as_missing(refusal: Refusal, req: func.HttpRequest) -> Refusal:
    """Turn an invalid name in a path into the refusal of a name that is not there.

    Clients go on after the words of a package that is not there, and after no others.
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


def _failed(broken: Broken, exchange: "Exchange") -> func.HttpResponse:
    log.exception("request.broken", request_id=exchange.request_id)
    return broken(exchange.request_id)


def _finish(
    req: func.HttpRequest,
    response: func.HttpResponse,
    exchange: "Exchange",
    limits: list[Allowance],
    cookies: list[Secret],
) -> None:
    """Add what every answer says beside its own headers, and check that the host sends it."""
    response.headers[NEW_EACH_TIME] = exchange.request_id
    if limits and response.status_code < _REFUSED:
        response.headers.update(rate_headers(tightest(limits)))
    for cookie in cookies:
        response.headers.add("Set-Cookie", cookie.reveal())
    finish(response, req.method)


# Ids of requests: no two processes share the first half, and no two requests of one the second.
_PROCESS = os.urandom(4).hex()
_NUMBERS = count(1)

_USUAL = 400  # Characters of an address and an agent that are worth being remembered.

_operation: ContextVar[str] = ContextVar("operation", default="")
_principal: ContextVar[str] = ContextVar("principal", default="")
_request_id: ContextVar[str] = ContextVar("request_id", default="")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, which leave one line in the log."""

    operation: str
    request_id: str
    started: float
    activity: Activity

    @classmethod
    def begin(cls, operation: str, trace: str = "", part: Part = Part.SERVED) -> Self:
        """Begin an exchange whose caller is not known yet, as a part of the trace."""
        _operation.set(operation)
        _principal.set("")
        _request_id.set(f"{_PROCESS}{next(_NUMBERS):08x}")
        activity = Activity.begin(operation, part, trace)
        return cls(operation, _request_id.get(), time.perf_counter(), activity)

    def end(self, status: int, outcome: str) -> None:
        """Write the line, and tell who listens."""
        seconds = time.perf_counter() - self.started
        log_request(
            operation=self.operation,
            status=status,
            outcome=outcome,
            principal=_principal.get(),
            request_id=self.request_id,
            seconds=round(seconds, 6),
            **self.activity.told(),
        )
        if recording.is_heard():
            face = self.operation.partition("_")[0]
            told = {"face": face, "operation": self.operation, "outcome": outcome}
            recording.record(REQUESTS, seconds, {**told, "status": status})
            self.activity.end({**told, "http.response.status_code": status})


def under_way() -> tuple[str, str]:
    """Return the operation that answers a request now, and who makes it, as far as known."""
    return _operation.get(), _principal.get()


def request_id() -> str:
    """Return the id of the request that is answered now, as its answer will tell it."""
    return _request_id.get()


async def caller_of(headers: Mapping[str, str], registry: Registry) -> Principal:
    """Return who makes the request, counted and noted for the log.

    Raises if credentials are no good, and `TooMany`. Such a request counts as a read of its
    address, as one without credentials does.
    """
    sent = headers.get("authorization")
    if not sent:
        return stranger_of(headers, registry)
    client = Client.of(headers, registry.settings.proxies)
    # Before the store is asked about a token: nobody makes it read without end.
    registry.limiting.require_room(client.address)
    authenticate = registry.authentication.authenticate
    try:
        caller = await proven(
            lambda: authenticate(headers, client), sent, registry, address=client.address
        )
    except Unauthenticated:
        registry.limiting.read(Principal(address=client.address))
        raise
    return arrived(caller, client, registry)


# Nobody finds a token by sending these: their own text says that they are none.
_NO_GUESSES = (TokenExpired, TokenMalformed, TokenPlaceholder, TokenForeign)


async def proven(
    prove: Callable[[], Awaitable[Proof]], credential: str, registry: Registry, *, address: str
) -> Proof:
    """Return what a credential proves, which is always looked at; count those that prove nothing.

    Raises `TooManyFailures` for a credential that proves nothing, where its address sent too many
    others of that sort.
    """
    try:
        return await prove()
    except Unauthenticated as refusal:
        if not isinstance(refusal, _NO_GUESSES):
            await registry.limiting.failed(address, credential)
        raise


def stranger_of(headers: Mapping[str, str], registry: Registry) -> Principal:
    """Return who makes a request without credentials, counted and noted for the log.

    Raises `TooManyRequests`.
    """
    return _noted(_stranger(headers, registry.settings.proxies), registry)


def arrived(principal: Principal, client: Client, registry: Registry) -> Principal:
    """Return the principal with where it calls from, counted and noted for the log.

    Raises `TooManyRequests`.
    """
    caller = replace(principal, address=client.address, agent=client.agent)
    return _noted(caller, registry)


def _noted(caller: Principal, registry: Registry) -> Principal:
    _principal.set(caller.id)
    registry.limiting.read(caller)
    return caller


def _stranger(headers: Mapping[str, str], proxies: Networks) -> Principal:
    """Return who sends no credentials: most requests, so the same ones are made once."""
    forwarded, agent = headers.get("x-forwarded-for", ""), headers.get("user-agent", "")
    make = _make_stranger if len(forwarded) + len(agent) <= _USUAL else _make_stranger.__wrapped__
    return make(forwarded, agent, proxies)


@lru_cache(maxsize=4_096)
def _make_stranger(forwarded: str, agent: str, proxies: Networks) -> Principal:
    client = Client.of({"x-forwarded-for": forwarded, "user-agent": agent}, proxies)
    return Principal(address=client.address, agent=client.agent)


def json_answer(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """Return `value` as JSON that nobody keeps, unless the headers say otherwise."""
    body = orjson.dumps(value)
    return func.HttpResponse(body, status_code=status, headers=headers or NO_STORE, mimetype=JSON)


def when_again(refusal: Refusal) -> dict[str, str]:
    """Return the headers that tell when to come back, or with which methods, where that helps.

    Clients read no 0.
    """
    match refusal:
        case MethodNotAllowed():
            return {"Allow": ", ".join(refusal.allowed)}
        case Unavailable():
            return {"Retry-After": str(max(1, int(refusal.retry_after.total_seconds())))}
        case TooMany():
            wait = str(refusal.allowance.wait_s)
            return {"Retry-After": wait, **rate_headers(refusal.allowance)}
        case _:
            return {}


def rate_headers(allowance: Allowance) -> dict[str, str]:
    """Return a limit, what is left of it, and in how many seconds there is more.

    The three fields of drafts 03 to 06 of "RateLimit header fields for HTTP", in which the last is
    a number of seconds and the same as `Retry-After` in a refusal.
    """
    return {
        "RateLimit-Limit": str(allowance.limit),
        "RateLimit-Remaining": str(allowance.remaining),
        "RateLimit-Reset": str(allowance.wait_s),
    }


def headers_of(req: func.HttpRequest) -> Mapping[str, str]:
    """Return the request's headers, compared without case; the library does not type them."""
    return req.headers  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def header(req: func.HttpRequest, name: str) -> str:
    """Return the header, or an empty text."""
    return str(req.headers.get(name, ""))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def path_of(req: func.HttpRequest) -> str:
    """Return the path that was asked for, as it was written, without its query."""
    return "/" + req.url.partition("://")[2].partition("/")[2].partition("?")[0]


def json_object(req: func.HttpRequest) -> dict[str, object]:
    """Return the body as a JSON object whatever its `Content-Type`, or raise `BodyUnreadable`.

    Control characters inside strings are let through, because the clients do not escape them.
    A body with an access token in it is refused: what it says may be stored and shown.
    """
    body = body_within(req, MOST_BYTES)
    if not has_at_most(MOST_VALUES, body):
        raise BodyUnreadable(_NOT_SO_MANY)
    if holds_token(body):
        raise TokenMisplaced
    try:
        value: object = json.loads(body or b"{}", strict=False)
    except (ValueError, RecursionError):
        raise BodyUnreadable(_OBJECT) from None
    if not isinstance(value, dict) or not is_shallow(cast(object, value)):
        raise BodyUnreadable(_OBJECT)
    return cast(dict[str, object], value)


def body_within(req: func.HttpRequest, limit: int) -> bytes:
    """Return the body, or raise `FileTooLarge` for one of more bytes than `limit`."""
    if size_of(req) > limit:
        what = "body of the request"
        raise FileTooLarge(what, size_of(req), limit)
    return req.get_body()


def upload_of(req: func.HttpRequest, limit: int) -> bytes:
    """Return a body that holds an archive of at most `limit` bytes, or raise `ArchiveTooLarge`."""
    if size_of(req) > limit + FORM_BYTES:
        raise ArchiveTooLarge(size_of(req), limit)
    return req.get_body()


def size_of(req: func.HttpRequest) -> int:
    """Return how many bytes the body has, by its announcement: a host keeps none above its limit,
    and calls the Function all the same."""
    announced = header(req, "content-length")
    return max(len(req.get_body()), int(announced) if announced.isdecimal() else 0)


def client_of(req: func.HttpRequest) -> ClientProfile:
    """Return what the client that asks can use."""
    language = req.params.get("ballerina_version") or header(req, "user-agent")
    return ClientProfile.of(header(req, "ballerina-platform"), language)


def tags_to_trust(req: func.HttpRequest) -> frozenset[str]:
    """Return the tags of what the client has, unless it wants no word but the store's."""
    headers = headers_of(req)
    wishes = f"{headers.get('cache-control', '')},{headers.get('pragma', '')}".lower()
    return frozenset() if "no-cache" in wishes else known_tags(headers)
