"""Invitations to an organization: sending and revoking one."""

from typing import Annotated

from msgspec import Struct
from pydantic import Field

from shared.domain.mail import MAX_EMAIL_LENGTH
from shared.domain.names import OrgName
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.domain.text_lines import MAX_DISPLAY_NAME
from shared.registry import Registry
from shared.services.organizations.invitations import InvitationRequest, IssuedInvitation
from shared.use_cases.inputs import FormField, Inputs, Reason, optional_text
from shared.use_cases.members import RoleField
from shared.use_cases.use_case import use_case


class NewInvitation(Inputs):
    """An offer of a role, sent by mail to an address, or by a link."""

    role: RoleField
    email: Annotated[
        str | None,
        FormField(
            "Email address",
            hint="Optional. Without one, you get a link to send yourself",
            read=optional_text,
        ),
    ] = Field(default=None, max_length=MAX_EMAIL_LENGTH)
    label: Annotated[
        str,
        FormField(
            "Label",
            hint="Optional. Shown in the list of pending invitations, such as: Kim, web team",
        ),
    ] = Field(
        default="",
        max_length=MAX_DISPLAY_NAME,
        description="How owners recognize a link; of a mail address they see only a part.",
    )


class NamedInvitation(Struct, frozen=True):
    """The invitation of an organization with this id."""

    org: OrgName
    id: str


# An invitation as a member takes no recent sign-in, but pages ask for one, whatever the role.
@use_case(
    "Invite somebody; the same address again gets a new code.",
    inputs=NewInvitation,
    right=Action.GOVERN,
    shown_once="link",
)
async def invite(
    registry: Registry, org: OrgName, new: NewInvitation, by: Principal
) -> IssuedInvitation:
    wanted = InvitationRequest.parse(new.role, new.email, new.label)
    return await registry.organizations.invitations.invite(org, wanted, by=by)


@use_case(
    "Revoke an invitation.",
    inputs=Reason,
    right=Action.MANAGE,
    done="Invitation revoked. Its link no longer works.",
)
async def revoke(
    registry: Registry, invitation: NamedInvitation, sent: Reason, by: Principal
) -> None:
    invitations = registry.organizations.invitations
    await invitations.revoke(invitation.org, invitation.id, by=by, reason=sent.reason)
