"""POST /api/v1/device and …/token: how a machine without a browser gets a token (RFC 8628)."""

from typing import Self, TypeVar

import azure.functions as func
from pydantic import ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_snake

from functions._api import NO_STORE, Answer, Operation, Request, answer, api_errors, body_as
from functions._forms import form_of, is_form
from functions._http import caller_of, headers_of, json_answer
from shared.domain.device_codes import DEVICE_SCOPES, TOKEN_DAYS
from shared.domain.device_errors import DeviceRefusal, GrantTypeUnknown
from shared.domain.errors import InvalidRequest
from shared.registry import Registry
from shared.services.connecting import Codes, Connected

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"

_DAY_S = 86_400

Model = TypeVar("Model", bound=Request)


class DeviceAsk(Request):
    """What a machine says of itself; names are spelt as the RFC has them."""

    model_config = ConfigDict(alias_generator=to_snake)

    client_id: str = Field(min_length=1, max_length=200)


class DevicePoll(Request):
    """What a machine asks again and again."""

    model_config = ConfigDict(alias_generator=to_snake)

    grant_type: str = Field(max_length=100)
    device_code: str = Field(max_length=100)


class DeviceCodes(Answer):
    """Two codes: one to keep, one to show to a person."""

    model_config = ConfigDict(alias_generator=to_snake)

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: int
    interval: int

    @classmethod
    def of(cls, codes: Codes) -> Self:
        """Show the codes, this once."""
        return cls(
            device_code=codes.device_code.reveal(),
            user_code=codes.user_code.reveal(),
            verification_uri=codes.page,
            expires_in=codes.expires_s,
            interval=codes.interval_s,
        )


class DeviceToken(Answer):
    """An access token, which is shown this once, and the name of its account."""

    model_config = ConfigDict(alias_generator=to_snake)

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a type.
    expires_in: int
    scope: str
    account: str

    @classmethod
    def of(cls, connected: Connected) -> Self:
        """Show the token, this once."""
        return cls(
            access_token=connected.issued.text.reveal(),
            expires_in=TOKEN_DAYS * _DAY_S,
            scope=" ".join(scope.value for scope in DEVICE_SCOPES),
            account=connected.account.name,
        )


OPERATIONS = (
    Operation(
        "device_api_ask",
        "POST",
        "api/v1/device",
        "Ask for a token for a machine without a browser (RFC 8628); JSON or a form is read.",
        200,
        request=DeviceAsk,
        answer=DeviceCodes,
        refusals=(400,),
    ),
    Operation(
        "device_api_token",
        "POST",
        "api/v1/device/token",
        "Return the token of a machine that somebody approved; refusals are those of the RFC.",
        200,
        request=DevicePoll,
        answer=DeviceToken,
        refusals=(400,),
    ),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions that machines call."""
    bp = func.Blueprint()

    @bp.route("api/v1/device", methods=["POST"])
    @api_errors
    async def device_api_ask(req: func.HttpRequest) -> func.HttpResponse:
        machine = await caller_of(headers_of(req), registry)
        asked = _sent(DeviceAsk, req)
        return answer(DeviceCodes.of(await registry.connecting.ask(asked.client_id, by=machine)))

    @bp.route("api/v1/device/token", methods=["POST"])
    @api_errors
    async def device_api_token(req: func.HttpRequest) -> func.HttpResponse:
        machine = await caller_of(headers_of(req), registry)
        poll = _sent(DevicePoll, req)
        try:
            if poll.grant_type != GRANT_TYPE:
                raise GrantTypeUnknown
            connected = await registry.connecting.redeem(poll.device_code, by=machine)
        except DeviceRefusal as refusal:
            return _refused(refusal)
        return answer(DeviceToken.of(connected))

    return bp


def _sent(model: type[Model], req: func.HttpRequest) -> Model:
    """Read JSON as our own API does, or a form as the RFC has it: what it does not name is left."""
    if not is_form(req):
        return body_as(model, req)
    form = form_of(req)
    try:
        return model.model_validate({name: form.text(name) for name in model.model_fields})
    except ValidationError:
        known = ", ".join(model.model_fields)
        message = f"The form is not right. Send {known}."
        raise InvalidRequest(message) from None


def _refused(refusal: DeviceRefusal) -> func.HttpResponse:
    """Return the refusal as clients of the RFC read it."""
    body = {"error": refusal.error, "error_description": str(refusal)}
    return json_answer(body, 400, NO_STORE)
