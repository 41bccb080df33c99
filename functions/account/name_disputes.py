"""/account/disputes: name disputes of a party: claims, answers, appeals."""

from functions.html.pages import see_other
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.errors.base import NotFound, about_field
from shared.domain.name_disputes import MAX_STATEMENT_LENGTH
from shared.domain.token_redaction import redact_tokens
from shared.runtime.answers import Answer
from shared.services.administration.name_disputes import NameDisputes

DISPUTES_PATH = "/account/disputes"
DISPUTE_ROUTE = "account/disputes/{dispute}"

pages = SignedInPages()
FACES = (pages,)


def _disputes(call: SignedInCall) -> NameDisputes:
    return call.registry.administration.name_disputes


@pages.read("account/disputes")
async def account_disputes(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    return call.show(
        "account/disputes.html",
        problem,
        disputes=await _disputes(call).own(by=call.caller),
        name=redact_tokens(call.params.get("name", "")),
        most=MAX_STATEMENT_LENGTH,
    )


@pages.form(
    "account/disputes",
    account_disputes,
    done={"dispute-opened": "Dispute opened. Both parties were notified by email."},
)
async def account_dispute_open(call: SignedInCall) -> Answer:
    form = call.form
    with about_field("name", NotFound):
        opened = await _disputes(call).open(
            form.text("name"), form.text("statement"), by=call.caller
        )
    return see_other(f"{DISPUTES_PATH}/{opened.dispute.id}?done=dispute-opened")


@pages.read(DISPUTE_ROUTE)
async def account_dispute(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    shown = await _disputes(call).show(call.route_params["dispute"], by=call.caller)
    return call.show("account/dispute.html", problem, shown=shown, most=MAX_STATEMENT_LENGTH)


@pages.form(
    f"{DISPUTE_ROUTE}/statements",
    account_dispute,
    done="Statement added. Both parties were notified by email.",
)
async def account_dispute_state(call: SignedInCall) -> None:
    dispute = call.route_params["dispute"]
    text = call.form.text("statement")
    await _disputes(call).state(dispute, text, by=call.caller)


@pages.form(
    f"{DISPUTE_ROUTE}/appeal", account_dispute, done="Appeal sent. An administrator decides on it."
)
async def account_dispute_appeal(call: SignedInCall) -> None:
    dispute = call.route_params["dispute"]
    reason = call.form.text("reason")
    await _disputes(call).appeal(dispute, reason, by=call.caller)


@pages.form(f"{DISPUTE_ROUTE}/withdraw", account_dispute, done="Claim withdrawn.")
async def account_dispute_withdraw(call: SignedInCall) -> None:
    await _disputes(call).withdraw(call.route_params["dispute"], by=call.caller)
