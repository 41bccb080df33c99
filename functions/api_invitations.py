"""/api/v1/orgs/{org}/invitations, and /api/v1/invitations/… for whoever holds a code."""

from datetime import datetime
from typing import Self

import azure.functions as func
from pydantic import Field

from functions._api import (
    Answer,
    Operation,
    Request,
    answer,
    api_caller,
    api_errors,
    body_as,
    moment,
    nothing,
)
from functions.api_orgs import org_of
from shared.domain.invitations import CODE_LENGTH, Invitation
from shared.domain.mails import MAX_ADDRESS_LENGTH
from shared.domain.organizations import MAX_DISPLAY_NAME
from shared.domain.rights import Role
from shared.registry import Registry
from shared.services.inviting import Invited, Offer, Opened


class NewInvitation(Request):
    """What somebody is offered, and how: by mail to an address, or by a link."""

    role: Role
    email: str | None = Field(default=None, max_length=MAX_ADDRESS_LENGTH)
    label: str = Field(
        default="",
        max_length=MAX_DISPLAY_NAME,
        description="What owners know a link by; of an address they see as much as tells whose.",
    )


class InvitationCode(Request):
    """What the link of an invitation ends with; it is no part of a path, which others log."""

    code: str = Field(max_length=4 * CODE_LENGTH)


class InvitationView(Answer):
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
            created_at=moment(invitation.created_ms),
            expires_at=moment(invitation.expires_ms),
        )


class InvitationList(Answer):
    """Open invitations, the newest first."""

    invitations: list[InvitationView]


class InvitedView(Answer):
    """A new invitation."""

    invitation: InvitationView
    mailed: bool
    link: str | None = Field(description="Shown this once; null where a mail holds it.")

    @classmethod
    def of(cls, invited: Invited) -> Self:
        """Show a new invitation, with its secret."""
        return cls(
            invitation=InvitationView.of(invited.invitation),
            mailed=invited.mailed,
            link=invited.link.reveal() if invited.link else None,
        )


class OfferView(Answer):
    """What an invitation offers to whoever holds its code."""

    org: str
    display_name: str
    role: Role
    by: str = Field(description="The name of whoever sent it.")
    expires_at: datetime | None

    @classmethod
    def of(cls, opened: Opened) -> Self:
        """Show an opened invitation."""
        return cls(
            org=opened.organization.name,
            display_name=opened.organization.display_name,
            role=opened.invitation.role,
            by=opened.inviter.name,
            expires_at=moment(opened.invitation.expires_ms),
        )


class JoinedView(Answer):
    """Where the caller belongs to from now on."""

    org: str


_REFUSALS = (400, 401, 403, 404)

OPERATIONS = (
    Operation(
        "api_invitations_list",
        "GET",
        "api/v1/orgs/{org}/invitations",
        "List the open invitations of an organization; its owners may.",
        200,
        answer=InvitationList,
        refusals=_REFUSALS,
    ),
    Operation(
        "api_invitations_send",
        "POST",
        "api/v1/orgs/{org}/invitations",
        "Invite somebody; the same address again gets a new code.",
        201,
        request=NewInvitation,
        answer=InvitedView,
        refusals=(*_REFUSALS, 409),
    ),
    Operation(
        "api_invitations_withdraw",
        "DELETE",
        "api/v1/orgs/{org}/invitations/{id}",
        "Take an invitation back.",
        204,
        refusals=_REFUSALS,
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
        refusals=(*_REFUSALS, 409),
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


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of invitations."""
    bp = func.Blueprint()
    inviting = registry.inviting

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
        new = body_as(NewInvitation, req)
        offer = Offer.parse(new.role, new.email, new.label)
        return answer(InvitedView.of(await inviting.invite(org_of(req), offer, by=caller)), 201)

    @bp.route("api/v1/orgs/{org}/invitations/{id}", methods=["DELETE"])
    @api_errors
    async def api_invitations_withdraw(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        await inviting.withdraw(org_of(req), req.route_params["id"], by=caller)
        return nothing()

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
        return nothing()

    return bp


def _code(req: func.HttpRequest) -> str:
    return body_as(InvitationCode, req).code
