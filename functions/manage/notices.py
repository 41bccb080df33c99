"""/manage/notices and /manage/read-only: notices on every page, and read-only mode."""

import azure.functions as func

from functions.http.pages import see_other
from functions.http.requests import Form
from functions.http.signed_in_pages import FormProblem, SignedInRequest
from functions.manage.pages import AdministratorPages
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

# Each mood with what it is for, the mildest first: most notices are of that one.
MOODS = (
    (NoticeKind.INFORMATION, "Information: good to know"),
    (NoticeKind.WARNING, "Warning: something does not work as it should"),
    (NoticeKind.MAINTENANCE, "Maintenance: something will not work for a while"),
)


def notices_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of notices."""
    bp, managing = func.Blueprint(), AdministratorPages(registry)

    async def overview(
        visit: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        bulletin = await registry.notices.current(by=visit.principal)
        now_ms = registry.clock.now_ms()
        changing = visit.form.text("notice")
        return visit.show(
            "manage/notices.html",
            problem,
            notices={stage.value: bulletin.at_stage(stage, now_ms) for stage in NoticeStage},
            now_ms=now_ms,
            moods=[(mood.value, text) for mood, text in MOODS],
            typed=_typed(Form() if changing else visit.form),
            changing=changing,
            most_characters=MAX_NOTICE_LENGTH,
            most_of_a_link=MAX_NOTICE_LINK_LENGTH,
            shown_for=DEFAULT_NOTICE_PERIOD,
            longest=MAX_NOTICE_PERIOD,
        )

    @bp.route("manage/notices", methods=["GET", "HEAD"])
    @managing.page
    async def manage_notices(visit: SignedInRequest) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("manage/notices", methods=["POST"])
    @managing.form(again=overview)
    async def manage_notice_announce(visit: SignedInRequest) -> func.HttpResponse:
        draft = _draft(visit.form, registry.clock.now_ms())
        await registry.notices.publish(draft, by=visit.principal)
        return see_other(NOTICES_PATH)

    @bp.route("manage/notices/extend", methods=["POST"])
    @managing.form(again=overview)
    async def manage_notice_extend(visit: SignedInRequest) -> func.HttpResponse:
        until_ms = parse_time("until", visit.form.text("until"))
        notice = visit.form.text("notice")
        await registry.notices.extend(notice, until_ms, by=visit.principal)
        return see_other(NOTICES_PATH)

    @bp.route("manage/notices/end", methods=["POST"])
    @managing.form(again=overview)
    async def manage_notice_end(visit: SignedInRequest) -> func.HttpResponse:
        await registry.notices.end(visit.form.text("notice"), by=visit.principal)
        return see_other(NOTICES_PATH)

    return bp


def _draft(form: Form, now_ms: int) -> NoticeDraft:
    span = (form.text("from"), form.text("until"))
    text, mood = form.text("text"), form.text("mood")
    return NoticeDraft.parse(text, mood, form.text("link"), span=span, now_ms=now_ms)


def _typed(form: Form) -> dict[str, str]:
    """Return what the fields of a new notice hold: what was typed, or what most want."""
    typed = {name: form.text(name) for name in ("text", "link", "from", "until")}
    return {**typed, "mood": form.text("mood", NoticeKind.INFORMATION.value)}


READ_ONLY_PATH = "/manage/read-only"


def read_only_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of read-only mode."""
    bp, managing = func.Blueprint(), AdministratorPages(registry)

    async def overview(
        visit: SignedInRequest, problem: FormProblem | None = None
    ) -> func.HttpResponse:
        read_only = (await registry.notices.current(by=visit.principal)).read_only
        return visit.show(
            "manage/read_only.html",
            problem,
            read_only=read_only,
            now_ms=registry.clock.now_ms(),
            typed=visit.form.text("reason", read_only.reason if read_only else ""),
            most_of_a_reason=MAX_READ_ONLY_REASON_LENGTH,
        )

    @bp.route("manage/read-only", methods=["GET", "HEAD"])
    @managing.page
    async def manage_read_only(visit: SignedInRequest) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("manage/read-only/on", methods=["POST"])
    @managing.form_in_read_only_mode(again=overview)
    async def manage_read_only_on(visit: SignedInRequest) -> func.HttpResponse:
        await registry.notices.enter_read_only_mode(visit.form.text("reason"), by=visit.principal)
        return see_other(READ_ONLY_PATH)

    @bp.route("manage/read-only/off", methods=["POST"])
    @managing.form_in_read_only_mode(again=overview)
    async def manage_read_only_off(visit: SignedInRequest) -> func.HttpResponse:
        await registry.notices.leave_read_only_mode(by=visit.principal)
        return see_other(READ_ONLY_PATH)

    return bp
