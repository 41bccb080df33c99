"""/manage/notices: what every page announces, for administrators."""

import azure.functions as func

from functions._forms import Form
from functions._managing import Managing
from functions._pages import see_other
from functions._visits import Problem, Visit
from shared.domain.bulletin import (
    LONGEST,
    MOST_CHARACTERS,
    MOST_OF_A_LINK,
    SHOWN_FOR,
    Draft,
    Mood,
    Stage,
)
from shared.domain.moments import parse_moment
from shared.registry import Registry

PAGE = "/manage/notices"

# Each mood with what it is for, the mildest first: most notices are of that one.
MOODS = (
    (Mood.INFORMATION, "Information: good to know"),
    (Mood.WARNING, "Warning: something does not work as it should"),
    (Mood.MAINTENANCE, "Maintenance: something will not work for a while"),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of notices."""
    bp, managing = func.Blueprint(), Managing(registry)

    async def overview(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        bulletin = await registry.announcing.bulletin(by=visit.principal)
        now_ms = registry.clock.now_ms()
        changing = visit.form.text("notice")
        return visit.show(
            "manage/notices.html",
            problem,
            notices={stage.value: bulletin.at_stage(stage, now_ms) for stage in Stage},
            now_ms=now_ms,
            moods=[(mood.value, text) for mood, text in MOODS],
            typed=_typed(Form() if changing else visit.form),
            changing=changing,
            most_characters=MOST_CHARACTERS,
            most_of_a_link=MOST_OF_A_LINK,
            shown_for=SHOWN_FOR,
            longest=LONGEST,
        )

    @bp.route("manage/notices", methods=["GET", "HEAD"])
    @managing.page
    async def manage_notices(visit: Visit) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("manage/notices", methods=["POST"])
    @managing.form(again=overview)
    async def manage_notice_announce(visit: Visit) -> func.HttpResponse:
        draft = _draft(visit.form, registry.clock.now_ms())
        await registry.announcing.announce(draft, by=visit.principal)
        return see_other(PAGE)

    @bp.route("manage/notices/extend", methods=["POST"])
    @managing.form(again=overview)
    async def manage_notice_extend(visit: Visit) -> func.HttpResponse:
        until_ms = parse_moment("until", visit.form.text("until"))
        notice = visit.form.text("notice")
        await registry.announcing.extend(notice, until_ms, by=visit.principal)
        return see_other(PAGE)

    @bp.route("manage/notices/end", methods=["POST"])
    @managing.form(again=overview)
    async def manage_notice_end(visit: Visit) -> func.HttpResponse:
        await registry.announcing.end(visit.form.text("notice"), by=visit.principal)
        return see_other(PAGE)

    return bp


def _draft(form: Form, now_ms: int) -> Draft:
    span = (form.text("from"), form.text("until"))
    text, mood = form.text("text"), form.text("mood")
    return Draft.parse(text, mood, form.text("link"), span=span, now_ms=now_ms)


def _typed(form: Form) -> dict[str, str]:
    """Return what the fields of a new notice hold: what was typed, or what most want."""
    typed = {name: form.text(name) for name in ("text", "link", "from", "until")}
    return {**typed, "mood": form.text("mood", Mood.INFORMATION.value)}
