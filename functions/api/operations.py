"""Declares operations of the API: one decorator gives an operation its Function and its entry in
openapi.json.

A handler is the call of a service. Its annotations name its models:

    @tokens_api.operation("POST", "api/v1/tokens", "Create a token.", status=201)
    async def token_issue(call: ApiCallWithBody[NewToken]) -> IssuedView: ...
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import NoneType
from typing import Generic, TypeVar, cast, get_args, get_type_hints

import azure.functions as func
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from functions.http.callers import caller_of, identified_caller
from functions.http.handlers import api_errors
from functions.http.requests import bounded_body, headers_of
from functions.http.responses import JSON, NO_STORE
from shared.auth.authentication import RequestClient
from shared.composition import Registry
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import CsrfMissing
from shared.domain.errors.requests import BodyUnreadable, TokenMisplaced
from shared.domain.identity import Principal
from shared.domain.names import Coordinate, OrgName, Package, parse_org
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.secrets import contains_token

MAX_BODY_BYTES = 64 * 1024  # Of a request: names, descriptions and lists of twenty or so.

_READING = frozenset(("GET", "HEAD"))
_OBJECT = "a JSON object"


class RequestModel(BaseModel):
    """A request body; fields that are not named here are refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", strict=True, defer_build=True
    )


class ResponseModel(BaseModel):
    """A response body."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, defer_build=True)


class Problem(ResponseModel):
    """Why a request was refused: a stable code for programs, a sentence for people."""

    code: str
    message: str


class ProblemAnswer(ResponseModel):
    """The body of every answer from 400 upwards."""

    error: Problem


KindT = TypeVar("KindT")
ModelT = TypeVar("ModelT", bound=RequestModel)
Result = BaseModel | func.HttpResponse | None
HandlerT = TypeVar("HandlerT", bound=Callable[..., Awaitable[Result]])
Identify = Callable[[func.HttpRequest, Registry, RateLimitClass], Awaitable[Principal]]
ParseBody = Callable[[type[RequestModel], func.HttpRequest], RequestModel]


async def api_caller(req: func.HttpRequest, registry: Registry, limit: RateLimitClass) -> Principal:
    """Return the principal of the `Authorization` header, else of the browser session.

    Counts a request that may change something as one of the rate limit class. Raises as `caller_of`
    does, and `CsrfMissing` for a change with a cookie alone.
    """
    caller = await _signed_in(req, registry) or await caller_of(headers_of(req), registry)
    if req.method not in _READING:
        await registry.rate_limiter.check(limit, RateLimitKeys.of(caller))
    return caller


async def _signed_in(req: func.HttpRequest, registry: Registry) -> Principal | None:
    headers = headers_of(req)
    if headers.get("authorization"):
        return None
    session = await registry.session_authentication.recognize(headers)
    if session.is_anonymous:
        return None
    sent = headers.get("x-csrf-token", "")
    if req.method not in _READING and not registry.session_authentication.is_csrf_token_valid(
        session, sent
    ):
        raise CsrfMissing
    return identified_caller(
        session, RequestClient.of(headers, registry.settings.proxies), registry
    )


async def unidentified_caller(
    _req: func.HttpRequest, _registry: Registry, _limit: RateLimitClass
) -> Principal:
    """Return nobody, for operations that answer everybody alike and are not counted."""
    return Principal()


def parse_body(model: type[ModelT], req: func.HttpRequest) -> ModelT:
    """Parse the body as JSON, or raise a refusal that names the first invalid field.

    A body with an access token in it is refused: what it says may be stored and shown.
    """
    body = bounded_body(req, MAX_BODY_BYTES)
    if contains_token(body):
        raise TokenMisplaced
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        if fault["type"] == "json_invalid":
            raise BodyUnreadable(_OBJECT) from None
        name = ".".join(str(part) for part in fault["loc"]) or "body"
        known = ", ".join(field.alias or key for key, field in model.model_fields.items())
        message = f"The field {name[:80]!r} is not right: {fault['msg']}. There are: {known}."
        raise InvalidRequest(message) from None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `name` is that of its Function, `refusals` are the statuses of its refusals.

    A `HEAD` is answered wherever a `GET` is.
    """

    name: str
    method: str
    path: str
    summary: str
    status: int
    request: type[RequestModel] | None
    response: type[BaseModel] | None
    refusals: tuple[int, ...]
    limit: RateLimitClass
    identify: Identify
    parse: ParseBody
    handler: Callable[["ApiCallWithBody[RequestModel]"], Awaitable[Result]]

    def add_to(self, bp: func.Blueprint, registry: Registry) -> None:
        """Register the Function over `registry`."""

        async def answer(req: func.HttpRequest) -> func.HttpResponse:
            caller = await self.identify(req, registry, self.limit)
            call = ApiCallWithBody[RequestModel](registry, req, caller, self)
            return _response(await self.handler(call), self.status, call.headers)

        answer.__name__ = self.name
        methods = ["GET", "HEAD"] if self.method == "GET" else [self.method]
        bp.route(self.path, methods=methods)(api_errors(answer))


