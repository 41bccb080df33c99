"""The API of device login (RFC 8628): codes for a device, and its token."""

from collections.abc import Mapping
from typing import Self

from pydantic import ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_snake

from functions.api.api_face import ApiCall, ApiFace, RequestModel, ResponseModel, parse_body
from functions.http.body_parsing import form_of, is_form
from functions.http.caching_headers import NO_STORE
from functions.http.calls import Call
from functions.http.json_answers import (
    STATUS_BY_KIND,
    failure_sentence,
    json_answer,
    refusal_headers,
)
from shared.domain.device_login import DEVICE_TOKEN_DAYS
from shared.domain.errors.base import InvalidRequest, Refusal, RefusalKind
from shared.domain.errors.identity import DeviceRefusal
from shared.runtime.answers import Answer
from shared.services.tokens.device_login import DeviceAuthorization, DeviceLoginResult
from shared.use_cases.inputs import InputsT

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
_DAY_S = 86_400


class DeviceAsk(RequestModel):
    """A machine's request for a device login; names are spelt as the RFC has them."""

    model_config = ConfigDict(alias_generator=to_snake)

    client_id: str = Field(min_length=1, max_length=200)
    scope: str = Field(
        default="", max_length=200, description="Separated by spaces; read if empty."
    )


class DevicePoll(RequestModel):
    """A machine's repeated question whether its login was approved."""

    model_config = ConfigDict(alias_generator=to_snake)

    grant_type: str = Field(max_length=100)
    device_code: str = Field(max_length=100)


class DeviceCodes(ResponseModel):
    """Two codes: one to keep, one to show to a person."""

    model_config = ConfigDict(alias_generator=to_snake)

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: int
    interval: int

    @classmethod
    def of(cls, codes: DeviceAuthorization) -> Self:
        return cls(
            device_code=codes.device_code.reveal(),
            user_code=codes.user_code.reveal(),
            verification_uri=codes.page,
            expires_in=codes.expires_s,
            interval=codes.interval_s,
        )


class DeviceToken(ResponseModel):
    """An access token, which is shown this once, and the name of its account."""

    model_config = ConfigDict(alias_generator=to_snake)

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a type.
    expires_in: int
    scope: str
    account: str

    @classmethod
    def of(cls, result: DeviceLoginResult) -> Self:
        return cls(
            access_token=result.issued.text.reveal(),
            expires_in=DEVICE_TOKEN_DAYS * _DAY_S,
            scope=" ".join(scope.value for scope in result.scopes),
            account=result.account.name,
        )


def _parse_request(model: type[InputsT], call: Call) -> InputsT:
    """Parse JSON as the rest of the API does, or a form as in the RFC; other fields are ignored."""
    if not is_form(call):
        return parse_body(model, call)
    form = form_of(call)
    try:
        return model.model_validate({name: form.text(name) for name in model.model_fields})
    except ValidationError:
        known = ", ".join(model.model_fields)
        message = f"Invalid form. Send the fields {known}."
        raise InvalidRequest(message) from None


class OAuthProblem(ResponseModel):
    """Why a request was refused, in the form of OAuth (RFC 6749, section 5.2)."""

    model_config = ConfigDict(alias_generator=to_snake)

    error: str = Field(description="A code of RFC 6749 or RFC 8628, such as authorization_pending.")
    error_description: str


# The codes of refusals that are not those of a device login.
_OAUTH_CODES = {
    RefusalKind.INVALID: "invalid_request",
    RefusalKind.UNAUTHENTICATED: "invalid_client",
    RefusalKind.FORBIDDEN: "unauthorized_client",
    RefusalKind.NOT_FOUND: "invalid_request",
    RefusalKind.CONFLICT: "invalid_request",
    RefusalKind.METHOD_NOT_ALLOWED: "invalid_request",
    RefusalKind.LENGTH_MISSING: "invalid_request",
    RefusalKind.TOO_LARGE: "invalid_request",
    RefusalKind.TOO_MANY: "slow_down",
    RefusalKind.UNAVAILABLE: "temporarily_unavailable",
}


class DeviceFace(ApiFace):
    """Answers machines that know OAuth: the `error` of a refusal is a code of it."""

    problem = OAuthProblem

    def __init__(self) -> None:
        super().__init__(_parse_request, accepts_sessions=False)

    def refused(self, call: ApiCall, refusal: Refusal) -> Answer:  # noqa: ARG002 - as the others.
        usual = _OAUTH_CODES[refusal.kind]
        code = refusal.error if isinstance(refusal, DeviceRefusal) else usual
        return _oauth_error(
            code, str(refusal), STATUS_BY_KIND[refusal.kind], refusal_headers(refusal)
        )

    def failed(self, call: ApiCall) -> Answer:
        sentence = failure_sentence(call.exchange.request_id)
        return _oauth_error("server_error", sentence, 500, NO_STORE)


device_api = DeviceFace()


@device_api.operation(
    "POST",
    "api/v1/device",
    "Ask for a token for a machine without a browser (RFC 8628); JSON or a form is read.",
    limit=None,
    refusals=(400, 401),
    needs_token=False,
    serves_anonymous_always=True,
)
async def device_api_ask(call: ApiCall, sent: DeviceAsk) -> DeviceCodes | Answer:
    login = call.registry.tokens.device_login
    try:
        return DeviceCodes.of(await login.authorize(sent.client_id, sent.scope, by=call.caller))
    except DeviceRefusal as refusal:
        return _device_error(refusal)


@device_api.operation(
    "POST",
    "api/v1/device/token",
    "Return the token of a machine that somebody approved; refusals are those of the RFC.",
    limit=None,
    refusals=(400, 401),
    needs_token=False,
    serves_anonymous_always=True,
)
async def device_api_token(call: ApiCall, poll: DevicePoll) -> DeviceToken | Answer:
    login = call.registry.tokens.device_login
    if poll.grant_type != GRANT_TYPE:
        refusal = DeviceRefusal(
            "grant-type-unknown",
            "Send grant_type=urn:ietf:params:oauth:grant-type:device_code and the device_code.",
            error="unsupported_grant_type",
        )
        return _device_error(refusal)
    try:
        return DeviceToken.of(await login.exchange(poll.device_code, by=call.caller))
    except DeviceRefusal as refusal:
        return _device_error(refusal)


def _device_error(refusal: DeviceRefusal) -> Answer:
    return _oauth_error(refusal.error, str(refusal), 400, NO_STORE)


def _oauth_error(code: str, sentence: str, status: int, headers: Mapping[str, str]) -> Answer:
    return json_answer({"error": code, "error_description": sentence}, status, headers)
