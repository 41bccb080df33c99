"""The call of an operation: what a client sent and who it is, the line in the log, metrics and
traces of the call, and the context that the Functions host passes to a Function beside its trigger.
"""

import os
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from itertools import count
from math import inf
from typing import Any, Self, TypeVar

import azure.functions as func
from msgspec import Struct

from functions.http.via_header import passed_registries
from shared.auth.authentication import RequestClient, from_client, is_guess
from shared.auth.secrets import Secret
from shared.domain.client_addresses import Networks, caller_network
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ClientProfile
from shared.domain.errors.base import Unauthenticated
from shared.domain.names import OrgName, parse_org
from shared.domain.packages import Release
from shared.domain.principals import Principal
from shared.domain.rate_limits import RateLimitAllowance, RateLimitClass, RateLimitKeys
from shared.registry import Registry
from shared.runtime.answers import RecognizedRequest
from shared.services.packages.source import PackageSource
from shared.telemetry.activities import Activity, is_tracing
from shared.telemetry.log import log, log_request
from shared.telemetry.log_sampling import SLOW_SECONDS, log_sampling
from shared.telemetry.metrics import (
    FIRST_ERROR_STATUS,
    FIRST_FAILURE_STATUS,
    REQUESTS,
    Attributes,
    is_recording,
    record_metric,
)

# A request id is an id of the process and a number in that process.
_PROCESS = os.urandom(4).hex()
_NUMBERS = count(1)


class Exchange(Struct):
    """One request and its answer. The log has one line for it, or another line counts it.
    `principal` is the id of the caller once it is identified. For a pull, `pulled` is the
    coordinate of the release, and `caller` the whole principal."""

    operation: str
    method: str
    is_ordinary: bool
    request_id: str
    started: float
    activity: Activity
    principal: str = ""
    pulled: str = ""
    caller: Principal | None = None

    @classmethod
    def begin(
        cls,
        operation: str,
        trace: str = "",
        *,
        method: str = "GET",
        is_hosted: bool = False,
        is_ordinary: bool = True,
    ) -> Self:
        """Begin an exchange. `trace` is a `traceparent`, that of the Functions host if `is_hosted`.
        Ordinary exchanges that succeed may share one line in the log."""
        activity = Activity.begin(trace, is_hosted=is_hosted)
        return cls(operation, method, is_ordinary, _new_id(), time.perf_counter(), activity)

    @classmethod
    def of_cache_hit(cls, operation: str, trace: str, *, method: str) -> Self:
        """Begin the exchange of a request that gets a cached answer."""
        activity = Activity.detached(trace)  # A cached answer reads nothing from a store.
        return cls(operation, method, True, _new_id(), time.perf_counter(), activity)

    def note_failure(self) -> None:
        """Log the exception that is being handled."""
        if log_sampling().has_room_for_a_stack(time.perf_counter()):
            log.exception("request.broken", request_id=self.request_id)

    def end(self, status: int, outcome: str) -> None:
        """Write the log line, and record metrics and the trace if telemetry is on."""
        now = time.perf_counter()
        seconds = now - self.started
        sample_weight = self._sample_weight(status, seconds, now)
        if sample_weight:
            log_request(**self._fields(status, outcome, seconds, sample_weight))
        if is_recording():
            record_metric(REQUESTS, seconds, self._attributes(status, outcome))
        if is_tracing():
            self.activity.end(
                self.operation,
                lambda: {
                    **self._attributes(status, outcome),
                    "method": self.method,
                    "request_id": self.request_id,
                },
                is_failed=status >= FIRST_FAILURE_STATUS,
            )

    def _fields(
        self, status: int, outcome: str, seconds: float, sample_weight: int
    ) -> dict[str, object]:
        """Return the fields of the line; for a pull also what was pulled, and from which
        address."""
        fields: dict[str, object] = {
            "operation": self.operation,
            "status": status,
            "outcome": outcome,
            "principal": self.principal,
            "request_id": self.request_id,
            "seconds": round(seconds, 6),
        }
        if self.pulled and self.caller is not None:
            fields["coordinate"] = self.pulled
            fields["network"] = caller_network(self.caller.address)
            if self.caller.credential:
                fields["credential"] = self.caller.credential
        fields |= self.activity.log_fields()
        if sample_weight > 1:
            fields["stands_for"] = sample_weight
        return fields

    def _attributes(self, status: int, outcome: str) -> Attributes:
        face = self.operation.partition("_")[0]
        return {"face": face, "operation": self.operation, "outcome": outcome, "status": status}

    def _sample_weight(self, status: int, seconds: float, now: float) -> int:
        """Return how many requests the line of this one counts; 0 if it gets no line."""
        sampling = log_sampling()
        is_counted = self.is_ordinary and status < FIRST_ERROR_STATUS and seconds < SLOW_SECONDS
        return sampling.sample_weight() if is_counted else sampling.bounded_weight(now)


