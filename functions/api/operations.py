"""The parts of every API operation: its description, its request and response models, its
caller.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import azure.functions as func
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from functions.http.callers import caller_of, identified_caller
from functions.http.requests import bounded_body, headers_of
from functions.http.responses import JSON, NO_STORE
from shared.auth.authentication import RequestClient
from shared.composition import Registry
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import CsrfMissing
from shared.domain.errors.requests import BodyUnreadable, TokenMisplaced
from shared.domain.identity import Principal
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.secrets import contains_token

MAX_BODY_BYTES = 64 * 1024  # Of a request: names, descriptions and lists of twenty or so.

_READING = frozenset(("GET", "HEAD"))
_OBJECT = "a JSON object"

ModelT = TypeVar("ModelT", bound=BaseModel)


class RequestModel(BaseModel):
    """A request body; fields that are not named here are refused."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)


class ResponseModel(BaseModel):
    """A response body."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Problem(ResponseModel):
    """Why a request was refused: a stable code for programs, a sentence for people."""

    code: str
    message: str


class ProblemAnswer(ResponseModel):
    """The body of every answer from 400 upwards."""

    error: Problem


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as the OpenAPI document describes it; `name` is its Function's."""

    name: str
    method: str
    path: str
    summary: str
    status: int
    request: type[RequestModel] | None = None
    answer: type[BaseModel] | None = None
    refusals: tuple[int, ...] = (401,)


async def api_caller(
    req: func.HttpRequest,
    registry: Registry,
    operation: RateLimitClass = RateLimitClass.WRITE,
) -> Principal:
    """Return who calls; what may change something is counted as that class of operations.

    It is whoever `Authorization` says, else whoever is signed in with the browser. Raises as
    `caller_of` does, and `CsrfMissing` for a change with a cookie alone.
    """
    caller = await _signed_in(req, registry) or await caller_of(headers_of(req), registry)
    if req.method not in _READING:
        await registry.rate_limiter.check(operation, RateLimitKeys.of(caller))
    return caller


async def _signed_in(req: func.HttpRequest, registry: Registry) -> Principal | None:
    headers = headers_of(req)
    if headers.get("authorization"):
        return None
    session = await registry.sessions.recognize(headers)
    if session.is_anonymous:
        return None
    sent = headers.get("x-csrf-token", "")
    if req.method not in _READING and not registry.sessions.is_csrf_token_valid(session, sent):
        raise CsrfMissing
    return identified_caller(
        session, RequestClient.of(headers, registry.settings.proxies), registry
    )


def parse_body(model: type[ModelT], req: func.HttpRequest) -> ModelT:
    """Read the body, or raise a refusal that names the first field that is wrong.

    A body with an access token in it is refused as a whole: what it says may be stored and shown.
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


def answer(model: ResponseModel, status: int = 200, **headers: str) -> func.HttpResponse:
    """Return `model` as JSON that nobody keeps."""
    body = model.model_dump_json(by_alias=True)
    return func.HttpResponse(
        body, status_code=status, headers={**NO_STORE, **headers}, mimetype=JSON
    )


def no_content_response() -> func.HttpResponse:
    """Return an empty answer: it is done."""
    return func.HttpResponse(status_code=204, headers=NO_STORE)


def utc_datetime(at_ms: int | None) -> datetime | None:
    """Return a time of the stores as it is shown, in UTC to the second."""
    return None if at_ms is None else datetime.fromtimestamp(at_ms // 1000, UTC)
