"""/api/v1/name-disputes: claims to names that others have, statements, decisions and appeals."""

from typing import Self

from pydantic import Field

from functions.api.api_face import (
    ApiCall,
    ApiFace,
    RequestModel,
    ResponseModel,
    UtcTime,
    utc_datetime,
)
from functions.api.moderation import ProposalView, waiting_answer
from functions.api.query_parameters import QueryParameter
from shared.domain.errors.base import NotFound, about_field
from shared.domain.name_disputes import (
    MAX_STATEMENT_LENGTH,
    DisputeAppeal,
    DisputeDecision,
    DisputeOutcome,
    DisputeState,
    Statement,
)
from shared.domain.proposals import Proposal
from shared.domain.text_lines import MAX_DESCRIPTION
from shared.runtime.answers import Answer
from shared.services.administration.name_disputes import DisputeDetails, NameDisputes
from shared.use_cases.second_administrator import decide_dispute


class NewDispute(RequestModel):
    """A claim to a name."""

    name: str = Field(description="The organization, or the package as org/name.")
    statement: str = Field(
        max_length=MAX_STATEMENT_LENGTH, description="What is claimed, and the evidence."
    )
    claimant: str | None = Field(
        default=None,
        description="The account that claims it, by its name; only administrators name another.",
    )


class NewStatement(RequestModel):
    """A statement of a party: an answer, or evidence."""

    text: str = Field(max_length=MAX_STATEMENT_LENGTH)


class NewDecision(RequestModel):
    """The decision about a claim."""

    outcome: DisputeOutcome
    reason: str = Field(max_length=MAX_DESCRIPTION, description="Both parties read it.")


class NewAppeal(RequestModel):
    """An appeal against a decision."""

    reason: str = Field(max_length=MAX_DESCRIPTION)


class StatementView(ResponseModel):
    """What a party or an administrator said."""

    at: UtcTime = Field(validation_alias="at_ms")
    by: str = Field(description="The account, or the operator.")
    text: str


class DecisionView(ResponseModel):
    """A decision, and who made it."""

    at: UtcTime = Field(validation_alias="at_ms")
    by: str
    outcome: DisputeOutcome
    reason: str


class AppealView(ResponseModel):
    """An appeal, and who made it."""

    at: UtcTime = Field(validation_alias="at_ms")
    by: str
    reason: str


class DisputeRow(ResponseModel):
    """A dispute in a list."""

    id: str
    name: str
    state: DisputeState
    opened_at: UtcTime
    notice_ends_at: UtcTime


class DisputeList(ResponseModel):
    """The disputes that the caller is a party of, the latest first."""

    disputes: list[DisputeRow]


class DisputeView(DisputeRow):
    """A dispute, for its parties and administrators."""

    claimant: str
    statements: list[StatementView]
    decision: DecisionView | None
    appeal: AppealView | None
    decision_on_appeal: DecisionView | None
    appeal_ends_at: UtcTime = Field(description="Null while nothing is decided.")

    @classmethod
    def of(cls, details: DisputeDetails) -> Self:
        dispute = details.dispute
        names = details.names

        def named(part: Statement | DisputeDecision | DisputeAppeal | None) -> object:
            return part and {**part.model_dump(), "by": names.get(part.by, part.by)}

        return cls.model_validate(
            {
                "id": dispute.id,
                "name": dispute.name,
                "state": details.state,
                "opened_ms": dispute.opened_ms,
                "notice_ends_ms": dispute.notice_ends_ms,
                "claimant": names.get(dispute.claimant, dispute.claimant),
                "statements": [named(each) for each in dispute.statements],
                "decision": named(dispute.decision),
                "appeal": named(dispute.appeal),
                "decision_on_appeal": named(dispute.decision_on_appeal),
                "appeal_ends_ms": dispute.appeal_ends_ms,
            }
        )


DISPUTE_ROUTE = "api/v1/name-disputes/{dispute}"

name_disputes_api = ApiFace()


def _disputes(call: ApiCall) -> NameDisputes:
    return call.registry.administration.name_disputes


@name_disputes_api.operation(
    "GET",
    "api/v1/name-disputes",
    "List the name disputes that you are a party of; `all=true` lists all, for administrators.",
    also=(403,),
    parameters=(
        QueryParameter("all", "Whether to list all, for administrators.", {"type": "boolean"}),
    ),
)
async def api_name_disputes_list(call: ApiCall) -> DisputeList:
    disputes = _disputes(call)
    now_ms = call.registry.clock.now_ms()
    if call.query.get("all", "") == "true":
        found = await disputes.all(by=call.caller)
    else:
        found = await disputes.own(by=call.caller)
    rows = [
        DisputeRow(
            id=each.id,
            name=each.name,
            state=each.state_at(now_ms),
            opened_at=utc_datetime(each.opened_ms),
            notice_ends_at=utc_datetime(each.notice_ends_ms),
        )
        for each in found
    ]
    return DisputeList(disputes=rows)


@name_disputes_api.operation(
    "POST",
    "api/v1/name-disputes",
    "Claim a name that others have; they have seven days to answer.",
    status=201,
    also=(404, 409),
)
async def api_name_disputes_open(call: ApiCall, new: NewDispute) -> DisputeView:
    claimant = None
    if new.claimant:
        with about_field("claimant", NotFound):
            claimant = await call.registry.identity.accounts.by_name_or_id(new.claimant)
    opened = await _disputes(call).open(new.name, new.statement, claimant, by=call.caller)
    return DisputeView.of(opened)


@name_disputes_api.operation(
    "GET", DISPUTE_ROUTE, "Show a name dispute; for its parties and administrators."
)
async def api_name_disputes_show(call: ApiCall) -> DisputeView:
    found = await _disputes(call).show(call.route_params["dispute"], by=call.caller)
    return DisputeView.of(found)


@name_disputes_api.operation(
    "POST",
    f"{DISPUTE_ROUTE}/statements",
    "Answer, or add evidence, while nothing is decided.",
    also=(400, 409),
)
async def api_name_disputes_state(call: ApiCall, new: NewStatement) -> DisputeView:
    dispute = call.route_params["dispute"]
    return DisputeView.of(await _disputes(call).state(dispute, new.text, by=call.caller))


@name_disputes_api.operation(
    "POST",
    f"{DISPUTE_ROUTE}/decision",
    "Decide a name dispute after its notice, or on an appeal; for administrators who signed in "
    "recently. 202 with a proposal means that it waits for a second one.",
    also=(400, 409),
    waiting=ProposalView,
)
async def api_name_disputes_decide(call: ApiCall, new: NewDecision) -> DisputeView | Answer:
    dispute = call.route_params["dispute"]
    decided = await decide_dispute(call.registry, dispute, new.outcome, new.reason, call.caller)
    return waiting_answer(decided) if isinstance(decided, Proposal) else DisputeView.of(decided)


@name_disputes_api.operation(
    "POST",
    f"{DISPUTE_ROUTE}/appeal",
    "Appeal against the decision as a party, within 14 days.",
    also=(400, 409),
)
async def api_name_disputes_appeal(call: ApiCall, new: NewAppeal) -> DisputeView:
    dispute = call.route_params["dispute"]
    return DisputeView.of(await _disputes(call).appeal(dispute, new.reason, by=call.caller))


@name_disputes_api.operation(
    "POST", f"{DISPUTE_ROUTE}/withdrawal", "Withdraw your claim to a name.", also=(409,)
)
async def api_name_disputes_withdraw(call: ApiCall) -> DisputeView:
    dispute = call.route_params["dispute"]
    return DisputeView.of(await _disputes(call).withdraw(dispute, by=call.caller))
