"""OPTIONS under /2.0/registry: stores ask from browsers whether they may read."""

import azure.functions as func

from functions._central import CORS
from shared.registry import Registry

_PREFLIGHT = {
    **CORS,
    "Access-Control-Allow-Methods": "GET, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Ballerina-Platform, Content-Type",
    "Access-Control-Max-Age": "86400",
}


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that answers preflights; it lets nobody send credentials."""
    bp = func.Blueprint()

    @bp.route("2.0/registry/{*path}", methods=["OPTIONS"])
    async def central_preflight(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(status_code=204, headers=_PREFLIGHT)

    return bp
