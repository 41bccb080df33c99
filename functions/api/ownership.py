"""/api/v1/orgs/{org}/ownership-requests: members ask for the ownership of organizations without an
owner who can sign in, and administrators decide."""

from pydantic import AliasPath, Field

from functions.api.api_face import ApiCall, ApiFace, RequestModel, ResponseModel, UtcTime
from functions.api.moderation import ProposalView, waiting_answer
from shared.domain.text_lines import MAX_DESCRIPTION
from shared.runtime.answers import Answer
from shared.services.organizations.ownership import OwnershipDecision, OwnershipRequests
from shared.use_cases.second_administrator import decide_ownership


class NewOwnershipRequest(RequestModel):
    """Why the caller asks for the ownership."""

    reason: str = Field(
        max_length=MAX_DESCRIPTION, description="Owners and administrators read it."
    )


class OwnershipDecisionChange(RequestModel):
    """What an administrator decides."""

    decision: OwnershipDecision = Field(description="grant, after the notice, or refuse.")
    reason: str = Field(max_length=MAX_DESCRIPTION, description="Owners and the member read it.")


class OwnershipRequestView(ResponseModel):
    """A member who asks for the ownership."""

    org: str = Field(validation_alias=AliasPath("request", "org"))
    account: str = Field(validation_alias="name")
    id: str = Field(
        validation_alias=AliasPath("request", "account"), description="The id of the account."
    )
    reason: str = Field(validation_alias=AliasPath("request", "reason"))
    requested_at: UtcTime = Field(validation_alias=AliasPath("request", "requested_ms"))
    notice_until: UtcTime = Field(
        validation_alias=AliasPath("request", "notice_until_ms"),
        description="It is not granted before.",
    )


class OwnershipRequestList(ResponseModel):
    """Open requests, the oldest first."""

    requests: list[OwnershipRequestView]


class OwnerlessOrganizationView(ResponseModel):
    """An organization none of whose owners can sign in."""

    org: str
    since: UtcTime = Field(validation_alias="since_ms")
    reasons: list[str] = Field(description="Why each owner cannot sign in.")


class OwnerlessOrganizationList(ResponseModel):
    """Organizations without an owner who can sign in, by name."""

    organizations: list[OwnerlessOrganizationView]


ownership_api = ApiFace()


def _requests(call: ApiCall) -> OwnershipRequests:
    return call.registry.organizations.ownership_requests


@ownership_api.operation(
    "POST",
    "api/v1/orgs/{org}/ownership-requests",
    "Ask for the ownership of an organization without an owner who can sign in; for who has been a "
    "member for 30 days.",
    status=201,
    also=(409,),
)
async def api_ownership_request(call: ApiCall, new: NewOwnershipRequest) -> OwnershipRequestView:
    asked = await _requests(call).request(call.org, reason=new.reason, by=call.caller)
    return OwnershipRequestView.model_validate(asked)


@ownership_api.operation(
    "GET",
    "api/v1/orgs/{org}/ownership-requests",
    "List who asks for the ownership of an organization; for its members.",
)
async def api_ownership_list(call: ApiCall) -> OwnershipRequestList:
    found = await _requests(call).of_organization(call.org, by=call.caller)
    return OwnershipRequestList.model_validate({"requests": found})


@ownership_api.operation(
    "POST",
    "api/v1/orgs/{org}/ownership-requests/{account}/decision",
    "Make the member an owner, or refuse; for administrators who signed in recently. 202 with a "
    "proposal means that it waits for a second one.",
    also=(409,),
    status=204,
    waiting=ProposalView,
)
async def api_ownership_decide(call: ApiCall, sent: OwnershipDecisionChange) -> Answer | None:
    name = call.route_params["account"]
    proposal = await decide_ownership(
        call.registry, call.org, name, sent.decision, reason=sent.reason, by=call.caller
    )
    return waiting_answer(proposal) if proposal else None


@ownership_api.operation(
    "GET",
    "api/v1/ownership-requests",
    "List who asks for the ownership of any organization; for administrators.",
    also=(403,),
)
async def api_ownership_list_all(call: ApiCall) -> OwnershipRequestList:
    found = await _requests(call).all(by=call.caller)
    return OwnershipRequestList.model_validate({"requests": found})


@ownership_api.operation(
    "GET",
    "api/v1/ownerless-organizations",
    "List the organizations without an owner who can sign in; for administrators.",
    also=(403,),
)
async def api_ownership_ownerless(call: ApiCall) -> OwnerlessOrganizationList:
    found = await _requests(call).found(by=call.caller)
    return OwnerlessOrganizationList.model_validate({"organizations": found})
