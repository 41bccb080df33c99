"""Declares operations of the API: one decorator gives an operation its Function and its entry in
openapi.json.

A handler is the call of a service. Its annotations name its models:

    @organizations_api.operation("POST", "api/v1/orgs", "Create an organization.", status=201)
    async def api_orgs_found(call: ApiCall, new: NewOrganization) -> OrganizationView: ...

The operation of a use case reads its summary, inputs and rule from the declaration
(shared/use_cases). Its handler shows the result:

    @tokens_api.use_case(tokens.issue, "POST", "api/v1/tokens", _owner, status=201)
    async def token_issue(call: ApiCall, issued: IssuedToken) -> IssuedView: ...
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from types import NoneType
from typing import Annotated, Any, TypeVar, cast, get_args, get_type_hints

from msgspec import Struct
from pydantic import (
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from functions.api.query_parameters import DeclaredQuery, QueryParameter
from functions.http.body_parsing import bounded_body
from functions.http.caching_headers import NO_STORE
from functions.http.calls import Call
from functions.http.json_answers import JSON, empty_answer
from functions.http.operations import READ_METHODS, JsonFace, Operation
from shared.domain.errors.base import Forbidden, InvalidRequest
from shared.domain.errors.requests import BodyUnreadable, token_misplaced
from shared.domain.rate_limits import RateLimitClass
from shared.domain.token_redaction import contains_token
from shared.runtime.answers import Answer
from shared.services.tokens.tokens import OfOrganization, TokenOwner
from shared.use_cases.inputs import Inputs, InputsT, Nothing
from shared.use_cases.use_case import ResultT, SubjectT, UseCase, subject_of

# The body of a request: names, descriptions and lists of about twenty entries.
MAX_API_BODY_BYTES = 64 * 1024

_OBJECT = "a JSON object"


class RequestModel(Inputs):
    """The body of a request that only the API has; fields that are not named here are refused."""


def utc_datetime(at: int | datetime | None) -> datetime | None:
    """Return a time of the stores, in milliseconds, as the API shows it: in UTC, to the second."""
    return datetime.fromtimestamp(at // 1000, UTC) if isinstance(at, int) else at


UtcTime = Annotated[datetime | None, BeforeValidator(utc_datetime)]


# A text that is shown once, or null.
Revealed = Annotated[str | None, BeforeValidator(lambda text: text.reveal() if text else None)]


class ResponseModel(BaseModel):
    """The body of an answer, validated from the attributes of what a service returned.

    A time such as `created_at` is read from `created_ms`.
    """

    model_config = ConfigDict(
        alias_generator=AliasGenerator(
            validation_alias=lambda name: re.sub(r"_at$", "_ms", name), serialization_alias=to_camel
        ),
        from_attributes=True,
        populate_by_name=True,
        defer_build=True,
    )


class Problem(ResponseModel):
    """Why a request was refused: a stable code for programs, a sentence for people. A release that
    was withdrawn has all fields, and other refusals have the first two."""

    code: str
    message: str
    kind: str = Field(default="", description="`withdrawn`.")
    reason: str | None = Field(default=None, description="The public reason, if there is one.")
    permanent: bool = Field(default=False, description="Whether it was removed for good.")
    digest: str = Field(default="", description="That of the archive, after `sha-256=`.")


class ProblemAnswer(ResponseModel):
    """The body of every answer from 400 upwards."""

    error: Problem
    secrets: dict[str, str] = Field(
        default={}, description="Secrets that were made before the rest failed, by their names."
    )


KindT = TypeVar("KindT")
ApiHandlerT = TypeVar("ApiHandlerT", bound=Callable[..., Awaitable["Result"]])
ParseBody = Callable[[type[Inputs], Call], Inputs]


class OpenApi(Struct, frozen=True):
    """The entry of an operation in openapi.json; `refusals` are the statuses of its refusals.

    `case` is the use case that it is declared from, if there is one. Successful answers have the
    `media_types`, in place of JSON where there is no model of the `response`. `waiting` is the
    model of a 202, where something may wait for somebody else.
    """

    summary: str
    status: int
    request: type[Inputs] | None
    response: type[BaseModel] | None
    refusals: tuple[int, ...]
    case: UseCase[Any, Any, Any] | None = None
    problem: type[BaseModel] = ProblemAnswer  # The body of each refusal.
    parameters: tuple[QueryParameter, ...] = ()
    needs_token: bool = True
    media_types: tuple[str, ...] = ()
    refusal_media_types: tuple[str, ...] = ()
    waiting: type[BaseModel] | None = None


Result = BaseModel | Answer | None
Show = Callable[["ApiCall", ResultT], Awaitable[BaseModel | None]]


class ApiCall(Call):
    """The call of an operation of the API; `query` has the parameters that it declares."""

    query: DeclaredQuery = DeclaredQuery({}, ())

    @property
    def owner(self) -> TokenOwner:
        """Whose tokens the path names: the caller's, or those of an organization."""
        return OfOrganization(self.org) if "org" in self.route_params else self.caller.id


