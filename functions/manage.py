"""/manage: how the registry is, for its administrators."""

import azure.functions as func

from functions._managing import Managing
from functions._visits import Visit
from shared.domain.software import VERSION
from shared.registry import Registry
from shared.services.overseeing import MOST_COUNTED

ON_ONE_MACHINE = "SQLite and files, on one machine"
IN_THE_CLOUD = "Cosmos DB and Blob Storage, on Azure"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the first page of administrators."""
    bp, managing = func.Blueprint(), Managing(registry)

    @bp.route("manage", methods=["GET", "HEAD"])
    @managing.page
    async def manage_overview(visit: Visit) -> func.HttpResponse:
        overview = await registry.overseeing.look(by=visit.principal)
        return visit.show(
            "manage/overview.html",
            overview=overview,
            now_ms=overview.at_ms,
            world=IN_THE_CLOUD if registry.settings.is_in_the_cloud else ON_ONE_MACHINE,
            settings=registry.settings,
            version=VERSION,
            most=MOST_COUNTED,
        )

    return bp
