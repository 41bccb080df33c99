"""/manage: how the registry is, for its administrators."""

import azure.functions as func

from functions._managing import Managing
from functions._visits import Visit
from shared.registry import Registry


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the first page of administrators."""
    bp, managing = func.Blueprint(), Managing(registry)

    @bp.route("manage", methods=["GET"])
    @managing.page
    async def manage_overview(visit: Visit) -> func.HttpResponse:
        overview = await registry.overseeing.look(by=visit.principal)
        return visit.show("manage/overview.html", overview=overview, now_ms=overview.at_ms)

    return bp
