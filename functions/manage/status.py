"""/manage, /manage/tasks and /manage/limits: status, maintenance tasks and rate limits."""

import azure.functions as func

from functions.http.pages import see_other
from functions.http.signed_in_pages import FormProblem, SignedInRequest
from functions.http.task_descriptions import TASK_DESCRIPTIONS, schedule_text
from functions.manage.pages import AdministratorPages
from shared.composition import Registry
from shared.domain.rate_limits import RateLimitClass, RateLimitSubject
from shared.domain.status import SOFTWARE_VERSION
from shared.services.burst_detection import BURST_WINDOW
from shared.services.status import MAX_RECORDS_COUNTED
from shared.services.upkeep import schedule_of

ON_ONE_MACHINE = "SQLite and files, on one machine"
IN_THE_CLOUD = "Cosmos DB and Blob Storage, on Azure"


def overview_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the first page of administrators."""
    bp, managing = func.Blueprint(), AdministratorPages(registry)

    @bp.route("manage", methods=["GET", "HEAD"])
    @managing.page
    async def manage_overview(visit: SignedInRequest) -> func.HttpResponse:
        overview = await registry.status.report(by=visit.principal)
        return visit.show(
            "manage/overview.html",
            overview=overview,
            now_ms=overview.at_ms,
            world=IN_THE_CLOUD if registry.settings.is_in_the_cloud else ON_ONE_MACHINE,
            settings=registry.settings,
            version=SOFTWARE_VERSION,
            most=MAX_RECORDS_COUNTED,
        )

    return bp


TASKS_PATH = "/manage/tasks"


def tasks_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of tasks."""
    bp, managing = func.Blueprint(), AdministratorPages(registry)

    async def overview(
        visit: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        tasks = await registry.status.tasks(by=visit.principal)
        return visit.show(
            "manage/tasks.html",
            problem,
            tasks=tasks,
            words=TASK_DESCRIPTIONS,
            often={each.name: schedule_text(schedule_of(each.name)) for each in tasks},
            now_ms=registry.clock.now_ms(),
            asked=visit.query.get("asked", ""),
        )

    @bp.route("manage/tasks", methods=["GET", "HEAD"])
    @managing.page
    async def manage_tasks(visit: SignedInRequest) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("manage/tasks/run", methods=["POST"])
    @managing.form(again=overview)
    async def manage_task_run(visit: SignedInRequest) -> func.HttpResponse:
        task = visit.form.text("task")
        await registry.task_requests.request(task, by=visit.principal)
        return see_other(f"{TASKS_PATH}?asked={task}")

    return bp


# What whoever runs the registry calls such requests.
RATE_LIMIT_LABELS = {
    RateLimitClass.READ: "Reading",
    RateLimitClass.WRITE: "Changing",
    RateLimitClass.PUSH: "Publishing",
    RateLimitClass.TOKEN_ISSUE: "Making tokens",
    RateLimitClass.SIGN_IN: "Signing in",
    RateLimitClass.DEVICE: "Logging machines in",
    RateLimitClass.INVITATION: "Inviting people",
    RateLimitClass.FOUND: "Founding organizations",
    RateLimitClass.FAILURE: "Guessing credentials",
}


def rate_limits_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the page of limits."""
    bp, managing = func.Blueprint(), AdministratorPages(registry)

    @bp.route("manage/limits", methods=["GET", "HEAD"])
    @managing.page
    async def manage_limits(visit: SignedInRequest) -> func.HttpResponse:
        return visit.show(
            "manage/limits.html",
            pace=await registry.status.rate_limits(by=visit.principal),
            kinds=RATE_LIMIT_LABELS,
            subjects=tuple(RateLimitSubject),
            is_of_one_process=_is_of_one_process,
            brake=registry.settings.brake_packages,
            brake_window=BURST_WINDOW,
            now_ms=registry.clock.now_ms(),
        )

    return bp


def _is_of_one_process(operation: RateLimitClass) -> bool:
    """Say whether each process counts such requests for itself."""
    return operation is RateLimitClass.READ
