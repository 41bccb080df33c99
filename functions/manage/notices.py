"""/manage/notices and /manage/read-only: notices on every page, and read-only mode."""

from functions.http.pages import see_other
from functions.http.requests import Form
from functions.http.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from shared.domain.errors.base import about_field
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
from shared.runtime.answers import Answer

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


pages = AdministratorPages()


@pages.read("manage/notices")
async def manage_notices(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    board = await call.registry.limits.notices.current(by=call.caller)
    now_ms, changing = call.now_ms, call.form.text("notice")
    return call.show(
        "manage/notices.html",
        problem,
        notices={stage.value: board.at_stage(stage, now_ms) for stage in NoticeStage},
        moods=[(mood.value, text) for mood, text in MOODS],
        typed=_form_values(Form() if changing else call.form),
        changing=changing,
        most_characters=MAX_NOTICE_LENGTH,
        most_of_a_link=MAX_NOTICE_LINK_LENGTH,
        shown_for=DEFAULT_NOTICE_PERIOD,
        longest=MAX_NOTICE_PERIOD,
        done=call.done(NOTICE_DONE_MESSAGES),
    )


def _form_values(form: Form) -> dict[str, str]:
    typed = {name: form.text(name) for name in ("text", "link", "from", "until")}
    return {**typed, "mood": form.text("mood", NoticeKind.INFORMATION.value)}


def _draft(form: Form, now_ms: int) -> NoticeDraft:
    span = (form.text("from"), form.text("until"))
    text, mood = form.text("text"), form.text("mood")
    return NoticeDraft.parse(text, mood, form.text("link"), span=span, now_ms=now_ms)


READ_ONLY_PATH = "/manage/read-only"


@pages.read("manage/read-only")
async def manage_read_only(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    read_only = (await call.registry.limits.notices.current(by=call.caller)).read_only
    return call.show(
        "manage/read_only.html",
        problem,
        read_only=read_only,
        typed=call.form.text("reason", read_only.reason if read_only else ""),
        most_of_a_reason=MAX_READ_ONLY_REASON_LENGTH,
        done=call.done(READ_ONLY_DONE_MESSAGES),
    )


@pages.form("manage/notices", manage_notices)
async def manage_notice_announce(call: SignedInCall) -> Answer:
    draft = _draft(call.form, call.registry.clock.now_ms())
    await call.registry.limits.notices.publish(draft, by=call.caller)
    return see_other(f"{NOTICES_PATH}?done=published")


@pages.form("manage/notices/extend", manage_notices)
async def manage_notice_extend(call: SignedInCall) -> Answer:
    until_ms = parse_time("until", call.form.text("until"))
    notice = call.form.text("notice")
    await call.registry.limits.notices.extend(notice, until_ms, by=call.caller)
    return see_other(f"{NOTICES_PATH}?done=changed")


@pages.form("manage/notices/end", manage_notices)
async def manage_notice_end(call: SignedInCall) -> Answer:
    await call.registry.limits.notices.end(call.form.text("notice"), by=call.caller)
    return see_other(f"{NOTICES_PATH}?done=ended")


@pages.form("manage/read-only/on", manage_read_only, works_in_read_only_mode=True)
async def manage_read_only_on(call: SignedInCall) -> Answer:
    with about_field("reason"):
        await call.registry.limits.notices.enter_read_only_mode(
            call.form.text("reason"), by=call.caller
        )
    return see_other(f"{READ_ONLY_PATH}?done=on")


@pages.form("manage/read-only/off", manage_read_only, works_in_read_only_mode=True)
async def manage_read_only_off(call: SignedInCall) -> Answer:
    await call.registry.limits.notices.leave_read_only_mode(by=call.caller)
    return see_other(f"{READ_ONLY_PATH}?done=off")


FACES = (pages,)
