"""GET /health/live and /health/ready: probes for whoever operates the registry."""

from datetime import UTC, datetime

import azure.functions as func

from functions.central.responses import central_errors
from functions.http.responses import json_response
from shared.composition import Registry
from shared.domain.maintenance_tasks import TaskState


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions that probes call."""
    bp = func.Blueprint()

    @bp.route("health/live", methods=["GET", "HEAD"])
    @central_errors
    async def health_live(req: func.HttpRequest) -> func.HttpResponse:
        return json_response({"status": "live"})

    @bp.route("health/ready", methods=["GET", "HEAD"])
    @central_errors
    async def health_ready(req: func.HttpRequest) -> func.HttpResponse:
        await registry.probe()
        await registry.require_writable()
        # Shown, and no reason to be taken out of service: packages are served as well without a
        # task, and instances that leave make nothing run again.
        standings = await registry.upkeep.cached_task_states()
        now_ms = registry.clock.now_ms()
        upkeep = {each.task: _shown(each, now_ms) for each in standings if each.due_ms}
        # A fact as well: what is read is served as ever.
        read_only = (await registry.notice_cache.current()).read_only is not None
        return json_response({"status": "ready", "readOnly": read_only, "upkeep": upkeep})

    return bp


def _shown(standing: TaskState, now_ms: int) -> dict[str, object]:
    """Return what anybody may know of a task: no counts and no problems, which name packages."""
    last = standing.last_run
    return {
        "last": _moment(last.started_ms) if last else None,
        "seconds": (last.ended_ms - last.started_ms) / 1000 if last else None,
        "result": last.result.value if last else None,
        "due": _moment(standing.due_ms or 0),
        "overdue": standing.is_overdue(now_ms),
    }


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