def parse_body(model: type[InputsT], call: Call, most_bytes: int = MAX_API_BODY_BYTES) -> InputsT:
    """Parse the body as JSON, or raise a refusal that names the first invalid field.

    A body with an access token in it is refused: what it says may be stored and shown.
    """
    body = bounded_body(call, most_bytes)
    if contains_token(body):
        raise token_misplaced()
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        if fault["type"] == "json_invalid":
            raise BodyUnreadable(_OBJECT) from None
        name = ".".join(str(part) for part in fault["loc"]) or "body"
        known = ", ".join(field.alias or key for key, field in model.model_fields.items())
        message = f"Invalid field {name[:80]!r}: {fault['msg']}. Known fields: {known}."
        raise InvalidRequest(message) from None


class ApiOperation(Operation, frozen=True, eq=False, kw_only=True):
    """An operation of the API, and what openapi.json says of it."""

    openapi: OpenApi


class ApiFace(JsonFace[ApiCall]):
    """The operations of one topic, in the order of openapi.json.

    The caller is that of the `Authorization` header or, where `accepts_sessions`, of the browser's
    session. A `HEAD` is answered wherever a `GET` is.
    """

    call_type = ApiCall
    operation_type = ApiOperation
    problem: type[BaseModel] = ProblemAnswer
    refusal_media_types: tuple[str, ...] = ()  # Beside JSON.

    def __init__(self, parse: ParseBody = parse_body, *, accepts_sessions: bool = True) -> None:
        super().__init__()
        self._parse = parse
        self._accepts_sessions = accepts_sessions

    def __iter__(self) -> Iterator[ApiOperation]:
        return cast("Iterator[ApiOperation]", super().__iter__())

    def operation(
        self,
        method: str,
        route: str,
        summary: str,
        *,
        status: int = 200,
        refusals: tuple[int, ...] | None = None,
        also: tuple[int, ...] = (),
        limit: RateLimitClass | None = RateLimitClass.WRITE,
        ignores_credentials: bool = False,
        serves_anonymous_always: bool = False,
        is_read_only_post: bool = False,
        accepts_archive: bool = False,
        parameters: tuple[QueryParameter, ...] = (),
        needs_token: bool = True,
        media_types: tuple[str, ...] = (),
        waiting: type[BaseModel] | None = None,
        name: str = "",
    ) -> Callable[[ApiHandlerT], ApiHandlerT]:
        """Declare the decorated handler as an operation; one that returns None answers a 204.

        The annotation of its second parameter, if it has one, is the model of the body, and that of
        what it returns the model of the answer. An operation that may change something counts
        against the `limit`; one that `is_read_only_post` changes nothing. The handler reads
        `parameters` of the query from the call. One that `needs_token` refuses callers without
        credentials.

        Without `refusals`, openapi.json names the usual ones and those of `also`. `media_types` and
        `waiting` are described at `OpenApi`.
        """

        def declare(handler: ApiHandlerT) -> ApiHandlerT:
            hints = get_type_hints(handler)
            returned = hints.pop("return")
            request = _first_model(Inputs, *hints.values())
            usual = _usual_refusals(method, route, has_body=request is not None)
            stated = {*also} if ignores_credentials else {*usual, *also}
            described = self._described(
                summary,
                request,
                returned,
                status=status,
                refusals=stated if refusals is None else refusals,
                parameters=parameters,
                needs_token=needs_token and not ignores_credentials,
                media_types=media_types,
                waiting=waiting,
            )
            options: dict[str, Any] = {
                "openapi": described,
                "ignores_credentials": ignores_credentials,
                "serves_anonymous_always": serves_anonymous_always,
                "accepts_archive": accepts_archive,
                "name": name or cast("Any", handler).__name__,
            }
            answer = partial(self._call, handler, described)
            if method == "GET":
                self.read(route, **options)(answer)
            elif is_read_only_post:
                self.read(route, (method,), **options)(answer)
            else:
                own_limit = None if ignores_credentials else limit
                self.change(route, (method,), limit=own_limit, **options)(answer)
            return handler

        return declare

    def use_case(
        self,
        case: UseCase[SubjectT, InputsT, ResultT],
        method: str,
        route: str,
        subject: Callable[[ApiCall], SubjectT | Awaitable[SubjectT]],
        *,
        whose: str = "",
        status: int = 200,
        also: tuple[int, ...] = (),
        limit: RateLimitClass = RateLimitClass.WRITE,
        name: str = "",
    ) -> Callable[[Show[ResultT]], Show[ResultT]]:
        """Declare the operation of a use case; the decorated handler shows the result.

        `subject` reads from the call what the path names, or looks it up. `whose` completes the
        summary of the use case. The rest is as for `operation`.
        """

        def declare(show: Show[ResultT]) -> Show[ResultT]:
            returned = get_type_hints(show)["return"]
            request = None if case.inputs is Nothing else case.inputs
            usual = _usual_refusals(method, route, has_body=request is not None)
            described = self._described(
                case.summary.format(whose),
                request,
                returned,
                status=status,
                refusals={*usual, *also},
                case=case,
            )

            async def handler(call: ApiCall, sent: InputsT | None = None) -> Result:
                inputs = case.inputs() if sent is None else sent
                about = await subject_of(subject, call)
                return await show(call, await case.rule(call.registry, about, inputs, call.caller))

            answer = partial(self._call, handler, described)
            named = name or cast("Any", show).__name__
            self.change(route, (method,), name=named, limit=limit, openapi=described)(answer)
            return show

        return declare

    def _described(
        self,
        summary: str,
        request: type[Inputs] | None,
        returned: Any,
        *,
        status: int,
        refusals: Iterable[int],
        **facts: Any,
    ) -> OpenApi:
        """Return the entry in openapi.json of an operation whose handler returns this type."""
        return OpenApi(
            summary=summary,
            status=204 if returned is NoneType else status,
            request=request,
            response=_first_model(BaseModel, returned, *get_args(returned)),
            refusals=tuple(sorted(refusals)),
            problem=self.problem,
            refusal_media_types=self.refusal_media_types,
            **facts,
        )

    async def _call(
        self, handler: Callable[..., Awaitable[Result]], described: OpenApi, call: ApiCall
    ) -> Answer:
        """Call the handler with the parsed body, if it reads one, and answer with its result."""
        call.query = DeclaredQuery(call.params, described.parameters)
        bodies = [] if described.request is None else [self._parse(described.request, call)]
        result = await handler(call, *bodies)
        if isinstance(result, Answer):
            return result
        if result is None:
            return empty_answer(described.status)
        body = result.model_dump_json(by_alias=True).encode()
        return Answer(body, described.status, dict(NO_STORE), JSON)

    async def identify(self, call: ApiCall) -> None:
        """Identify the caller; raise `csrf-missing` for a change with the cookie of a session
        alone."""
        may_have_session = self._accepts_sessions and not call.header("authorization")
        if not may_have_session or not await call.identify_by_session():
            await call.identify()
        elif call.method not in READ_METHODS:
            authentication = call.registry.identity.session_authentication
            if not authentication.is_csrf_token_valid(call.caller, call.header("x-csrf-token")):
                raise Forbidden(
                    "csrf-missing",
                    "Changes with the cookie of a session take the header X-CSRF-Token as well. "
                    "Programs send an access token in the Authorization header instead.",
                )


def _usual_refusals(method: str, route: str, *, has_body: bool) -> Iterator[int]:
    """Yield the statuses of a request that cannot be read, without a token, of somebody who may not
    do this, and for what does not exist."""
    is_of_something = "{" in route
    if has_body or "{org}" in route:
        yield 400
    yield 401
    if has_body or is_of_something or method != "GET":
        yield 403
    if is_of_something:
        yield 404


def _first_model(kind: type[KindT], *annotations: object) -> type[KindT] | None:
    models = (each for each in annotations if isinstance(each, type) and issubclass(each, kind))
    return next(models, None)
