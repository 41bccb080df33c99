"""The personal data of an account, as its export has it."""

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
from functions.html.pages import PAGE_HEADERS
from functions.http.json_answers import JSON
from shared.auth.sessions import SESSION_CREDENTIAL
from shared.domain.principals import Principal
from shared.domain.sessions import Session
from shared.runtime.answers import Answer
from shared.services.administration.account_deletion import PersonalData


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


def personal_data_answer(data: PersonalData, by: Principal) -> Answer:
    body = PersonalDataView.of(data, by).model_dump_json(by_alias=True, indent=2)
    disposition = f'attachment; filename="{data.account.name}.json"'
    headers = {**PAGE_HEADERS, "Content-Disposition": disposition}
    return Answer(body.encode(), headers=headers, media_type=JSON)
