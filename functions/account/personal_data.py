"""/account/data: everything that is stored about a person, and account deletion."""

from datetime import datetime
from typing import Self

import azure.functions as func

from functions.api.account import IdentityView, SessionView
from functions.api.audit_log import EventView
from functions.api.operations import ResponseModel, utc_datetime
from functions.api.tokens import TokenView
from functions.http.pages import PAGE_HEADERS, message_page
from functions.http.requests import READ_METHODS
from functions.http.responses import JSON
from functions.http.signed_in_pages import FormProblem, SignedInPages, SignedInRequest
from shared.auth.cookies import send_cookie
from shared.composition import Registry
from shared.domain.errors.base import InvalidRequest
from shared.domain.identity import Principal
from shared.services.account_deletion import PersonalData


def blueprint(registry: Registry) -> func.Blueprint:
    bp, pages = func.Blueprint(), SignedInPages(registry)
    bp.route("account/data", methods=READ_METHODS)(pages.page(account_data))

    @bp.route("account/data.json", methods=READ_METHODS)
    @pages.page
    async def account_data_export(request: SignedInRequest) -> func.HttpResponse:
        data = await registry.account_deletion.export(by=request.principal)
        body = PersonalDataView.of(data, request.principal).model_dump_json(by_alias=True, indent=2)
        disposition = f'attachment; filename="{request.account.name}.json"'
        headers = {**PAGE_HEADERS, "Content-Disposition": disposition}
        return func.HttpResponse(body, headers=headers, mimetype=JSON)

    @bp.route("account/delete", methods=["POST"])
    @pages.form(account_data)
    async def account_delete(request: SignedInRequest) -> func.HttpResponse:
        name = request.account.name
        if request.form.text("name") != name:
            message = f"To delete your account, type its name, {name}, exactly as shown."
            raise InvalidRequest(message)
        for session in await registry.account_deletion.delete(by=request.principal):
            registry.session_authentication.invalidate(session)
        send_cookie(registry.session_authentication.expired_cookie())
        sentence = f"The account {name} was deleted. Nobody can use its name again."
        return message_page("Account deleted", sentence, "Releases that you published stay.")

    return bp


async def account_data(
    request: SignedInRequest, problem: FormProblem | None = None
) -> func.HttpResponse:
    typed = request.form.text("name")
    return request.show("account/data.html", problem, account=request.account, typed=typed)


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
            identities=[IdentityView.of(each) for each in data.identities],
            events=[
                EventView.of(number, event, data.names.get(event.actor, ""))
                for number, event in data.events
            ],
        )
