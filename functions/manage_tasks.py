"""/manage/tasks: the tasks of upkeep, what came of each, and running one now."""

import azure.functions as func

from functions._managing import Managing
from functions._pages import see_other
from functions._tasks import TASKS, how_often
from functions._visits import Problem, Visit
from shared.registry import Registry
from shared.services.schedules import schedule_of

PAGE = "/manage/tasks"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of tasks."""
    bp, managing = func.Blueprint(), Managing(registry)

    async def overview(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        tasks = await registry.overseeing.tasks(by=visit.principal)
        return visit.show(
            "manage/tasks.html",
            problem,
            tasks=tasks,
            words=TASKS,
            often={each.name: how_often(schedule_of(each.name)) for each in tasks},
            now_ms=registry.clock.now_ms(),
            asked=visit.query.get("asked", ""),
        )

    @bp.route("manage/tasks", methods=["GET", "HEAD"])
    @managing.page
    async def manage_tasks(visit: Visit) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("manage/tasks/run", methods=["POST"])
    @managing.form(again=overview)
    async def manage_task_run(visit: Visit) -> func.HttpResponse:
        task = visit.form.text("task")
        await registry.wishing.ask(task, by=visit.principal)
        return see_other(f"{PAGE}?asked={task}")

    return bp
