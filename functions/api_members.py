"""/api/v1/orgs/{org}/members and …/pending: who is what, and which changes of owners wait."""

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
from shared.domain.rights import Role
from shared.registry import Registry
from shared.services.organizations import Member


class RoleChange(Request):
    """What a member is to be from now on."""

    role: Role


class PendingRoleView(Answer):
    """A change that waits for its time, and can be undone until then."""

    role: Role | None = Field(description="Null takes the member out.")
    at: datetime | None
    by: str = Field(description="The id of the account that decided it.")


class OrgMemberView(Answer):
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
            since=moment(member.membership.since_ms),
            pending=pending
            and PendingRoleView(role=pending.role, at=moment(pending.at_ms), by=pending.by),
        )


class OrgMemberList(Answer):
    """Members of an organization, by name."""

    members: list[OrgMemberView]

    @classmethod
    def of(cls, members: list[Member]) -> Self:
        """Show members."""
        return cls(members=[OrgMemberView.of(each) for each in members])


_REFUSALS = (400, 401, 403, 404)

OPERATIONS = (
    Operation(
        "api_members_list",
        "GET",
        "api/v1/orgs/{org}/members",
        "List the members of an organization; its members may.",
        200,
        answer=OrgMemberList,
        refusals=_REFUSALS,
    ),
    Operation(
        "api_members_show",
        "GET",
        "api/v1/orgs/{org}/members/{account}",
        "Show what somebody is in an organization; its members may.",
        200,
        answer=OrgMemberView,
        refusals=_REFUSALS,
    ),
    Operation(
        "api_members_set",
        "PUT",
        "api/v1/orgs/{org}/members/{account}",
        "Give a member another role; to make or unmake an owner takes 48 hours.",
        204,
        request=RoleChange,
        refusals=(*_REFUSALS, 409),
    ),
    Operation(
        "api_members_remove",
        "DELETE",
        "api/v1/orgs/{org}/members/{account}",
        "Take a member out, which takes 48 hours for an owner; or leave.",
        204,
        refusals=(*_REFUSALS, 409),
    ),
    Operation(
        "api_members_pending",
        "GET",
        "api/v1/orgs/{org}/pending",
        "List the members of whom a change waits for its time.",
        200,
        answer=OrgMemberList,
        refusals=_REFUSALS,
    ),
    Operation(
        "api_members_undo",
        "DELETE",
        "api/v1/orgs/{org}/pending/{account}",
        "Undo a change that waits for its time; any owner may.",
        204,
        refusals=_REFUSALS,
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
        org, role = org_of(req), body_as(RoleChange, req).role
        member = await organizations.member(org, _account(req), by=caller)
        await organizations.set_member(org, member, role, by=caller)
        return nothing()

    @bp.route("api/v1/orgs/{org}/members/{account}", methods=["DELETE"])
    @api_errors
    async def api_members_remove(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        org = org_of(req)
        member = await organizations.member(org, _account(req), by=caller)
        await organizations.remove_member(org, member, by=caller)
        return nothing()

    @bp.route("api/v1/orgs/{org}/pending", methods=["GET", "HEAD"])
    @api_errors
    async def api_members_pending(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return answer(OrgMemberList.of(await organizations.waiting(org_of(req), by=caller)))

    @bp.route("api/v1/orgs/{org}/pending/{account}", methods=["DELETE"])
    @api_errors
    async def api_members_undo(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        org = org_of(req)
        member = await organizations.member(org, _account(req), by=caller)
        await organizations.undo(org, member, by=caller)
        return nothing()

    return bp


def _account(req: func.HttpRequest) -> str:
    return req.route_params["account"]
