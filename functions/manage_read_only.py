"""/manage/read-only: whether the registry takes changes, for administrators."""

import azure.functions as func

from functions._managing import Managing
from functions._pages import see_other
from functions._visits import Problem, Visit
from shared.domain.bulletin import MOST_OF_A_REASON
from shared.registry import Registry

PAGE = "/manage/read-only"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of read-only mode."""
    bp, managing = func.Blueprint(), Managing(registry)

    async def overview(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        read_only = (await registry.announcing.bulletin(by=visit.principal)).read_only
        return visit.show(
            "manage/read_only.html",
            problem,
            read_only=read_only,
            now_ms=registry.clock.now_ms(),
            typed=visit.form.text("reason", read_only.reason if read_only else ""),
            most_of_a_reason=MOST_OF_A_REASON,
        )

    @bp.route("manage/read-only", methods=["GET", "HEAD"])
    @managing.page
    async def manage_read_only(visit: Visit) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("manage/read-only/on", methods=["POST"])
    @managing.switch(again=overview)
    async def manage_read_only_on(visit: Visit) -> func.HttpResponse:
        await registry.announcing.refuse_changes(visit.form.text("reason"), by=visit.principal)
        return see_other(PAGE)

    @bp.route("manage/read-only/off", methods=["POST"])
    @managing.switch(again=overview)
    async def manage_read_only_off(visit: Visit) -> func.HttpResponse:
        await registry.announcing.take_changes(by=visit.principal)
        return see_other(PAGE)

    return bp
