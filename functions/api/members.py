"""/api/v1/orgs/{org}/members and …/invitations: members, pending role changes, invitations."""

from datetime import datetime
from typing import Self

import azure.functions as func
from pydantic import Field

from functions.api.operations import (
    Operation,
    RequestModel,
    ResponseModel,
    answer,
    api_caller,
    no_content_response,
    parse_body,
    utc_datetime,
)
from functions.api.organizations import org_of
from functions.http.handlers import api_errors
from shared.composition import Registry
from shared.domain.mail import MAX_EMAIL_LENGTH
from shared.domain.members import INVITATION_CODE_LENGTH, Invitation
from shared.domain.organizations import MAX_DISPLAY_NAME
from shared.domain.rights import Role
from shared.services.invitations import InvitationDetails, InvitationRequest, IssuedInvitation
from shared.services.organizations import Member


class RoleChange(RequestModel):
    """What a member is to be from now on."""

    role: Role


class PendingRoleView(ResponseModel):
    """A change that waits for its time, and can be undone until then."""

    role: Role | None = Field(description="Null takes the member out.")
    at: datetime | None
    by: str = Field(description="The id of the account that decided it.")


class OrgMemberView(ResponseModel):
    """A member of an organization."""

    id: str
    name: str
    role: Role
    since: datetime | None
    pending: PendingRoleView | None

    @classmethod
    def of(cls, member: Member) -> Self:
        """Show a member."""
        pending = member.membership.pending
        return cls(
            id=member.membership.account,
            name=member.name,
            role=member.membership.role,
            since=utc_datetime(member.membership.since_ms),
            pending=pending
            and PendingRoleView(role=pending.role, at=utc_datetime(pending.at_ms), by=pending.by),
        )


class OrgMemberList(ResponseModel):
    """Members of an organization, by name."""

    members: list[OrgMemberView]

    @classmethod
    def of(cls, members: list[Member]) -> Self:
        """Show members."""
        return cls(members=[OrgMemberView.of(each) for each in members])


_MEMBER_REFUSALS = (400, 401, 403, 404)

