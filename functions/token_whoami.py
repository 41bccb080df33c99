"""/api/v1/whoami: who one is, by the credential that one sends."""

from datetime import datetime
from typing import Self

import azure.functions as func

from functions._api import Answer, Operation, answer, api_caller, api_errors, moment
from functions.token import GrantView
from shared.domain.identity import Principal
from shared.registry import Registry
from shared.services.accounts import Profile


class MemberView(Answer):
    """What the caller is in an organization."""

    org: str
    role: str


class WhoamiView(Answer):
    """Whose token it is, an account's or an organization's, and what it allows."""

    id: str
    name: str
    administrator: bool
    grants: list[GrantView]
    expires_at: datetime | None
    organizations: list[MemberView]

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """Show a profile."""
        return cls(
            id=profile.account.id,
            name=profile.account.name,
            administrator=profile.account.administrator,
            grants=[GrantView.of(grant) for grant in profile.principal.grants],
            expires_at=moment(profile.principal.expires_ms),
            organizations=[
                MemberView(org=each.org, role=each.role.value) for each in profile.memberships
            ],
        )

    @classmethod
    def of_machine(cls, principal: Principal) -> Self:
        """Show a credential that brings its own roles, and has no account."""
        return cls(
            id=principal.id,
            name=principal.holdings[0].org,
            administrator=False,
            grants=[GrantView.of(grant) for grant in principal.allowances],
            expires_at=moment(principal.expires_ms),
            organizations=[
                MemberView(org=each.org, role=each.role.value) for each in principal.holdings
            ],
        )


OPERATIONS = (
    Operation(
        "token_whoami",
        "GET",
        "api/v1/whoami",
        "Say who the token belongs to.",
        200,
        answer=WhoamiView,
    ),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that tells who asks."""
    bp = func.Blueprint()

    @bp.route("api/v1/whoami", methods=["GET", "HEAD"])
    @api_errors
    async def token_whoami(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        if caller.holdings:
            return answer(WhoamiView.of_machine(caller))
        return answer(WhoamiView.of(await registry.accounts.profile(caller)))

    return bp
