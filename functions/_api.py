"""How our own API answers: refusals as problems, closed request models, and what describes them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import azure.functions as func
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from functions._http import (
    JSON,
    NO_STORE,
    arrived,
    body_within,
    caller_of,
    edge,
    headers_of,
    json_answer,
    when_again,
)
from shared.auth.client import Client
from shared.domain.errors import (
    BodyUnreadable,
    InvalidRequest,
    Kind,
    Refusal,
    TokenMisplaced,
)
from shared.domain.identity import Principal
from shared.domain.rates import Keys, OperationClass
from shared.domain.sign_in_errors import CsrfMissing
from shared.domain.token_texts import holds_token
from shared.registry import Registry

STATUS = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.METHOD_NOT_ALLOWED: 405,
    Kind.LENGTH_MISSING: 411,
    Kind.TOO_LARGE: 413,
    Kind.TOO_MANY: 429,
    Kind.UNAVAILABLE: 503,
}

MOST_BYTES = 64 * 1024  # Of a request: names, descriptions and lists of twenty or so.

_READING = frozenset(("GET", "HEAD"))
_OBJECT = "a JSON object"

Model = TypeVar("Model", bound=BaseModel)


class Request(BaseModel):
    """A request body; fields that are not named here are refused."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)


class Answer(BaseModel):
    """A response body."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Problem(Answer):
    """Why a request was refused: a stable code for programs, a sentence for people."""

    code: str
    message: str


class ProblemAnswer(Answer):
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
    request: type[Request] | None = None
    answer: type[BaseModel] | None = None
    refusals: tuple[int, ...] = (401,)


async def api_caller(
    req: func.HttpRequest,
    registry: Registry,
    operation: OperationClass = OperationClass.WRITE,
) -> Principal:
    """Return who calls; what may change something is counted as that class of operations.

    It is whoever `Authorization` says, else whoever is signed in with the browser. Raises as
    `caller_of` does, and `CsrfMissing` for a change with a cookie alone.
    """
    caller = await _signed_in(req, registry) or await caller_of(headers_of(req), registry)
    if req.method not in _READING:
        await registry.limiting.check(operation, Keys.of(caller))
    return caller


async def _signed_in(req: func.HttpRequest, registry: Registry) -> Principal | None:
    headers = headers_of(req)
    if headers.get("authorization"):
        return None
    session = await registry.sessions.recognize(headers)
    if session.is_anonymous:
        return None
    sent = headers.get("x-csrf-token", "")
    if req.method not in _READING and not registry.sessions.csrf_fits(session, sent):
        raise CsrfMissing
    return arrived(session, Client.of(headers, registry.settings.proxies), registry)


def body_as(model: type[Model], req: func.HttpRequest) -> Model:
    """Read the body, or raise a refusal that names the first field that is wrong.

    A body with an access token in it is refused as a whole: what it says may be stored and shown.
    """
    body = body_within(req, MOST_BYTES)
    if holds_token(body):
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


def answer(model: Answer, status: int = 200, **headers: str) -> func.HttpResponse:
    """Return `model` as JSON that nobody keeps."""
    body = model.model_dump_json(by_alias=True)
    return func.HttpResponse(
        body, status_code=status, headers={**NO_STORE, **headers}, mimetype=JSON
    )


def nothing() -> func.HttpResponse:
    """Return an empty answer: it is done."""
    return func.HttpResponse(status_code=204, headers=NO_STORE)


def refusal_answer(refusal: Refusal) -> func.HttpResponse:
    """Return the refusal with its status, its code and its sentence."""
    headers = NO_STORE | when_again(refusal)
    if refusal.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return _problem(STATUS[refusal.kind], code_of(type(refusal)), str(refusal), headers)


def broken_answer(request_id: str) -> func.HttpResponse:
    """Return a 500 that tells its reader what to quote, and nothing of the inside."""
    message = f"The registry failed. Tell its operator this request id: {request_id}."
    return _problem(500, "broken", message, NO_STORE)


def code_of(refusal: type[Refusal]) -> str:
    """Return the name of a refusal as programs compare it: `token-unknown`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", refusal.__name__).lower()


def moment(at_ms: int | None) -> datetime | None:
    """Return a time of the stores as it is shown, in UTC to the second."""
    return None if at_ms is None else datetime.fromtimestamp(at_ms // 1000, UTC)


def _problem(status: int, code: str, message: str, headers: dict[str, str]) -> func.HttpResponse:
    return json_answer({"error": {"code": code, "message": message}}, status, headers)


api_errors = edge(refusal_answer, broken_answer)
