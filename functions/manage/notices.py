"""/manage/notices and /manage/read-only: the notice on every page, and read-only mode."""

from functions.http.pages import see_other
from functions.http.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from shared.domain.errors.base import about_field
from shared.domain.notices import (
    MAX_NOTICE_LENGTH,
    MAX_READ_ONLY_REASON_LENGTH,
)
from shared.runtime.answers import Answer

NOTICES_PATH = "/manage/notices"

# The messages after forms, by the names of their actions.
NOTICE_DONE_MESSAGES = {
    "published": "Notice published. It is visible within five seconds.",
    "ended": "Notice removed.",
}
READ_ONLY_DONE_MESSAGES = {
    "on": "Read-only mode turned on. All instances follow within five seconds.",
    "off": "Read-only mode turned off. All instances follow within five seconds.",
}

pages = AdministratorPages()


@pages.read("manage/notices")
async def manage_notices(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    notice = (await call.registry.limits.notices.current(by=call.caller)).notice
    return call.show(
        "manage/notices.html",
        problem,
        notice=notice,
        typed=call.form.text("text", notice),
        most_characters=MAX_NOTICE_LENGTH,
        done=call.done(NOTICE_DONE_MESSAGES),
    )


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
    with about_field("text"):
        await call.registry.limits.notices.publish(call.form.text("text"), by=call.caller)
    return see_other(f"{NOTICES_PATH}?done=published")


@pages.form("manage/notices/end", manage_notices)
async def manage_notice_end(call: SignedInCall) -> Answer:
    await call.registry.limits.notices.end(by=call.caller)
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
