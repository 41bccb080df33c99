"""/manage/names/disputes and /manage/names/policy: name disputes, which administrators decide, and
the policy for names."""

from functions.html.name_policy import default_policy
from functions.html.pages import see_other
from functions.html.signed_in_pages import AdministratorPages, FormProblem, SignedInCall
from functions.manage.second_administrator import waiting_page
from shared.domain.errors.base import NotFound, about_field
from shared.domain.name_disputes import MAX_STATEMENT_LENGTH, DisputeOutcome
from shared.domain.policies import MAX_POLICY_LENGTH
from shared.runtime.answers import Answer
from shared.services.administration.name_disputes import NameDisputes
from shared.use_cases.second_administrator import decide_dispute

DISPUTES_PATH = "/manage/names/disputes"
DISPUTE_ROUTE = "manage/names/disputes/{dispute}"

pages = AdministratorPages()
FACES = (pages,)


def _disputes(call: SignedInCall) -> NameDisputes:
    return call.registry.administration.name_disputes


@pages.read("manage/names/disputes")
async def manage_disputes(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    disputes = await _disputes(call).all(by=call.caller)
    return call.show("manage/disputes.html", problem, disputes=disputes, most=MAX_STATEMENT_LENGTH)


@pages.form("manage/names/disputes", manage_disputes)
async def manage_dispute_open(call: SignedInCall) -> Answer:
    form = call.form
    with about_field("claimant", NotFound):
        claimant = await call.registry.identity.accounts.by_name_or_id(form.text("claimant"))
    with about_field("name", NotFound):
        opened = await _disputes(call).open(
            form.text("name"), form.text("statement"), claimant, by=call.caller
        )
    return see_other(f"{DISPUTES_PATH}/{opened.dispute.id}?done=dispute-opened")


@pages.read(DISPUTE_ROUTE)
async def manage_dispute(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    shown = await _disputes(call).show(call.route_params["dispute"], by=call.caller)
    return call.show("manage/dispute.html", problem, shown=shown, most=MAX_STATEMENT_LENGTH)


@pages.form(
    f"{DISPUTE_ROUTE}/statements",
    manage_dispute,
    done="Statement added. Both parties were notified by email.",
    requires_recent_sign_in=False,
)
async def manage_dispute_state(call: SignedInCall) -> None:
    dispute = call.route_params["dispute"]
    text = call.form.text("statement")
    await _disputes(call).state(dispute, text, by=call.caller)


@pages.form(
    f"{DISPUTE_ROUTE}/decision",
    manage_dispute,
    done="Dispute decided. Both parties were notified by email.",
)
async def manage_dispute_decide(call: SignedInCall) -> Answer | None:
    dispute = call.route_params["dispute"]
    reason = call.form.text("reason")
    outcome = call.form.choice("outcome", DisputeOutcome, "Choose a decision: granted or denied.")
    return waiting_page(await decide_dispute(call.registry, dispute, outcome, reason, call.caller))


@pages.read("manage/names/policy")
async def manage_policy(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    policy = await call.registry.administration.policies.of_names()
    return call.show(
        "manage/policy.html",
        problem,
        policy=policy,
        text=call.form.text("text") or (policy.text if policy else default_policy()),
        most=MAX_POLICY_LENGTH,
    )


@pages.form("manage/names/policy", manage_policy, done="Policy saved.")
async def manage_policy_replace(call: SignedInCall) -> None:
    text = call.form.text("text")
    await call.registry.administration.policies.replace(text, by=call.caller)


@pages.form("manage/names/policy/reset", manage_policy, done="The default text is shown again.")
async def manage_policy_reset(call: SignedInCall) -> None:
    await call.registry.administration.policies.reset(by=call.caller)
