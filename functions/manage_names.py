"""/manage/names: names that nobody may found, and whether one is free."""

import azure.functions as func

from functions._managing import LONGEST, Managing
from functions._pages import see_other
from functions._visits import Problem, Visit
from shared.domain.administration_errors import PatternUnreadable
from shared.registry import Registry

PAGE = "/manage/names"

DONE = {
    "add": "It is kept back from now on, by every instance.",
    "remove": "It is free again.",
}


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the pages of names."""
    bp, managing = func.Blueprint(), Managing(registry)

    async def overview(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        return await _list(registry, visit, problem)

    async def confirm(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        return await _preview(registry, visit, problem)

    @bp.route("manage/names", methods=["GET", "HEAD"])
    @managing.page
    async def manage_names(visit: Visit) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("manage/names/new", methods=["GET", "HEAD"])
    @managing.page
    async def manage_name_preview(visit: Visit) -> func.HttpResponse:
        return await confirm(visit)

    @bp.route("manage/names/new", methods=["POST"])
    @managing.form(again=confirm)
    async def manage_name_add(visit: Visit) -> func.HttpResponse:
        pattern, reason = visit.form.text("pattern"), visit.form.text("reason")
        await registry.reserving.add(pattern, reason, by=visit.principal)
        return see_other(f"{PAGE}?done=add")

    @bp.route("manage/names/remove", methods=["POST"])
    @managing.form(again=overview)
    async def manage_name_remove(visit: Visit) -> func.HttpResponse:
        await registry.reserving.remove(visit.form.text("pattern"), by=visit.principal)
        return see_other(f"{PAGE}?done=remove")

    return bp


async def _list(
    registry: Registry, visit: Visit, problem: Problem | None = None
) -> func.HttpResponse:
    name, by = visit.query.get("name", "").strip()[:LONGEST], visit.principal
    return visit.show(
        "manage/names.html",
        problem,
        kept=await registry.reserving.all(by=by),
        freedom=await registry.reserving.look_up(name, by=by) if name else None,
        done=DONE.get(visit.query.get("done", ""), ""),
        now_ms=registry.clock.now_ms(),
    )


async def _preview(
    registry: Registry, visit: Visit, problem: Problem | None = None
) -> func.HttpResponse:
    """Show what a pattern would match, or why it is none, before anything is kept back."""
    pattern = visit.form.text("pattern") or visit.query.get("pattern", "")
    reason = visit.form.text("reason") or visit.query.get("reason", "")
    matches = None
    if pattern:
        try:
            matches = await registry.reserving.matching(pattern, by=visit.principal)
        except PatternUnreadable as refusal:
            problem = problem or Problem.of(refusal)
    return visit.show(
        "manage/name_new.html", problem, pattern=pattern, reason=reason, matches=matches
    )
