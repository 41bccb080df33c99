"""/manage/notices and /manage/read-only: notices on every page, and read-only mode."""

import azure.functions as func

from functions.http.pages import see_other
from functions.http.requests import READ_METHODS, Form
from functions.http.signed_in_pages import AdministratorPages, FormProblem, SignedInRequest
from shared.composition import Registry
from shared.domain.notices import (
    DEFAULT_NOTICE_PERIOD,
    MAX_NOTICE_LENGTH,
    MAX_NOTICE_LINK_LENGTH,
    MAX_NOTICE_PERIOD,
    MAX_READ_ONLY_REASON_LENGTH,
    NoticeDraft,
    NoticeKind,
    NoticeStage,
)
from shared.domain.times import parse_time

NOTICES_PATH = "/manage/notices"

# The messages after forms, by the names of their actions.
NOTICE_DONE_MESSAGES = {
    "published": "Notice published. It is visible within five seconds.",
    "changed": "End of the notice changed.",
    "ended": "Notice ended.",
}
READ_ONLY_DONE_MESSAGES = {
    "on": "Read-only mode turned on. All instances follow within five seconds.",
    "off": "Read-only mode turned off. All instances follow within five seconds.",
}

# The choices of the form, the default first.
MOODS = (
    (NoticeKind.INFORMATION, "Information"),
    (NoticeKind.WARNING, "Warning: something does not work as expected"),
    (NoticeKind.MAINTENANCE, "Maintenance: planned downtime"),
)


def blueprint(registry: Registry) -> func.Blueprint:
    bp = func.Blueprint()
    _add_notices(bp, registry)
    _add_read_only(bp, registry)
    return bp


def _add_notices(bp: func.Blueprint, registry: Registry) -> None:
    pages = AdministratorPages(registry)
    bp.route("manage/notices", methods=READ_METHODS)(pages.page(manage_notices))

    @bp.route("manage/notices", methods=["POST"])
    @pages.form(manage_notices)
    async def manage_notice_announce(request: SignedInRequest) -> func.HttpResponse:
        draft = _draft(request.form, registry.clock.now_ms())
        await registry.notices.publish(draft, by=request.principal)
        return see_other(f"{NOTICES_PATH}?done=published")

    @bp.route("manage/notices/extend", methods=["POST"])
    @pages.form(manage_notices)
    async def manage_notice_extend(request: SignedInRequest) -> func.HttpResponse:
        until_ms = parse_time("until", request.form.text("until"))
        notice = request.form.text("notice")
        await registry.notices.extend(notice, until_ms, by=request.principal)
        return see_other(f"{NOTICES_PATH}?done=changed")

    @bp.route("manage/notices/end", methods=["POST"])
    @pages.form(manage_notices)
    async def manage_notice_end(request: SignedInRequest) -> func.HttpResponse:
        await registry.notices.end(request.form.text("notice"), by=request.principal)
        return see_other(f"{NOTICES_PATH}?done=ended")


async def manage_notices(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    board = await request.registry.notices.current(by=request.principal)
    now_ms, changing = request.now_ms, request.form.text("notice")
    return request.show(
        "manage/notices.html",
        problem,
        notices={stage.value: board.at_stage(stage, now_ms) for stage in NoticeStage},
        moods=[(mood.value, text) for mood, text in MOODS],
        typed=_form_values(Form() if changing else request.form),
        changing=changing,
        most_characters=MAX_NOTICE_LENGTH,
        most_of_a_link=MAX_NOTICE_LINK_LENGTH,
        shown_for=DEFAULT_NOTICE_PERIOD,
        longest=MAX_NOTICE_PERIOD,
        done=request.done(NOTICE_DONE_MESSAGES),
    )


def _form_values(form: Form) -> dict[str, str]:
    """Return the values of the fields for a new notice."""
    typed = {name: form.text(name) for name in ("text", "link", "from", "until")}
    return {**typed, "mood": form.text("mood", NoticeKind.INFORMATION.value)}


def _draft(form: Form, now_ms: int) -> NoticeDraft:
    span = (form.text("from"), form.text("until"))
    text, mood = form.text("text"), form.text("mood")
    return NoticeDraft.parse(text, mood, form.text("link"), span=span, now_ms=now_ms)


READ_ONLY_PATH = "/manage/read-only"


def _add_read_only(bp: func.Blueprint, registry: Registry) -> None:
    pages = AdministratorPages(registry)
    bp.route("manage/read-only", methods=READ_METHODS)(pages.page(manage_read_only))

    @bp.route("manage/read-only/on", methods=["POST"])
    @pages.form_in_read_only_mode(manage_read_only)
    async def manage_read_only_on(request: SignedInRequest) -> func.HttpResponse:
        await registry.notices.enter_read_only_mode(
            request.form.text("reason"), by=request.principal
        )
        return see_other(f"{READ_ONLY_PATH}?done=on")

    @bp.route("manage/read-only/off", methods=["POST"])
    @pages.form_in_read_only_mode(manage_read_only)
    async def manage_read_only_off(request: SignedInRequest) -> func.HttpResponse:
        await registry.notices.leave_read_only_mode(by=request.principal)
        return see_other(f"{READ_ONLY_PATH}?done=off")


async def manage_read_only(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    read_only = (await request.registry.notices.current(by=request.principal)).read_only
    return request.show(
        "manage/read_only.html",
        problem,
        read_only=read_only,
        typed=request.form.text("reason", read_only.reason if read_only else ""),
        most_of_a_reason=MAX_READ_ONLY_REASON_LENGTH,
        done=request.done(READ_ONLY_DONE_MESSAGES),
    )
