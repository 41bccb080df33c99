"""Operations: each is declared once. The declaration decides its Function, how it is logged, and
whether the answer cache may store its answers.

    pages = PublicPages()

    @pages.read("packages/{org}/{name}")
    async def web_package(call: PageCall) -> Answer: ...

A face has the operations of one kind of client. It identifies their callers, and answers refusals
in the form that those clients show.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from enum import Enum
from functools import partial
from typing import Any, Generic, TypeVar, cast

import azure.functions as func
from msgspec import Struct

from functions.http.answer_caching import allow_answer_caching
from functions.http.caching_headers import make_private
from functions.http.calls import (
    Call,
    Exchange,
    declare_context,
    headers_of,
    traceparent_of,
)
from functions.http.compression import COMPRESSED_STATUSES, compressed
from functions.http.json_answers import failure_answer, problem_answer, rate_limit_fields
from shared.domain.body_sizes import MAX_BODY_BYTES
from shared.domain.errors.base import InvalidName, Refusal
from shared.domain.errors.identity import SignInToRead, organization_not_found
from shared.domain.errors.packages import PackageNotFound, ReleaseNotFound
from shared.domain.errors.requests import BodyTooLarge, LengthMissing
from shared.domain.rate_limits import RateLimitClass, tightest_allowance
from shared.domain.visibility import Readers
from shared.registry import Registry
from shared.runtime.answers import REQUEST_ID_HEADER, Answer, FunctionResponse
from shared.settings import Settings
from shared.telemetry.metrics import ANSWERED, BROKEN, FIRST_ERROR_STATUS

READ_METHODS = ("GET", "HEAD")
WRITE_METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")  # All others that the host knows.

CallT = TypeVar("CallT", bound=Call)
HandlerT = TypeVar("HandlerT", bound=Callable[..., Awaitable[Any]])
Handler = Callable[[Any], Awaitable[Answer]]


class Effect(Enum):
    """Whether an operation reads or changes something; each change has a line of its own in the
    log."""

    READ = "read"
    CHANGE = "change"


def _always(_settings: Settings) -> bool:
    return True


class Operation(Struct, frozen=True, eq=False):
    """One operation. Its name is that of its Function, and names it in the log.

    If it `ignores_credentials`, the credentials of a request are read only where the registry
    requires them of everyone. If it `serves_anonymous_always`, it answers callers without
    credentials also where only signed-in people may read. Each request is counted against `limit`,
    if there is one.

    Answers of an operation that `uses_answer_cache` depend on the request, and on what was read of
    the stores for it. They may depend on the clock only by `Answer.cacheable_until_ms`. They may
    depend on the caller only by the packages that the caller may read.

    Only the body of one that `accepts_archive` may have more than `most_bytes`.
    """

    name: str
    route: str
    methods: tuple[str, ...]
    effect: Effect
    face: "Face[Any]"
    handler: Handler
    ignores_credentials: bool = False
    serves_anonymous_always: bool = False
    limit: RateLimitClass | None = None
    uses_answer_cache: bool = False
    accepts_archive: bool = False
    most_bytes: int = MAX_BODY_BYTES
    exists: Callable[[Settings], bool] = _always
    respond: "Respond | None" = None  # Called in place of the function `answer`.

    async def handle(self, call: Call) -> Answer:
        """Count the request against the limit, and let the handler answer.

        Faces call the handler only through this method. Raises `SignInToRead`.
        """
        if self.needs_credentials(call) and call.caller.is_anonymous:
            raise SignInToRead(call.registry.settings.base_url)
        if self.limit is not None:
            await call.count(self.limit)
        return await self.handler(call)

    def needs_credentials(self, call: Call) -> bool:
        """Whether requests without credentials are refused."""
        if self.serves_anonymous_always:
            return False
        return call.registry.settings.readers is Readers.SIGNED_IN

    @property
    def is_ordinary(self) -> bool:
        """Whether the log may count its successful requests together."""
        return self.effect is Effect.READ and not self.face.records_reads


class Face(Generic[CallT]):
    """Operations that are called, answered and refused in one form."""

    call_type: type[CallT]
    operation_type = Operation
    # Whether each read gets a line of its own in the log, as each change does.
    records_reads = False

    def __init__(self) -> None:
        self._operations: list[Operation] = []

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._operations)

    def read(
        self, route: str, methods: Sequence[str] = READ_METHODS, **options: Any
    ) -> Callable[[HandlerT], HandlerT]:
        """Declare the decorated handler as an operation that changes nothing."""
        return partial(self.add, route, methods, Effect.READ, **options)

    def change(
        self, route: str, methods: Sequence[str] = ("POST",), **options: Any
    ) -> Callable[[HandlerT], HandlerT]:
        """Declare the decorated handler as an operation that may change something."""
        return partial(self.add, route, methods, Effect.CHANGE, **options)

    def add(
        self,
        route: str,
        methods: Sequence[str],
        effect: Effect,
        handler: HandlerT,
        *,
        name: str = "",
        **options: Any,
    ) -> HandlerT:
        """Declare an operation, whose name is that of its handler unless it is given."""
        known = name or cast("Any", handler).__name__
        self._operations.append(
            self.operation_type(known, route, tuple(methods), effect, self, handler, **options)
        )
        return handler

    async def answer(self, call: CallT, operation: Operation) -> Answer:
        """Identify the caller, count the request, and let the handler answer."""
        if not operation.ignores_credentials or operation.needs_credentials(call):
            await self.identify(call)
        return await operation.handle(call)

    async def identify(self, call: CallT) -> None:
        """Identify the caller, by default by the `Authorization` header."""
        await call.identify()

    def refused(self, call: CallT, refusal: Refusal) -> Answer:
        raise NotImplementedError

    def failed(self, call: CallT) -> Answer:
        """Return the answer to a call that failed, with nothing of the exception."""
        raise NotImplementedError


class JsonFace(Face[CallT]):
    """Operations whose refusals are JSON problems, for clients that have no form of their own."""

    def refused(self, call: CallT, refusal: Refusal) -> Answer:  # noqa: ARG002 - others read it.
        return problem_answer(refusal)

    def failed(self, call: CallT) -> Answer:
        return failure_answer(call.exchange.request_id)


async def answer(
    operation: Operation,
    registry: Registry,
    request: func.HttpRequest,
    context: func.Context | None = None,
) -> FunctionResponse:
    """Answer a request: every answer has an id, and is a line in the log.

    An exception that is no refusal is logged only here, and becomes the face's `failed`.
    """
    call = _call(operation, registry, request, context)
    made, outcome = await _outcome(operation, call)
    _add_headers(made, call)
    made.add_length(call.method)
    call.exchange.end(made.status, outcome)
    if context is not None and made.gzipped_body:
        # The worker takes the body before the event loop runs another task, and so before the next
        # answer is decompressed.
        async with _decompressing:
            await made.decompress_body()
    return FunctionResponse(made)


# One at a time: a document of 64 MiB takes host and worker several times that memory.
_decompressing = asyncio.Semaphore(1)


Respond = Callable[
    [Operation, Registry, func.HttpRequest, func.Context | None], Awaitable[func.HttpResponse]
]


def _call(
    operation: Operation,
    registry: Registry,
    request: func.HttpRequest,
    context: func.Context | None,
) -> Call:
    headers = headers_of(request)
    trace = traceparent_of(context, headers.get("traceparent", ""))
    exchange = Exchange.begin(
        operation.name,
        trace,
        method=str(request.method),
        is_hosted=context is not None,
        is_ordinary=operation.is_ordinary,
    )
    return operation.face.call_type(registry, request, exchange, headers)


async def _outcome(operation: Operation, call: Call) -> tuple[Answer, str]:
    """Return the answer to a call, and the outcome that the log names."""
    face = operation.face
    try:
        _require_a_whole_body(call)
        _require_a_small_body(operation, call)
        if operation.uses_answer_cache:
            edition_number = call.registry.edition.number
            made = await face.answer(call, operation)
            allow_answer_caching(call, made, edition_number)
        else:
            made = await face.answer(call, operation)
        if operation.needs_credentials(call):
            make_private(made)
        if made.status not in COMPRESSED_STATUSES:
            return made, ANSWERED
        return await compressed(call, made), ANSWERED
    except Refusal as error:
        refusal = _as_missing(error, call)
        outcome = face.refused(call, refusal), refusal.outcome
        _drop_frames(error)
        return outcome
    except Exception as error:
        call.exchange.note_failure()
        failed = face.failed(call)
        _drop_frames(error)
        return failed, BROKEN


def _drop_frames(error: BaseException) -> None:
    """Drop the frames of an exception that is answered, and of those that led to it.

    The traceback of an exception refers to every frame that it passed, and a frame may have a
    variable that refers to the exception. Such a cycle would keep the request and its body in
    memory until the next garbage collection.
    """
    error.__traceback__ = None
    for earlier in {error.__cause__, error.__context__}:
        if earlier is not None:
            _drop_frames(earlier)


def _require_a_whole_body(call: Call) -> None:
    """Raise `LengthMissing` for a chunked body, which the host passes on as an empty one."""
    if call.method not in _BODILESS and call.header("transfer-encoding"):
        raise LengthMissing


def _require_a_small_body(operation: Operation, call: Call) -> None:
    """Raise `BodyTooLarge` for a larger body than the operation takes, unless it takes an
    archive."""
    if not operation.accepts_archive and call.declared_size > operation.most_bytes:
        raise BodyTooLarge(call.declared_size, operation.most_bytes)


_BODILESS = frozenset((*READ_METHODS, "OPTIONS"))


def _as_missing(refusal: Refusal, call: Call) -> Refusal:
    """Turn an invalid name in the path of a read into the refusal of a missing name.

    Clients continue after the message of a missing package, and stop after any other.
    """
    if not isinstance(refusal, InvalidName) or call.method not in READ_METHODS:
        return refusal
    names = dict(call.route_params)
    if refusal.text not in (*names.values(), f"{names.get('org')}/{names.get('name')}"):
        return refusal
    match names:
        case {"org": org, "name": name, "version": version}:
            return ReleaseNotFound(f"{org}/{name}", version)
        case {"org": org, "name": name}:
            return PackageNotFound(f"{org}/{name}")
        case {"org": org}:
            return organization_not_found(org)
        case _:
            return refusal


def _add_headers(made: Answer, call: Call) -> None:
    """Add the headers of every answer; a refusal has a rate limit of its own."""
    made.headers[REQUEST_ID_HEADER] = call.exchange.request_id
    if call.allowances and made.status < FIRST_ERROR_STATUS:
        made.headers.update(rate_limit_fields(tightest_allowance(call.allowances)))
    made.cookies += [each.reveal() for each in call.cookies]


def blueprint_of(operations: Iterable[Operation], registry: Registry) -> func.Blueprint:
    blueprint = func.Blueprint()
    for each in operations:
        function = _function_of(each, registry)
        blueprint.route(each.route, methods=list(each.methods))(function)
    return blueprint


def _function_of(
    operation: Operation, registry: Registry
) -> Callable[..., Awaitable[func.HttpResponse]]:
    async def respond(
        req: func.HttpRequest, context: func.Context | None = None
    ) -> func.HttpResponse:
        return await (operation.respond or answer)(operation, registry, req, context)

    respond.__name__ = operation.name
    return declare_context(respond)
