"""Device login (RFC 8628): the page that approves a device, and the script /login.py."""

from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from functions.http.calls import Call
from functions.http.scripts import LOGIN_FILE, script_answer
from shared.domain.device_login import DEVICE_TOKEN_DAYS, READING, DeviceRequest, read_user_code
from shared.domain.errors.base import NotFound, about_field
from shared.runtime.answers import Answer

pages = SignedInPages()


@pages.read("device")
async def device_page(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    # A code in the URL is not read, since its sender could want it approved without a comparison.
    return call.show("device/enter.html", problem, code=call.form.text("code"))


def _confirm(call: SignedInCall, login: DeviceRequest) -> Answer:
    return call.show(
        "device/confirm.html",
        machine=login,
        code=read_user_code(call.form.text("code")),
        is_elsewhere=login.address != call.caller.address,
        address=call.caller.address,
        scopes=[scope.value for scope in login.scopes],
        publishes=login.scopes != READING,
        days=DEVICE_TOKEN_DAYS,
    )


@pages.read("login.py", ignores_credentials=True, serves_anonymous_always=True)
async def login_file(call: Call) -> Answer:
    return script_answer(call, LOGIN_FILE)


@pages.form("device", device_page)
async def device_answer(call: SignedInCall) -> Answer:
    code = call.form.text("code")
    by = call.caller
    match call.form.text("decision"):
        case "approve":
            login = await call.registry.tokens.device_login.approve(code, by=by)
            return call.show("device/approved.html", machine=login, days=DEVICE_TOKEN_DAYS)
        case "refuse":
            login = await call.registry.tokens.device_login.deny(code, by=by)
            return call.show("device/refused.html", machine=login)
        case _:
            with about_field("code", NotFound):
                found = await call.registry.tokens.device_login.find(code, by=by)
            return _confirm(call, found)


FACES = (pages,)
