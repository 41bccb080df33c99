"""/api/v1/orgs/{org}/members and …/invitations: members, pending role changes, invitations."""

from pydantic import AliasPath, Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, Revealed, UtcTime
from shared.domain.scopes import Role
from shared.services.organizations.invitations import IssuedInvitation
from shared.use_cases import invitations, members
from shared.use_cases.invitations import NamedInvitation
from shared.use_cases.members import NamedMember


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


@members_api.operation(
    "GET", "api/v1/orgs/{org}/members", "List the members of an organization; for its members."
)
async def api_members_list(call: ApiCall) -> OrgMemberList:
    return OrgMemberList.model_validate(
        {"members": await call.registry.organizations.memberships.members(call.org, by=call.caller)}
    )


def _member(call: ApiCall) -> NamedMember:
    return NamedMember(call.org, call.route_params["account"])


@members_api.use_case(
    members.change_role, "PUT", "api/v1/orgs/{org}/members/{account}", _member, also=(409,)
)
async def api_members_set(_: ApiCall, _done: None) -> None:
    """Answer with a 204."""


@members_api.use_case(
    members.remove, "DELETE", "api/v1/orgs/{org}/members/{account}", _member, also=(409,)
)
async def api_members_remove(_: ApiCall, _done: None) -> None:
    """Answer with a 204."""


@members_api.use_case(
    members.cancel_role_change, "DELETE", "api/v1/orgs/{org}/pending/{account}", _member
)
async def api_members_undo(_: ApiCall, _done: None) -> None:
    """Answer with a 204."""


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


@invitations_api.operation(
    "GET",
    "api/v1/orgs/{org}/invitations",
    "List the pending invitations of an organization; for its owners.",
)
async def api_invitations_list(call: ApiCall) -> InvitationList:
    found = await call.registry.organizations.invitations.pending(call.org, by=call.caller)
    return InvitationList.model_validate({"invitations": found})


def _invitation(call: ApiCall) -> NamedInvitation:
    return NamedInvitation(call.org, call.route_params["id"])


@invitations_api.use_case(
    invitations.invite,
    "POST",
    "api/v1/orgs/{org}/invitations",
    lambda call: call.org,
    status=201,
    also=(409,),
)
async def api_invitations_send(_: ApiCall, invited: IssuedInvitation) -> InvitedView:
    return InvitedView.model_validate(invited)


@invitations_api.use_case(
    invitations.revoke, "DELETE", "api/v1/orgs/{org}/invitations/{id}", _invitation
)
async def api_invitations_withdraw(_: ApiCall, _done: None) -> None:
    """Answer with a 204."""
