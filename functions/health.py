"""/health/live and /health/ready, which is /health as well: probes for the operator."""

from functions.central.central_face import CentralFace
from functions.http.calls import Call
from functions.http.json_answers import json_answer
from shared.domain.tasks import TaskState
from shared.domain.times import utc_text
from shared.runtime.answers import Answer

central = CentralFace()
FACES = (central,)


@central.read("health/live", ignores_credentials=True, serves_anonymous_always=True)
async def health_live(call: Call) -> Answer:
    return json_answer({"status": "live"})


@central.read("health", ignores_credentials=True, serves_anonymous_always=True)
async def health_default(call: Call) -> Answer:
    # The path that monitors use by default.
    return await health_ready(call)


@central.read("health/ready", ignores_credentials=True, serves_anonymous_always=True)
async def health_ready(call: Call) -> Answer:
    await call.registry.probe()
    await call.registry.require_writable()
    # Overdue tasks and read-only mode do not make an instance unready: it still serves
    # packages, and taking it out of service would not run a task.
    tasks = await call.registry.maintenance.task_runner.cached_task_states()
    now_ms = call.registry.clock.now_ms()
    upkeep = {each.task: _task_model(each, now_ms) for each in tasks if each.due_ms}
    read_only = (await call.registry.limits.notice_cache.current()).read_only is not None
    # Behind Front Door each app is asked by the query `app=NAME`, and says here which one answered.
    role = call.registry.settings.app_role
    return json_answer({"status": "ready", "app": role, "readOnly": read_only, "upkeep": upkeep})


def _task_model(task: TaskState, now_ms: int) -> dict[str, object]:
    """Return the public part of a task: no counts and no problems, which name packages."""
    last = task.last_run
    return {
        "last": utc_text(last.started_ms) if last else None,
        "seconds": (last.ended_ms - last.started_ms) / 1000 if last else None,
        "result": last.result.value if last else None,
        "due": utc_text(task.due_ms or 0),
        "overdue": task.is_overdue(now_ms),
    }
