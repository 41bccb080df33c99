"""/account: the account's first page, the settings of `bal`, everything that is stored about a
person, and account deletion; /dashboard, which Ballerina's documentation names."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import AliasPath, Field

from functions.api.api_face import ResponseModel, UtcTime, utc_datetime
from functions.api.audit_log import EventView
from functions.api.following import FollowView
from functions.api.name_disputes import StatementView
from functions.api.pulls import PullView
from functions.api.reports import ReportView
from functions.api.tokens import TokenView
from functions.http.json_answers import JSON
from functions.http.pages import PAGE_HEADERS, see_other
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.auth.sessions import SESSION_CREDENTIAL
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.names import OrgName
from shared.domain.principals import Principal
from shared.domain.scopes import Role
from shared.domain.sessions import Session
from shared.runtime.answers import Answer
from shared.services.administration.account_deletion import PersonalData
from shared.services.organizations.memberships import OrganizationMembership

ACCOUNT_PATH = "/account"
TOKENS_PATH = f"{ACCOUNT_PATH}/tokens"
ORGANIZATIONS_PATH = f"{ACCOUNT_PATH}/organizations"

# Where the tabs of Central's dashboard are here, which Ballerina's documentation links to.
_DASHBOARD_TABS = {"token": TOKENS_PATH, "tokens": TOKENS_PATH, "organizations": ORGANIZATIONS_PATH}
_TOML = "application/toml"
# Organizations that are searched for waiting releases; each costs some reads.
ORGANIZATIONS_LOOKED_AT = 3


pages = SignedInPages()
FACES = (pages,)


@pages.read("account/settings.toml")
async def account_settings(call: SignedInCall) -> Answer:
    text = call.registry.client_settings(call.account.name)
    headers = {**PAGE_HEADERS, "Content-Disposition": 'attachment; filename="Settings.toml"'}
    return Answer(text.encode(), headers=headers, media_type=_TOML)


# Visitors who are not signed in are redirected to a page where they sign in.
@pages.read("dashboard", ignores_credentials=True)
async def account_dashboard(call: SignedInCall) -> Answer:
    return see_other(_DASHBOARD_TABS.get(call.params.get("tab", ""), ACCOUNT_PATH))


@pages.read("account")
async def account_page(call: SignedInCall) -> Answer:
    registry = call.registry
    by = call.caller
    # One after the other, so that the order of the calls tells nothing of what there is.
    organizations = await registry.organizations.memberships.list_own(by=by)
    tokens = await registry.tokens.access_tokens.list(by.id, by=by)
    held = await _held(call, organizations)
    roles = registry.identity.group_rules.roles_by_groups
    now_ms = call.now_ms
    by_groups = await roles.ends_of(call.account)
    return call.show(
        "account/overview.html",
        account=call.account,
        organizations=organizations,
        tokens=tokens,
        held=held,
        ending=(*by_groups.ended_at(now_ms), *by_groups.ending_within(now_ms, roles.notice)),
        expiring=[each.token for each in tokens if each.token.expires_soon(call.now_ms)],
        url=registry.settings.base_url,
        settings=registry.client_settings(call.account.name),
    )


async def _held(
    call: SignedInCall, organizations: Sequence[OrganizationMembership]
) -> list[tuple[str, int]]:
    """Return the organizations of the owner with releases that wait, and how many: of the first
    organizations, and of those the first packages, since the page of each has all."""
    owned = [each.organization.name for each in organizations if each.role is Role.OWNER]
    looked_at = [OrgName(name) for name in owned[:ORGANIZATIONS_LOOKED_AT]]
    page = call.registry.publishing.held_releases.page
    counts = [len((await page(org, by=call.caller)).releases) for org in looked_at]
    return [(org, count) for org, count in zip(looked_at, counts, strict=True) if count]


@pages.read("account/data.json")
async def account_data_export(call: SignedInCall) -> Answer:
    data = await call.registry.administration.account_deletion.export(by=call.caller)
    return personal_data_answer(data, call.caller)


def personal_data_answer(data: PersonalData, by: Principal) -> Answer:
    body = PersonalDataView.of(data, by).model_dump_json(by_alias=True, indent=2)
    disposition = f'attachment; filename="{data.account.name}.json"'
    headers = {**PAGE_HEADERS, "Content-Disposition": disposition}
    return Answer(body.encode(), headers=headers, media_type=JSON)


@pages.read("account/data")
async def account_data(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    typed = call.form.text("name")
    return call.show(
        "account/data.html",
        problem,
        account=call.account,
        typed=typed,
        erasure=await call.registry.administration.account_erasures.pending(call.account.id),
    )


class MembershipView(ResponseModel):
    """A membership of the account."""

    org: str
    role: str
    since: datetime | None


class SessionView(ResponseModel):
    """A browser that is signed in."""

    id: str
    provider: str
    agent: str
    address: str
    created_at: UtcTime
    seen_at: UtcTime
    signed_in_at: UtcTime
    ends_at: UtcTime
    strong: bool
    current: bool

    @classmethod
    def of(cls, session: Session, by: Principal) -> Self:
        current = by.credential == f"{SESSION_CREDENTIAL}{session.id}"
        own = {"ends_ms": session.ends_ms, "current": current}
        return cls.model_validate(session.model_dump() | own)


class IdentityView(ResponseModel):
    """Somebody at a provider who can sign in to the account."""

    id: str
    provider: str
    issuer: str
    label: str
    linked_at: UtcTime
    groups: list[str]


class ProvisionedView(ResponseModel):
    """What a directory says of the person by SCIM."""

    directory: str
    user_name: str = Field(validation_alias=AliasPath("person", "user_name"))
    external_id: str | None = Field(validation_alias=AliasPath("person", "external_id"))
    name: str = Field(validation_alias=AliasPath("person", "full_name"))
    emails: list[str] = Field(validation_alias=AliasPath("person", "addresses"))
    active: bool = Field(validation_alias=AliasPath("person", "is_active"))


class ClaimView(ResponseModel):
    """A name that the person claims, with what was stated about it."""

    id: str
    name: str
    opened_at: UtcTime
    statements: list[StatementView]


class RequestedOwnershipView(ResponseModel):
    """A request for the ownership of an organization."""

    org: str
    reason: str
    requested_at: UtcTime
    notice_until: UtcTime = Field(validation_alias="notice_until_ms")


class PersonalDataView(ResponseModel):
    """Everything that is stored about a person; secrets are stored as hashes, and not shown."""

    id: str
    name: str
    email: str
    administrator: bool
    created_at: datetime | None
    organizations: list[MembershipView]
    tokens: list[TokenView]
    sessions: list[SessionView]
    identities: list[IdentityView]
    provisioned: list[ProvisionedView]
    name_disputes: list[ClaimView]
    reports: list[ReportView]
    ownership_requests: list[RequestedOwnershipView]
    follows: list[FollowView]
    pulls: list[PullView]
    events: list[EventView]

    @classmethod
    def of(cls, data: PersonalData, by: Principal) -> Self:
        account = data.account
        return cls(
            id=account.id,
            name=account.name,
            email=account.email,
            administrator=account.administrator,
            created_at=utc_datetime(account.created_ms),
            organizations=[
                MembershipView(
                    org=each.org, role=each.role.value, since=utc_datetime(each.since_ms)
                )
                for each in data.memberships
            ],
            tokens=[TokenView.of(each) for each in data.tokens],
            sessions=[SessionView.of(each, by) for each in data.sessions],
            identities=[IdentityView.model_validate(each) for each in data.identities],
            provisioned=[ProvisionedView.model_validate(each) for each in data.provisioned],
            name_disputes=[ClaimView.model_validate(each) for each in data.disputes],
            reports=[ReportView.of(each) for each in data.reports],
            ownership_requests=[
                RequestedOwnershipView.model_validate(each) for each in data.ownership_requests
            ],
            follows=[FollowView.model_validate(each) for each in data.follows],
            pulls=[PullView.of(each, {account.id: account.name}) for each in data.pulls],
            events=[
                EventView.of(number, event, data.names.get(event.actor, ""))
                for number, event in data.events
            ],
        )


@pages.form("account/delete", account_data, takes_recent_sign_in=True)
async def account_delete(call: SignedInCall) -> Answer:
    name = call.account.name
    if call.form.text("name") != name:
        message = f"To delete your account, type its name, {name}, exactly as shown."
        with about_field("name"):
            raise InvalidRequest(message)
    for session in await call.registry.administration.account_deletion.delete(by=call.caller):
        call.registry.identity.session_authentication.invalidate(session)
    call.cookies.append(call.registry.identity.session_authentication.expired_cookie())
    sentence = f"The account {name} was deleted. Nobody can use its name again."
    return call.message("Account deleted", sentence, "Releases that you published stay.")


@pages.form("account/keep", account_data, done="The erasure was canceled. Your account stays.")
async def account_keep(call: SignedInCall) -> None:
    await call.registry.administration.account_erasures.cancel(call.account, by=call.caller)
