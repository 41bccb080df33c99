"""/device: where a person approves a machine that asked for a token."""

import azure.functions as func

from functions._visits import Problem, Visit, Visits
from shared.domain.device_codes import DEVICE_SCOPES, TOKEN_DAYS, DeviceRequest
from shared.registry import Registry


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page for codes."""
    bp, visits = func.Blueprint(), Visits(registry)

    async def enter(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        return visit.show("device/enter.html", problem, code=visit.form.text("code"))

    @bp.route("device", methods=["GET", "HEAD"])
    @visits.page
    async def device_page(visit: Visit) -> func.HttpResponse:
        # A code in the address is not read: whoever sends such a link wants it to be approved
        # without being compared.
        return await enter(visit)

    @bp.route("device", methods=["POST"])
    @visits.form(again=enter)
    async def device_answer(visit: Visit) -> func.HttpResponse:
        code, by = visit.form.text("code"), visit.principal
        match visit.form.text("decision"):
            case "approve":
                request = await registry.connecting.approve(code, by=by)
                return visit.show("device/approved.html", machine=request, days=TOKEN_DAYS)
            case "refuse":
                request = await registry.connecting.refuse(code, by=by)
                return visit.show("device/refused.html", machine=request)
            case _:
                return _confirm(visit, await registry.connecting.find(code, by=by))

    return bp


def _confirm(visit: Visit, request: DeviceRequest) -> func.HttpResponse:
    return visit.show(
        "device/confirm.html",
        machine=request,
        code=visit.form.text("code"),
        is_elsewhere=request.address != visit.principal.address,
        address=visit.principal.address,
        scopes=[scope.value for scope in DEVICE_SCOPES],
        days=TOKEN_DAYS,
    )
