"""/manage/ownership: organizations without an owner who can sign in, and who asks for them."""

from functions.html.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from functions.manage.second_administrator import waiting_page
from shared.domain.errors.base import about_field
from shared.domain.names import parse_org
from shared.runtime.answers import Answer
from shared.services.organizations.ownership import OwnershipDecision
from shared.use_cases.second_administrator import decide_ownership

pages = AdministratorPages()
FACES = (pages,)


@pages.read("manage/ownership")
async def manage_ownership(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    requests = call.registry.organizations.ownership_requests
    return call.show(
        "manage/ownership.html",
        problem,
        found=await requests.found(by=call.caller),
        requests=await requests.all(by=call.caller),
    )


@pages.form("manage/ownership", manage_ownership, done="Decision saved. Members were notified.")
async def manage_ownership_decide(call: SignedInCall) -> Answer | None:
    form = call.form
    decision = form.choice("decision", OwnershipDecision, "Choose grant or refuse.")
    org = parse_org(form.text("org"))
    name = f"id:{form.text('account')}"
    reason = form.text("reason")
    with about_field("reason"):
        return waiting_page(
            await decide_ownership(
                call.registry, org, name, decision, reason=reason, by=call.caller
            )
        )