def _response(result: Result, status: int, headers: dict[str, str]) -> func.HttpResponse:
    if isinstance(result, func.HttpResponse):
        return result
    if result is None:
        return func.HttpResponse(status_code=status, headers=NO_STORE)
    body = result.model_dump_json(by_alias=True)
    return func.HttpResponse(
        body, status_code=status, headers={**NO_STORE, **headers}, mimetype=JSON
    )


@dataclass(frozen=True)
class ApiCall:
    """One call of an operation; `headers` are added to its response."""

    registry: Registry
    request: func.HttpRequest = field(repr=False)
    caller: Principal
    operation: Operation
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def part(self, name: str) -> str:
        """Return the part of the path that the route calls `{name}`."""
        return self.request.route_params[name]

    @property
    def org(self) -> OrgName:
        return parse_org(self.part("org"))

    @property
    def package(self) -> Package:
        return Package.parse(self.part("org"), self.part("name"))

    @property
    def coordinate(self) -> Coordinate:
        return Coordinate.parse(self.part("org"), self.part("name"), self.part("version"))


class ApiCallWithBody(ApiCall, Generic[ModelT]):
    """One call of an operation that reads a body."""

    @property
    def body(self) -> ModelT:
        """Parse the body; raises the refusal of an invalid one where the handler reads it."""
        model = cast(type[ModelT], self.operation.request)
        return cast(ModelT, self.operation.parse(model, self.request))


class Operations:
    """The operations of one topic, in the order of openapi.json."""

    def __init__(self, parse: ParseBody = parse_body) -> None:
        self._parse = parse
        self._declared: list[Operation] = []

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._declared)

    def operation(
        self,
        method: str,
        path: str,
        summary: str,
        *,
        status: int = 200,
        refusals: tuple[int, ...] = (401,),
        limit: RateLimitClass = RateLimitClass.WRITE,
        identify: Identify = api_caller,
    ) -> Callable[[HandlerT], HandlerT]:
        """Declare the decorated handler as an operation; one that returns None answers a 204.

        What may change something counts as one of the rate limit class.
        """

        def declare(handler: HandlerT) -> HandlerT:
            hints = get_type_hints(handler)
            returned, call = hints.pop("return"), hints.popitem()[1]
            self._declared.append(
                Operation(
                    name=handler.__name__,
                    method=method,
                    path=path,
                    summary=summary,
                    status=204 if returned is NoneType else status,
                    request=_first_model(RequestModel, *get_args(call)),
                    response=_first_model(BaseModel, returned, *get_args(returned)),
                    refusals=refusals,
                    limit=limit,
                    identify=identify,
                    parse=self._parse,
                    handler=handler,
                )
            )
            return handler

        return declare


def _first_model(kind: type[KindT], *annotations: object) -> type[KindT] | None:
    models = (each for each in annotations if isinstance(each, type) and issubclass(each, kind))
    return next(models, None)


def utc_datetime(at_ms: int | None) -> datetime | None:
    """Return a time of the stores as the API shows it: in UTC, to the second."""
    return None if at_ms is None else datetime.fromtimestamp(at_ms // 1000, UTC)
