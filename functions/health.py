"""GET /health/live and /health/ready: probes for whoever keeps the registry running."""

import azure.functions as func

from functions._central import central_errors
from functions._http import json_answer
from shared.registry import Registry


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions that probes call."""
    bp = func.Blueprint()

    @bp.route("health/live", methods=["GET", "HEAD"])
    @central_errors
    async def health_live(req: func.HttpRequest) -> func.HttpResponse:
        return json_answer({"status": "live"})

    @bp.route("health/ready", methods=["GET", "HEAD"])
    @central_errors
    async def health_ready(req: func.HttpRequest) -> func.HttpResponse:
        await registry.probe()
        return json_answer({"status": "ready"})

    return bp
