"""Members of an organization: changing a role, removing a member, and canceling a change that
waits."""

from typing import Annotated

from msgspec import Struct
from pydantic import Field

from shared.domain.names import OrgName
from shared.domain.principals import Principal
from shared.domain.scopes import Action, Role
from shared.registry import Registry
from shared.services.organizations.memberships import MadeItems
from shared.use_cases.inputs import FormField, Reason, choice, is_checked
from shared.use_cases.use_case import use_case

_Keep = Annotated[
    bool,
    FormField(read=is_checked),
    Field(
        description="Become the maker of what this owner made here, if they are no owner any "
        "more; otherwise it stops until an owner confirms it."
    ),
]
RoleField = Annotated[
    Role,
    FormField(
        "Role",
        read=choice(Role, "There is no such role. Choose owner, maintainer or member."),
    ),
]


class RoleChange(Reason):
    """The new role of a member."""

    role: RoleField
    keep: _Keep = False


class Removal(Reason):
    """What happens to what the member made, and why; the body may be left out."""

    keep: _Keep = False


class NamedMember(Struct, frozen=True):
    """The member of an organization that has an account with this id."""

    org: OrgName
    account: str


@use_case(
    "Change the role of a member; adding or removing an owner takes effect in 48 hours.",
    inputs=RoleChange,
    right=Action.GOVERN,
    done="Role changed. A change of owners that has to wait is shown as pending.",
)
async def change_role(
    registry: Registry, member: NamedMember, sent: RoleChange, by: Principal
) -> None:
    memberships = registry.organizations.memberships
    made = MadeItems.requested(keep=sent.keep)
    account = await memberships.member_account(member.org, member.account, by=by)
    await memberships.set_member(
        member.org, account, sent.role, by=by, made=made, reason=sent.reason
    )


@use_case(
    "Remove a member, or leave; removing an owner takes effect in 48 hours.",
    inputs=Removal,
    right=Action.GOVERN,
    done="Member removed. The removal of an owner that has to wait is shown as pending.",
)
async def remove(registry: Registry, member: NamedMember, sent: Removal, by: Principal) -> None:
    memberships = registry.organizations.memberships
    made = MadeItems.requested(keep=sent.keep)
    account = await memberships.member_account(member.org, member.account, by=by)
    await memberships.remove_member(member.org, account, by=by, made=made, reason=sent.reason)


@use_case(
    "Cancel a pending change; for owners.",
    inputs=Reason,
    right=Action.GOVERN,
    done="Change canceled.",
)
async def cancel_role_change(
    registry: Registry, member: NamedMember, sent: Reason, by: Principal
) -> None:
    memberships = registry.organizations.memberships
    account = await memberships.member_account(member.org, member.account, by=by)
    await memberships.cancel_change(member.org, account, by=by, reason=sent.reason)