def _new_id() -> str:
    return f"{_PROCESS}{next(_NUMBERS):08x}"


FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def declare_context(function: FunctionT) -> FunctionT:
    """Declare the parameter `context` of a Function, which may be None, as the host demands.

    The Functions host passes the context to a parameter of that name and type, and rejects a type
    that allows None. The local host passes no context.
    """
    function.__annotations__["context"] = func.Context
    return function


def traceparent_of(context: func.Context | None, sent: str) -> str:
    """Return the `traceparent` of the host's context, else the one that the client sent."""
    return sent if context is None else context.trace_context.trace_parent or ""


class Call:
    """One request to an operation; `caller` is anonymous until the face has identified it.

    `allowances` are those of the rate limits that counted the request, and `cookies` values of
    `Set-Cookie`; both are sent with the answer.
    """

    def __init__(
        self,
        registry: Registry,
        request: func.HttpRequest,
        exchange: Exchange,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.registry = registry
        self.request = request
        # In capitals, as `HttpRequest` gives it: the host compares methods without case.
        self.method = str(request.method)
        self.exchange = exchange
        self.headers = headers_of(request) if headers is None else headers
        self.caller = Principal()
        # The packages as this caller sees them, created when they are first read.
        self._package_source: PackageSource | None = None
        self.allowances: list[RateLimitAllowance] = []
        self.cookies: list[Secret] = []

    # --- What the client sent --------------------------------------------------------------------

    @property
    def url(self) -> str:
        return str(self.request.url)

    @property
    def path(self) -> str:
        """The path as the client wrote it, without the query."""
        return "/" + self.url.partition("://")[2].partition("/")[2].partition("?")[0]

    @property
    def params(self) -> Mapping[str, str]:
        """The parameters of the query."""
        return self.request.params

    @property
    def route_params(self) -> Mapping[str, str]:
        """The parts of the path that the route names; a part that is absent has no key."""
        return self.request.route_params

    @property
    def is_head(self) -> bool:
        return self.method == "HEAD"

    def header(self, name: str) -> str:
        """Return the header, or an empty text."""
        return self.headers.get(name, "")

    def content(self) -> bytes:
        """Return the body, or raise the refusal of one that was not read."""
        return self.request.get_body()

    @property
    def body_size(self) -> int:
        """The size of the body, or what the client declared of a body that was not read."""
        return max(len(self.content()), self.declared_size)

    @property
    def declared_size(self) -> int:
        """The `Content-Length`: a host drops a body above its limit, and calls the Function."""
        length = self.header("content-length")
        return int(length) if length.isdecimal() else 0

    # --- What the names in the path mean ---------------------------------------------------------

    @property
    def org(self) -> OrgName:
        return parse_org(self.route_params["org"])

    @property
    def package(self) -> Package:
        return Package.parse(self.route_params["org"], self.route_params["name"])

    @property
    def coordinate(self) -> Coordinate:
        params = self.route_params
        return Coordinate.parse(params["org"], params["name"], params["version"])

    @property
    def client(self) -> ClientProfile:
        """The platforms and the language of the client."""
        language = self.params.get("ballerina_version") or self.header("user-agent")
        return ClientProfile.of(self.header("ballerina-platform"), language)

    # --- Which packages the caller finds ---------------------------------------------------------

    @property
    def package_source(self) -> PackageSource:
        """The packages as this caller finds them: ours, and in a mirror those of upstreams as
        well."""
        if self._package_source is None:
            mirroring = self.registry.mirroring
            hosted = self.registry.packages.hosted
            self._package_source = mirroring.source(self.caller, self.via) if mirroring else hosted
        return self._package_source

    def fresh_until_ms(self, release: Release) -> float:
        """Return until when, by the monotonic clock, an answer about the release may be cached. A
        mirrored release is refreshed only by requests that reach the Function."""
        if release.upstream is None:
            return inf
        fresh_ms = self.registry.settings.upstream_fresh_seconds * 1_000
        return self.registry.clock.monotonic_ms() + fresh_ms

    def via(self) -> str:
        """Return the registries that the request came through; an answer that depends on them is
        not in the answer cache."""
        return passed_registries(self.header("via"))

    # --- Who asks -------------------------------------------------------------------------------

    async def identify(self) -> None:
        """Identify the caller by the `Authorization` header; raise as `caller_of` does.

        A host with a cached answer identifies the caller again, so the answer does not depend on
        what is read here.
        """
        caller = self._recognized()
        if caller is None:
            caller = await caller_of(self.headers, self.registry)
        self.set_caller(caller)

    def _recognized(self) -> Principal | None:
        """Return the caller whom the local host has just recognized by the same headers; None if it
        recognized nobody."""
        request = self.request
        if not isinstance(request, RecognizedRequest) or self.headers is not headers_of(request):
            return None
        return request.known_caller and request.known_caller.principal

    async def identify_by_session(self) -> bool:
        """Identify the account that is signed in with the browser; return False if none is."""
        authentication = self.registry.identity.session_authentication
        session = await authentication.authenticate(self.headers)
        if session.principal.is_anonymous:
            return False
        if session.new_cookie is not None:
            self.cookies.append(session.new_cookie)
        client = RequestClient.of(self.headers, self.registry.settings.proxies)
        self.set_caller(from_client(session.principal, client))
        return True

    def identify_as_anonymous(self) -> None:
        """Treat the caller as anonymous, whatever credentials were sent; raise
        `TooManyRequests`."""
        self.set_caller(anonymous_caller(self.headers, self.registry.settings.proxies))

    def set_caller(self, caller: Principal) -> None:
        """Set the caller, and count the read; raise `TooManyRequests`."""
        self.caller = caller
        self.exchange.principal = caller.id
        self._package_source = None
        self.allowances += self.registry.limits.rate_limiter.count_read(caller)

    async def count(self, limit: RateLimitClass, keys: RateLimitKeys | None = None) -> None:
        """Count the request against a limit, by default of its caller.

        Raises `TooManyRequests`, and `TakesNoChanges` while the registry is read-only.
        """
        of_caller = keys or RateLimitKeys.of(self.caller)
        self.add_allowance(await self.registry.limits.rate_limiter.check(limit, of_caller))

    def add_allowance(self, allowance: RateLimitAllowance | None) -> None:
        """Send with the answer what is left of a limit."""
        if allowance is not None:
            self.allowances.append(allowance)


def headers_of(request: func.HttpRequest) -> Mapping[str, str]:
    """Return the headers, whose names are compared without case."""
    return request.headers  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


async def caller_of(headers: Mapping[str, str], registry: Registry) -> Principal:
    """Identify the caller by the `Authorization` header; the request is not counted yet.

    Raises `Unauthenticated` for invalid credentials, which count as a read of the address, and
    `TooMany`.
    """
    sent = headers.get("authorization")
    unknown = anonymous_caller(headers, registry.settings.proxies)
    if not sent:
        return unknown
    client = RequestClient(unknown.address, unknown.agent)
    # The limit is checked before the store is read, so that invalid tokens cause a limited number
    # of reads.
    registry.limits.rate_limiter.require_below_limit(client.address)
    authenticate = registry.identity.authentication.authenticate
    try:
        caller = await verify_credential(
            lambda: authenticate(headers, client), sent, registry, address=client.address
        )
    except Unauthenticated:
        registry.limits.rate_limiter.count_unverified(client.address)
        raise
    return from_client(caller, client)


def recognized_caller(headers: Mapping[str, str], registry: Registry) -> Principal | None:
    """Return the caller, as `caller_of` does, if it is known without calling the store, else None.

    The edition must be current. Raises `Unauthenticated`; nothing is counted.
    """
    unknown = anonymous_caller(headers, registry.settings.proxies)
    if not headers.get("authorization"):
        return unknown
    client = RequestClient(unknown.address, unknown.agent)
    return registry.identity.authentication.recognize(headers, client)


VerifiedT = TypeVar("VerifiedT")


async def verify_credential(
    verify: Callable[[], Awaitable[VerifiedT]], credential: str, registry: Registry, *, address: str
) -> VerifiedT:
    """Await `verify`, and count invalid credentials by the address that sent them. Valid
    credentials are never refused. Raises `TooMany` for an invalid one where the address sent too
    many others.
    """
    try:
        return await verify()
    except Unauthenticated as refusal:
        if is_guess(refusal):
            await registry.limits.rate_limiter.count_failure(address, credential)
        raise


def anonymous_caller(headers: Mapping[str, str], proxies: Networks) -> Principal:
    """Return the principal of a request without credentials. It comes from a cache, because most
    requests have no credentials."""
    forwarded = headers.get("x-forwarded-for", "")
    agent = headers.get("user-agent", "")
    make = (
        _make_anonymous_principal
        if len(forwarded) + len(agent) <= _MAX_CACHED_LENGTH
        else _make_anonymous_principal.__wrapped__
    )
    return make(forwarded, agent, proxies)


@lru_cache(maxsize=4_096)
def _make_anonymous_principal(forwarded: str, agent: str, proxies: Networks) -> Principal:
    client = RequestClient.of({"x-forwarded-for": forwarded, "user-agent": agent}, proxies)
    return Principal(address=client.address, agent=client.agent)


_MAX_CACHED_LENGTH = 400  # Characters of an address and an agent.
