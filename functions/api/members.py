"""/api/v1/orgs/{org}/members and …/invitations: members, pending role changes, invitations."""

from pydantic import AliasPath, Field

from functions.api.operations import (
    ApiCall,
    ApiFace,
    RequestModel,
    ResponseModel,
    Revealed,
    UtcTime,
)
from shared.domain.accounts import MAX_DISPLAY_NAME
from shared.domain.mail import MAX_EMAIL_LENGTH
from shared.domain.principals import Role
from shared.services.organizations.invitations import InvitationRequest, Invitations
from shared.services.organizations.memberships import Kept, Memberships
from shared.use_cases.inputs import Reason

_KEEP_MEANING = (
    "Become the maker of what an owner made here who is none any more; else it stops until an "
    "owner confirms it."
)


class RoleChange(Reason):
    """The new role of a member."""

    role: Role
    keep: bool = Field(default=False, description=_KEEP_MEANING)


class Removal(Reason):
    """What becomes of what the member made, and why; the body may be left out."""

    keep: bool = Field(default=False, description=_KEEP_MEANING)


class PendingRoleView(ResponseModel):
    """A change that waits for its time, and can be undone until then."""

    role: Role | None = Field(description="Null takes the member out.")
    at: UtcTime = Field(validation_alias="at_ms")
    by: str = Field(description="The id of the account that decided it.")
    on_hold: bool = Field(description="It does not take effect while that account is locked.")


class OrgMemberView(ResponseModel):
    """A member of an organization."""

    id: str = Field(validation_alias=AliasPath("membership", "account"))
    name: str
    role: Role = Field(validation_alias=AliasPath("membership", "role"))
    since: UtcTime = Field(validation_alias=AliasPath("membership", "since_ms"))
    role_by_hand: Role | None = Field(
        validation_alias=AliasPath("membership", "hand_role"),
        description="Null where only groups give one.",
    )
    role_by_groups: Role | None = Field(validation_alias=AliasPath("membership", "group_role"))
    groups: list[str] = Field(
        validation_alias=AliasPath("membership", "groups"), description="Those that give a role."
    )
    pending: PendingRoleView | None = Field(validation_alias=AliasPath("membership", "pending"))


class OrgMemberList(ResponseModel):
    """Members of an organization, by name."""

    members: list[OrgMemberView]


members_api = ApiFace()


def _memberships(call: ApiCall) -> Memberships:
    return call.registry.organizations.memberships


@members_api.operation(
    "GET", "api/v1/orgs/{org}/members", "List the members of an organization; for its members."
)
async def api_members_list(call: ApiCall) -> OrgMemberList:
    return OrgMemberList.model_validate(
        {"members": await _memberships(call).members(call.org, by=call.caller)}
    )


@members_api.operation(
    "PUT",
    "api/v1/orgs/{org}/members/{account}",
    "Change the role of a member; adding or removing an owner takes effect in 48 hours.",
    also=(409,),
)
async def api_members_set(call: ApiCall, sent: RoleChange) -> None:
    account = call.route_params["account"]
    await _memberships(call).change_role(
        call.org,
        account,
        sent.role,
        by=call.caller,
        kept=Kept.of(keep=sent.keep),
        reason=sent.reason,
    )


@members_api.operation(
    "DELETE",
    "api/v1/orgs/{org}/members/{account}",
    "Remove a member, or leave; removing an owner takes effect in 48 hours.",
    also=(409,),
)
async def api_members_remove(call: ApiCall, sent: Removal) -> None:
    account = call.route_params["account"]
    await _memberships(call).end_membership(
        call.org, account, by=call.caller, kept=Kept.of(keep=sent.keep), reason=sent.reason
    )


@members_api.operation(
    "DELETE", "api/v1/orgs/{org}/pending/{account}", "Cancel a pending change; for owners."
)
async def api_members_undo(call: ApiCall, sent: Reason) -> None:
    await _memberships(call).cancel_role_change(
        call.org, call.route_params["account"], by=call.caller, reason=sent.reason
    )


class NewInvitation(RequestModel):
    """An offer of a role, sent by mail to an address, or by a link."""

    role: Role
    email: str | None = Field(default=None, max_length=MAX_EMAIL_LENGTH)
    label: str = Field(
        default="",
        max_length=MAX_DISPLAY_NAME,
        description="What owners know a link by; of an address they see as much as tells whose.",
    )


class InvitationView(ResponseModel):
    """An open invitation, without its code."""

    id: str
    role: Role
    label: str
    by: str = Field(description="The id of the account that sent it.")
    created_at: UtcTime
    expires_at: UtcTime


class InvitationList(ResponseModel):
    """Open invitations, the newest first."""

    invitations: list[InvitationView]


class InvitedView(ResponseModel):
    """A new invitation."""

    invitation: InvitationView
    mailed: bool
    link: Revealed = Field(description="Shown this once; null where a mail holds it.")


invitations_api = ApiFace()


def _invitations(call: ApiCall) -> Invitations:
    return call.registry.organizations.invitations


@invitations_api.operation(
    "GET",
    "api/v1/orgs/{org}/invitations",
    "List the pending invitations of an organization; for its owners.",
)
async def api_invitations_list(call: ApiCall) -> InvitationList:
    found = await _invitations(call).pending(call.org, by=call.caller)
    return InvitationList.model_validate({"invitations": found})


@invitations_api.operation(
    "POST",
    "api/v1/orgs/{org}/invitations",
    "Invite somebody; the same address again gets a new code.",
    status=201,
    also=(409,),
)
async def api_invitations_send(call: ApiCall, new: NewInvitation) -> InvitedView:
    offer = InvitationRequest.parse(new.role, new.email, new.label)
    invited = await _invitations(call).invite(call.org, offer, by=call.caller)
    return InvitedView.model_validate(invited)


@invitations_api.operation("DELETE", "api/v1/orgs/{org}/invitations/{id}", "Revoke an invitation.")
async def api_invitations_withdraw(call: ApiCall, sent: Reason) -> None:
    invitation_id = call.route_params["id"]
    await _invitations(call).withdraw(call.org, invitation_id, by=call.caller, reason=sent.reason)
