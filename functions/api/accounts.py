"""/api/v1/accounts/{account}: what an account has and made, for administrators."""

from collections.abc import Sequence
from typing import Self

from pydantic import AliasPath, Field

from functions.api.api_face import ApiCall, ApiFace, RequestModel, ResponseModel, UtcTime
from functions.api.tokens import TokenView
from shared.domain.accounts import Account
from shared.domain.scopes import Role
from shared.domain.text_lines import MAX_DESCRIPTION
from shared.services.administration.account_rights import RightSource
from shared.services.administration.leaving import REASON, LeaveRequest, LeaversStatement
from shared.services.organizations.made_by_accounts import MadeKind


class MadeView(ResponseModel):
    """Something that the account made for an organization; without one, a token of the account
    itself, a webhook of the registry or a token of a directory."""

    kind: MadeKind
    org: str
    id: str = Field(description="For a change of owners, the id of the account that it is about.")
    name: str = Field(description="Empty for an invitation of whoever has the link.")
    described: str = Field(description="A few words that name it for people.")
    created_at: UtcTime = Field(description="Null for a change of owners.")


class LeaverSessionView(ResponseModel):
    """A browser that is signed in."""

    id: str
    provider: str
    agent: str
    address: str
    signed_in_at: UtcTime


class LeaverIdentityView(ResponseModel):
    """A way to sign in."""

    provider: str
    label: str
    linked_at: UtcTime


class LeaverRoleView(ResponseModel):
    """A role in an organization."""

    org: str
    role: Role
    since: UtcTime = Field(validation_alias="since_ms")


class LeaverReleaseView(ResponseModel):
    """A release of the last 90 days, and the id of the credential that published it."""

    release: str
    published_at: UtcTime = Field(validation_alias="at_ms")
    credential: str


class LeaversStatementView(ResponseModel):
    """All that one person has and made in the registry, and what was done about it."""

    id: str
    name: str
    administrator: bool
    locked: bool
    stated_at: UtcTime
    tokens: list[TokenView]
    made: list[MadeView]
    sessions: list[LeaverSessionView]
    identities: list[LeaverIdentityView]
    roles: list[LeaverRoleView]
    sole_owner_of: list[str] = Field(description="Organizations where no other owner can sign in.")
    releases: list[LeaverReleaseView]
    done: list[str] = Field(description="What was done, a sentence each; empty if nothing was.")

    @classmethod
    def of(cls, statement: LeaversStatement, done: Sequence[str] = ()) -> Self:
        account = statement.account
        return cls.model_validate(
            {
                "id": account.id,
                "name": account.name,
                "administrator": account.administrator,
                "locked": account.is_locked,
                "stated_ms": statement.at_ms,
                "tokens": [TokenView.of(each) for each in statement.tokens],
                "made": statement.made,
                "sessions": statement.sessions,
                "identities": statement.identities,
                "roles": statement.memberships,
                "sole_owner_of": statement.sole_owner_of,
                "releases": statement.releases,
                "done": done,
            }
        )


class AccountRightView(ResponseModel):
    """A right of an account, and why it has it."""

    right: str = Field(description="A role in an organization, or what it is in the registry.")
    org: str = Field(description="Empty for a right in the whole registry.")
    source: RightSource = Field(
        description="hand: somebody gave it; group: a group that a provider says; scim: a group "
        "that a directory pushes; setting: BALLROOM_STAFF."
    )
    groups: list[str]
    until: UtcTime = Field(
        validation_alias="until_ms",
        description="When it ends unless a sign-in confirms it; null for no end.",
    )


class AccountRightsView(ResponseModel):
    """What an account can do and why; nothing while it is locked."""

    id: str = Field(validation_alias=AliasPath("account", "id"))
    name: str = Field(validation_alias=AliasPath("account", "name"))
    locked: bool = Field(validation_alias=AliasPath("account", "is_locked"))
    provisioned_by: list[str] = Field(description="Directories that provision it by SCIM.")
    rights: list[AccountRightView]


class Leave(RequestModel):
    """What happens to what the person has and made."""

    end: bool = Field(
        default=False,
        description="Lock the account, and end its sessions, tokens, invitations and roles.",
    )
    hand_over: str | None = Field(
        default=None, description="The id of the account that takes over; before the end."
    )
    reason: str = Field(
        default=REASON, max_length=MAX_DESCRIPTION, description="The reason of the lock."
    )


accounts_api = ApiFace()


@accounts_api.operation(
    "GET",
    "api/v1/accounts/{account}/statement",
    "Show all that an account has and made; for administrators.",
)
async def api_accounts_statement(call: ApiCall) -> LeaversStatementView:
    leaving = call.registry.administration.leaving
    return LeaversStatementView.of(await leaving.statement(await _account(call), by=call.caller))


@accounts_api.operation(
    "GET",
    "api/v1/accounts/{account}/rights",
    "Show what an account can do and why; for administrators.",
)
async def api_accounts_rights(call: ApiCall) -> AccountRightsView:
    rights = call.registry.administration.account_rights
    found = await rights.of(await _account(call), by=call.caller)
    return AccountRightsView.model_validate(found)


@accounts_api.operation(
    "POST",
    "api/v1/accounts/{account}/leave",
    "End what an account has, and hand over what it made; for administrators who signed in "
    "recently.",
    also=(409,),
)
async def api_accounts_leave(call: ApiCall, sent: Leave) -> LeaversStatementView:
    leaving = call.registry.administration.leaving
    authorization = call.registry.rights.registry_authorization
    await authorization.require_fresh(call.caller, "end", "what others have")
    account = await _account(call)
    statement = await leaving.statement(account, by=call.caller)
    accounts = call.registry.identity.accounts
    successor = await accounts.by_id(sent.hand_over) if sent.hand_over else None
    request = LeaveRequest(sent.end, successor, sent.reason)
    done = await leaving.leave(account, request, by=call.caller)
    return LeaversStatementView.of(statement, done)


async def _account(call: ApiCall) -> Account:
    """Return the account of the path to administrators and auditors; raise `account-not-found`."""
    await call.registry.rights.registry_authorization.require_auditor(
        call.caller, "see", "the accounts of others"
    )
    return await call.registry.identity.accounts.by_id(call.route_params["account"])
