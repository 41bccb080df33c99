"""/manage/directory-locks: accounts of people who are disabled or gone in Entra ID."""

from functions.html.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from shared.domain.errors.base import about_field
from shared.runtime.answers import Answer
from shared.services.administration.directory_locks import ALL_WHO_WAIT, DirectoryDecision

DECISIONS = (
    (DirectoryDecision.LOCK.value, "Lock"),
    (DirectoryDecision.KEEP.value, "Keep, whatever the directory says"),
    (DirectoryDecision.FOLLOW.value, "Follow the directory again"),
)

pages = AdministratorPages()
FACES = (pages,)


@pages.read("manage/directory-locks")
async def manage_directory_locks(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    return call.show(
        "manage/directory_locks.html",
        problem,
        settings=call.registry.settings,
        found=await call.registry.administration.directory_locks.found(by=call.caller),
        all_who_wait=ALL_WHO_WAIT,
        decisions=DECISIONS,
        chosen=call.form.all("account"),
        decision=call.form.text("decision", DirectoryDecision.LOCK.value),
    )


@pages.form(
    "manage/directory-locks",
    manage_directory_locks,
    done="Decision saved. Accounts are locked and unlocked everywhere within five seconds.",
)
async def manage_directory_locks_decide(call: SignedInCall) -> None:
    locks = call.registry.administration.directory_locks
    form = call.form
    decision = form.choice("decision", DirectoryDecision, "Choose one of the decisions.")
    names = [each if each == ALL_WHO_WAIT else f"id:{each}" for each in form.all("account")]
    with about_field("reason"):
        await locks.decide(names, decision, reason=form.text("reason"), by=call.caller)
