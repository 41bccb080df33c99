"""GET /health/live and /health/ready: probes for the operator of the registry."""

from datetime import UTC, datetime

import azure.functions as func

from functions.central.responses import central_errors
from functions.http.responses import json_response
from shared.composition import Registry
from shared.domain.maintenance_tasks import TaskState


def blueprint(registry: Registry) -> func.Blueprint:
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
        # Overdue tasks and read-only mode do not make an instance unready: it still serves
        # packages, and taking it out of service would not run a task.
        tasks = await registry.upkeep.cached_task_states()
        now_ms = registry.clock.now_ms()
        upkeep = {each.task: _task_model(each, now_ms) for each in tasks if each.due_ms}
        read_only = (await registry.notice_cache.current()).read_only is not None
        return json_response({"status": "ready", "readOnly": read_only, "upkeep": upkeep})

    return bp


def _task_model(task: TaskState, now_ms: int) -> dict[str, object]:
    """Return the public part of a task: no counts and no problems, which name packages."""
    last = task.last_run
    return {
        "last": _moment(last.started_ms) if last else None,
        "seconds": (last.ended_ms - last.started_ms) / 1000 if last else None,
        "result": last.result.value if last else None,
        "due": _moment(task.due_ms or 0),
        "overdue": task.is_overdue(now_ms),
    }


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
