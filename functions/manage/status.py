"""/manage: status, maintenance tasks, the notice on every page and read-only mode."""

from functions.html.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from shared.domain.errors.base import about_field
from shared.domain.notices import MAX_NOTICE_LENGTH, MAX_READ_ONLY_REASON_LENGTH
from shared.domain.software_version import SOFTWARE_VERSION
from shared.runtime.answers import Answer
from shared.services.administration.status import MAX_RECORDS_COUNTED
from shared.services.maintenance.audit_archives import AuditArchives
from shared.services.maintenance.create_snapshot import CreateSnapshot
from shared.services.maintenance.update_search_index import UpdateSearchIndex
from shared.settings.problems import unknown_settings

ON_ONE_MACHINE = "SQLite and files, on one machine"
IN_THE_CLOUD = "Cosmos DB and Blob Storage, on Azure"


pages = AdministratorPages()
FACES = (pages,)


@pages.read("manage")
async def manage_overview(call: SignedInCall) -> Answer:
    settings = call.registry.settings
    overview = await call.registry.administration.status.report(by=call.caller)
    mirroring = call.registry.mirroring
    return call.show(
        "manage/overview.html",
        overview=overview,
        search_task=UpdateSearchIndex.id,
        snapshot_task=CreateSnapshot.id,
        audit_task=AuditArchives.id,
        now_ms=overview.at_ms,
        world=IN_THE_CLOUD if settings.is_in_the_cloud else ON_ONE_MACHINE,
        settings=settings,
        unknown_settings=unknown_settings(),
        version=SOFTWARE_VERSION,
        most=MAX_RECORDS_COUNTED,
        upstreams=await mirroring.states() if mirroring else (),
    )


@pages.read("manage/tasks")
async def manage_tasks(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    return call.show(
        "manage/tasks.html",
        problem,
        tasks=await call.registry.administration.status.tasks(by=call.caller),
        described=call.registry.maintenance.tasks,
        operator_program=call.registry.settings.operator_program,
    )


@pages.form(
    "manage/tasks/run",
    manage_tasks,
    done="Task requested. It starts within a minute; reload this page to see the result.",
)
async def manage_task_run(call: SignedInCall) -> None:
    status = call.registry.administration.status
    await status.run_soon(call.form.text("task"), by=call.caller)


@pages.read("manage/notices")
async def manage_notices(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    notice = (await call.registry.limits.notices.current(by=call.caller)).notice
    return call.show(
        "manage/notices.html",
        problem,
        notice=notice,
        typed=call.form.text("text", notice),
        most_characters=MAX_NOTICE_LENGTH,
    )


@pages.read("manage/read-only")
async def manage_read_only(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    read_only = (await call.registry.limits.notices.current(by=call.caller)).read_only
    return call.show(
        "manage/read_only.html",
        problem,
        read_only=read_only,
        typed=call.form.text("reason", read_only.reason if read_only else ""),
        most_of_a_reason=MAX_READ_ONLY_REASON_LENGTH,
        operator_program=call.registry.settings.operator_program,
    )


@pages.form(
    "manage/notices", manage_notices, done="Notice published. It is visible within five seconds."
)
async def manage_notice_announce(call: SignedInCall) -> None:
    with about_field("text"):
        await call.registry.limits.notices.publish(call.form.text("text"), by=call.caller)


@pages.form("manage/notices/end", manage_notices, done="Notice removed.")
async def manage_notice_end(call: SignedInCall) -> None:
    await call.registry.limits.notices.end(by=call.caller)


@pages.form(
    "manage/read-only/on",
    manage_read_only,
    done="Read-only mode turned on. All instances follow within five seconds.",
    works_in_read_only_mode=True,
)
async def manage_read_only_on(call: SignedInCall) -> None:
    notices = call.registry.limits.notices
    reason = call.form.text("reason")
    with about_field("reason"):
        await notices.enter_read_only_mode(reason, by=call.caller)


@pages.form(
    "manage/read-only/off",
    manage_read_only,
    done="Read-only mode turned off. All instances follow within five seconds.",
    works_in_read_only_mode=True,
)
async def manage_read_only_off(call: SignedInCall) -> None:
    await call.registry.limits.notices.leave_read_only_mode(by=call.caller)
