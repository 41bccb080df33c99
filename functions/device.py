"""/device: where a person approves a machine that asked for a token."""

import azure.functions as func

from functions._forms import Form, form_of
from functions._pages import page_errors, render
from functions._visits import Visit, check_form, sign_in_first, visit_of
from shared.domain.device_codes import DEVICE_SCOPES, TOKEN_DAYS, DeviceRequest
from shared.domain.errors import Refusal
from shared.registry import Registry

PAGE = "device"

_UNPROCESSABLE = 422  # The page is shown again, with what is wrong beside the form.


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page for codes."""
    bp = func.Blueprint()

    @bp.route(PAGE, methods=["GET"])
    @page_errors
    async def device_page(req: func.HttpRequest) -> func.HttpResponse:
        # A code in the address is not read: whoever sends such a link wants it to be approved
        # without being compared.
        visit = await visit_of(req, registry)
        return _enter(visit) if visit else sign_in_first()

    @bp.route(PAGE, methods=["POST"])
    @page_errors
    async def device_answer(req: func.HttpRequest) -> func.HttpResponse:
        visit = await visit_of(req, registry)
        if visit is None:
            return sign_in_first()
        form = form_of(req)
        check_form(form, visit)
        try:
            return await _answered(registry, form, visit)
        except Refusal as refusal:
            return _enter(visit, form.text("code"), str(refusal), _UNPROCESSABLE)

    return bp


async def _answered(registry: Registry, form: Form, visit: Visit) -> func.HttpResponse:
    code, by = form.text("code"), visit.principal
    match form.text("decision"):
        case "approve":
            request = await registry.connecting.approve(code, by=by)
            return _page("device/approved.html", visit, request)
        case "refuse":
            request = await registry.connecting.refuse(code, by=by)
            return _page("device/refused.html", visit, request)
        case _:
            request = await registry.connecting.find(code, by=by)
            return _page("device/confirm.html", visit, request, code=code)


def _enter(visit: Visit, code: str = "", problem: str = "", status: int = 200) -> func.HttpResponse:
    return render(
        "device/enter.html", status=status, visitor=visit.visitor, code=code, problem=problem
    )


def _page(template: str, visit: Visit, request: DeviceRequest, code: str = "") -> func.HttpResponse:
    return render(
        template,
        visitor=visit.visitor,
        machine=request,
        code=code,
        is_elsewhere=request.address != visit.principal.address,
        address=visit.principal.address,
        scopes=[scope.value for scope in DEVICE_SCOPES],
        days=TOKEN_DAYS,
    )
