"""Device login (RFC 8628): its API, the page that approves a device, and the script /login.py."""

from typing import Self, TypeVar

import azure.functions as func
from pydantic import ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_snake

from functions.api.operations import (
    ApiCallWithBody,
    Operations,
    RequestModel,
    ResponseModel,
    parse_body,
)
from functions.http.callers import caller_of
from functions.http.pages import page_errors
from functions.http.requests import READ_METHODS, form_of, headers_of, is_form
from functions.http.responses import NO_STORE, Representation, conditional_response, json_response
from functions.http.signed_in_pages import FormProblem, SignedInPages, SignedInRequest
from shared.composition import Registry
from shared.domain.device_login import DEVICE_SCOPES, DEVICE_TOKEN_DAYS, DeviceRequest
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import DeviceRefusal, GrantTypeUnknown
from shared.domain.identity import Principal
from shared.domain.rate_limits import RateLimitClass
from shared.login.script import login_script
from shared.services.device_login import DeviceAuthorization, DeviceLoginResult

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"

_DAY_S = 86_400

RequestModelT = TypeVar("RequestModelT", bound=RequestModel)


class DeviceAsk(RequestModel):
    """What a machine says of itself; names are spelt as the RFC has them."""

    model_config = ConfigDict(alias_generator=to_snake)

    client_id: str = Field(min_length=1, max_length=200)


class DevicePoll(RequestModel):
    """What a machine asks again and again."""

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
            scope=" ".join(scope.value for scope in DEVICE_SCOPES),
            account=result.account.name,
        )


async def _machine(req: func.HttpRequest, registry: Registry, _limit: RateLimitClass) -> Principal:
    """Identify the machine by its headers; the device login has limits of its own."""
    return await caller_of(headers_of(req), registry)


def _parse_request(model: type[RequestModelT], req: func.HttpRequest) -> RequestModelT:
    """Parse JSON as the rest of the API does, or a form as in the RFC; other fields are ignored."""
    if not is_form(req):
        return parse_body(model, req)
    form = form_of(req)
    try:
        return model.model_validate({name: form.text(name) for name in model.model_fields})
    except ValidationError:
        known = ", ".join(model.model_fields)
        message = f"The form is not right. Send {known}."
        raise InvalidRequest(message) from None


device_api = Operations(parse=_parse_request)


@device_api.operation(
    "POST",
    "api/v1/device",
    "Ask for a token for a machine without a browser (RFC 8628); JSON or a form is read.",
    identify=_machine,
    refusals=(400,),
)
async def device_api_ask(call: ApiCallWithBody[DeviceAsk]) -> DeviceCodes:
    login, client_id = call.registry.device_login, call.body.client_id
    return DeviceCodes.of(await login.authorize(client_id, by=call.caller))


@device_api.operation(
    "POST",
    "api/v1/device/token",
    "Return the token of a machine that somebody approved; refusals are those of the RFC.",
    identify=_machine,
    refusals=(400,),
)
async def device_api_token(
    call: ApiCallWithBody[DevicePoll],
) -> DeviceToken | func.HttpResponse:
    login, poll = call.registry.device_login, call.body
    try:
        if poll.grant_type != GRANT_TYPE:
            raise GrantTypeUnknown
        return DeviceToken.of(await login.exchange(poll.device_code, by=call.caller))
    except DeviceRefusal as refusal:
        return _oauth_error_response(refusal)


def _oauth_error_response(refusal: DeviceRefusal) -> func.HttpResponse:
    """Return the refusal as an OAuth 2.0 error response."""
    body = {"error": refusal.error, "error_description": str(refusal)}
    return json_response(body, 400, NO_STORE)


def blueprint(registry: Registry) -> func.Blueprint:
    bp = func.Blueprint()
    _add_approval_page(bp, registry)
    _add_login_script(bp, registry)
    return bp


def _add_approval_page(bp: func.Blueprint, registry: Registry) -> None:
    pages = SignedInPages(registry)
    bp.route("device", methods=READ_METHODS)(pages.page(device_page))

    @bp.route("device", methods=["POST"])
    @pages.form(device_page)
    async def device_answer(request: SignedInRequest) -> func.HttpResponse:
        code, by = request.form.text("code"), request.principal
        match request.form.text("decision"):
            case "approve":
                login = await registry.device_login.approve(code, by=by)
                return request.show("device/approved.html", machine=login, days=DEVICE_TOKEN_DAYS)
            case "refuse":
                login = await registry.device_login.deny(code, by=by)
                return request.show("device/refused.html", machine=login)
            case _:
                return _confirm(request, await registry.device_login.find(code, by=by))


async def device_page(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    # A code in the URL is not read, since its sender could want it approved without a comparison.
    return request.show("device/enter.html", problem, code=request.form.text("code"))


def _confirm(request: SignedInRequest, login: DeviceRequest) -> func.HttpResponse:
    return request.show(
        "device/confirm.html",
        machine=login,
        code=request.form.text("code"),
        is_elsewhere=login.address != request.principal.address,
        address=request.principal.address,
        scopes=[scope.value for scope in DEVICE_SCOPES],
        days=DEVICE_TOKEN_DAYS,
    )


PYTHON = "text/x-python"


def _add_login_script(bp: func.Blueprint, registry: Registry) -> None:
    @bp.route("login.py", methods=READ_METHODS)
    @page_errors
    async def login_file(req: func.HttpRequest) -> func.HttpResponse:
        script = login_script(registry.settings.base_url).encode()
        return conditional_response(req, Representation(script, PYTHON, is_public=True))
