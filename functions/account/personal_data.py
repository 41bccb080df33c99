"""/account/data: everything that is stored about a person, and account deletion."""

from datetime import datetime
from typing import Self

from functions.api.account import IdentityView, SessionView
from functions.api.audit_log import EventView
from functions.api.operations import ResponseModel, utc_datetime
from functions.api.tokens import TokenView
from functions.http.answers import JSON
from functions.http.pages import PAGE_HEADERS
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.identity import Principal
from shared.runtime.answers import Answer
from shared.services.administration.account_deletion import PersonalData

pages = SignedInPages()


@pages.read("account/data.json")
async def account_data_export(call: SignedInCall) -> Answer:
    data = await call.registry.administration.account_deletion.export(by=call.caller)
    body = PersonalDataView.of(data, call.caller).model_dump_json(by_alias=True, indent=2)
    disposition = f'attachment; filename="{call.account.name}.json"'
    headers = {**PAGE_HEADERS, "Content-Disposition": disposition}
    return Answer(body.encode(), headers=headers, media_type=JSON)


@pages.read("account/data")
async def account_data(call: SignedInCall, problem: FormProblem | None = None) -> Answer:
    typed = call.form.text("name")
    return call.show("account/data.html", problem, account=call.account, typed=typed)


class MembershipView(ResponseModel):
    """A membership of the account; `shown` says whether everybody sees it."""

    org: str
    role: str
    shown: bool
    since: datetime | None


class KeptInvitationView(ResponseModel):
    """An invitation that the account has opened, and when it expires."""

    org: str
    until: datetime | None


class PersonalDataView(ResponseModel):
    """Everything that is stored about a person; secrets are stored as hashes, and not shown."""

    id: str
    name: str
    email: str
    administrator: bool
    created_at: datetime | None
    organizations: list[MembershipView]
    invitations: list[KeptInvitationView]
    tokens: list[TokenView]
    sessions: list[SessionView]
    identities: list[IdentityView]
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
                    org=each.org,
                    role=each.role.value,
                    shown=each.is_shown,
                    since=utc_datetime(each.since_ms),
                )
                for each in data.memberships
            ],
            invitations=[
                KeptInvitationView(org=each.org, until=utc_datetime(each.expires_ms))
                for each in data.invitations
            ],
            tokens=[TokenView.of(each) for each in data.tokens],
            sessions=[SessionView.of(each, by) for each in data.sessions],
            identities=[IdentityView.model_validate(each) for each in data.identities],
            events=[
                EventView.of(number, event, data.names.get(event.actor, ""))
                for number, event in data.events
            ],
        )


@pages.form("account/delete", account_data)
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


FACES = (pages,)