MEMBER_OPERATIONS = (
    Operation(
        "api_members_list",
        "GET",
        "api/v1/orgs/{org}/members",
        "List the members of an organization; its members may.",
        200,
        answer=OrgMemberList,
        refusals=_MEMBER_REFUSALS,
    ),
    Operation(
        "api_members_show",
        "GET",
        "api/v1/orgs/{org}/members/{account}",
        "Show what somebody is in an organization; its members may.",
        200,
        answer=OrgMemberView,
        refusals=_MEMBER_REFUSALS,
    ),
    Operation(
        "api_members_set",
        "PUT",
        "api/v1/orgs/{org}/members/{account}",
        "Give a member another role; to make or unmake an owner takes 48 hours.",
        204,
        request=RoleChange,
        refusals=(*_MEMBER_REFUSALS, 409),
    ),
    Operation(
        "api_members_remove",
        "DELETE",
        "api/v1/orgs/{org}/members/{account}",
        "Take a member out, which takes 48 hours for an owner; or leave.",
        204,
        refusals=(*_MEMBER_REFUSALS, 409),
    ),
    Operation(
        "api_members_pending",
        "GET",
        "api/v1/orgs/{org}/pending",
        "List the members of whom a change waits for its time.",
        200,
        answer=OrgMemberList,
        refusals=_MEMBER_REFUSALS,
    ),
    Operation(
        "api_members_undo",
        "DELETE",
        "api/v1/orgs/{org}/pending/{account}",
        "Undo a change that waits for its time; any owner may.",
        204,
        refusals=_MEMBER_REFUSALS,
    ),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of members."""
    bp = func.Blueprint()
    organizations = registry.organizations

    @bp.route("api/v1/orgs/{org}/members", methods=["GET", "HEAD"])
    @api_errors
    async def api_members_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return answer(OrgMemberList.of(await organizations.members(org_of(req), by=caller)))

    @bp.route("api/v1/orgs/{org}/members/{account}", methods=["GET", "HEAD"])
    @api_errors
    async def api_members_show(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        member = await organizations.show_member(org_of(req), _account(req), by=caller)
        return answer(OrgMemberView.of(member))

    @bp.route("api/v1/orgs/{org}/members/{account}", methods=["PUT"])
    @api_errors
    async def api_members_set(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        org, role = org_of(req), parse_body(RoleChange, req).role
        member = await organizations.member_account(org, _account(req), by=caller)
        await organizations.set_member(org, member, role, by=caller)
        return no_content_response()

    @bp.route("api/v1/orgs/{org}/members/{account}", methods=["DELETE"])
    @api_errors
    async def api_members_remove(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        org = org_of(req)
        member = await organizations.member_account(org, _account(req), by=caller)
        await organizations.remove_member(org, member, by=caller)
        return no_content_response()

    @bp.route("api/v1/orgs/{org}/pending", methods=["GET", "HEAD"])
    @api_errors
    async def api_members_pending(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return answer(OrgMemberList.of(await organizations.pending_changes(org_of(req), by=caller)))

    @bp.route("api/v1/orgs/{org}/pending/{account}", methods=["DELETE"])
    @api_errors
    async def api_members_undo(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        org = org_of(req)
        member = await organizations.member_account(org, _account(req), by=caller)
        await organizations.cancel_change(org, member, by=caller)
        return no_content_response()

    return bp


def _account(req: func.HttpRequest) -> str:
    return req.route_params["account"]


class NewInvitation(RequestModel):
    """What somebody is offered, and how: by mail to an address, or by a link."""

    role: Role
    email: str | None = Field(default=None, max_length=MAX_EMAIL_LENGTH)
    label: str = Field(
        default="",
        max_length=MAX_DISPLAY_NAME,
        description="What owners know a link by; of an address they see as much as tells whose.",
    )


class InvitationCode(RequestModel):
    """What the link of an invitation ends with; it is no part of a path, which others log."""

    code: str = Field(max_length=4 * INVITATION_CODE_LENGTH)


class InvitationView(ResponseModel):
    """An open invitation, without its code."""

    id: str
    role: Role
    label: str
    by: str = Field(description="The id of the account that sent it.")
    created_at: datetime | None
    expires_at: datetime | None

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        """Show an invitation."""
        return cls(
            id=invitation.id,
            role=invitation.role,
            label=invitation.label,
            by=invitation.by,
            created_at=utc_datetime(invitation.created_ms),
            expires_at=utc_datetime(invitation.expires_ms),
        )


class InvitationList(ResponseModel):
    """Open invitations, the newest first."""

    invitations: list[InvitationView]


class InvitedView(ResponseModel):
    """A new invitation."""

    invitation: InvitationView
    mailed: bool
    link: str | None = Field(description="Shown this once; null where a mail holds it.")

    @classmethod
    def of(cls, invited: IssuedInvitation) -> Self:
        """Show a new invitation, with its secret."""
        return cls(
            invitation=InvitationView.of(invited.invitation),
            mailed=invited.mailed,
            link=invited.link.reveal() if invited.link else None,
        )


class OfferView(ResponseModel):
    """What an invitation offers to whoever holds its code."""

    org: str
    display_name: str
    role: Role
    by: str = Field(description="The name of whoever sent it.")
    expires_at: datetime | None

    @classmethod
    def of(cls, opened: InvitationDetails) -> Self:
        """Show an opened invitation."""
        return cls(
            org=opened.organization.name,
            display_name=opened.organization.display_name,
            role=opened.invitation.role,
            by=opened.inviter.name,
            expires_at=utc_datetime(opened.invitation.expires_ms),
        )


class JoinedView(ResponseModel):
    """Where the caller belongs to from now on."""

    org: str


_INVITATION_REFUSALS = (400, 401, 403, 404)

INVITATION_OPERATIONS = (
    Operation(
        "api_invitations_list",
        "GET",
        "api/v1/orgs/{org}/invitations",
        "List the open invitations of an organization; its owners may.",
        200,
        answer=InvitationList,
        refusals=_INVITATION_REFUSALS,
    ),
    Operation(
        "api_invitations_send",
        "POST",
        "api/v1/orgs/{org}/invitations",
        "Invite somebody; the same address again gets a new code.",
        201,
        request=NewInvitation,
        answer=InvitedView,
        refusals=(*_INVITATION_REFUSALS, 409),
    ),
    Operation(
        "api_invitations_withdraw",
        "DELETE",
        "api/v1/orgs/{org}/invitations/{id}",
        "Take an invitation back.",
        204,
        refusals=_INVITATION_REFUSALS,
    ),
    Operation(
        "api_invitations_show",
        "POST",
        "api/v1/invitations/show",
        "Show what a code offers.",
        200,
        request=InvitationCode,
        answer=OfferView,
        refusals=(400, 401, 404),
    ),
    Operation(
        "api_invitations_accept",
        "POST",
        "api/v1/invitations/accept",
        "Become what a code offers; to own the organization takes 48 hours.",
        200,
        request=InvitationCode,
        answer=JoinedView,
        refusals=(*_INVITATION_REFUSALS, 409),
    ),
    Operation(
        "api_invitations_decline",
        "POST",
        "api/v1/invitations/decline",
        "Decline what a code offers, which ends it.",
        204,
        request=InvitationCode,
        refusals=(400, 401, 404),
    ),
)


def invitations_blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of invitations."""
    bp = func.Blueprint()
    inviting = registry.invitations

    @bp.route("api/v1/orgs/{org}/invitations", methods=["GET", "HEAD"])
    @api_errors
    async def api_invitations_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        found = await inviting.pending(org_of(req), by=caller)
        return answer(InvitationList(invitations=[InvitationView.of(each) for each in found]))

    @bp.route("api/v1/orgs/{org}/invitations", methods=["POST"])
    @api_errors
    async def api_invitations_send(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        new = parse_body(NewInvitation, req)
        offer = InvitationRequest.parse(new.role, new.email, new.label)
        return answer(InvitedView.of(await inviting.invite(org_of(req), offer, by=caller)), 201)

    @bp.route("api/v1/orgs/{org}/invitations/{id}", methods=["DELETE"])
    @api_errors
    async def api_invitations_withdraw(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        await inviting.withdraw(org_of(req), req.route_params["id"], by=caller)
        return no_content_response()

    @bp.route("api/v1/invitations/show", methods=["POST"])
    @api_errors
    async def api_invitations_show(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return answer(OfferView.of(await inviting.show(_code(req), by=caller)))

    @bp.route("api/v1/invitations/accept", methods=["POST"])
    @api_errors
    async def api_invitations_accept(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        joined = await inviting.accept(_code(req), by=caller)
        return answer(JoinedView(org=joined.name))

    @bp.route("api/v1/invitations/decline", methods=["POST"])
    @api_errors
    async def api_invitations_decline(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        await inviting.decline(_code(req), by=caller)
        return no_content_response()

    return bp


def _code(req: func.HttpRequest) -> str:
    return parse_body(InvitationCode, req).code
