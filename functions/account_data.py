"""/account/data: everything that is stored about oneself, and the end of the account."""

from datetime import datetime
from typing import Self

import azure.functions as func

from functions._api import Answer, moment
from functions._http import JSON
from functions._pages import HEADERS, message_page
from functions._visits import Problem, Visit, Visits
from functions.api_audit import EventView
from functions.api_sessions import IdentityView, SessionView
from functions.token import TokenView
from shared.auth.cookies import leave
from shared.domain.errors import InvalidRequest
from shared.domain.identity import Principal
from shared.registry import Registry
from shared.services.departing import PersonalData


class MembershipView(Answer):
    """What one is in an organization, since when, and whether everybody sees it."""

    org: str
    role: str
    shown: bool
    since: datetime | None


class KeptInvitationView(Answer):
    """An invitation that one has opened, and until when it can be accepted."""

    org: str
    until: datetime | None


class PersonalDataView(Answer):
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
        """Show the data."""
        account = data.account
        return cls(
            id=account.id,
            name=account.name,
            email=account.email,
            administrator=account.administrator,
            created_at=moment(account.created_ms),
            organizations=[
                MembershipView(
                    org=each.org,
                    role=each.role.value,
                    shown=each.is_shown,
                    since=moment(each.since_ms),
                )
                for each in data.memberships
            ],
            invitations=[
                KeptInvitationView(org=each.org, until=moment(each.expires_ms))
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


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the page of personal data."""
    bp, visits = func.Blueprint(), Visits(registry)

    async def overview(visit: Visit, problem: Problem | None = None) -> func.HttpResponse:
        typed = visit.form.text("name")
        return visit.show("account/data.html", problem, account=visit.account, typed=typed)

    @bp.route("account/data", methods=["GET", "HEAD"])
    @visits.page
    async def account_data(visit: Visit) -> func.HttpResponse:
        return await overview(visit)

    @bp.route("account/data.json", methods=["GET", "HEAD"])
    @visits.page
    async def account_data_export(visit: Visit) -> func.HttpResponse:
        data = await registry.departing.data(by=visit.principal)
        body = PersonalDataView.of(data, visit.principal).model_dump_json(by_alias=True, indent=2)
        disposition = f'attachment; filename="{visit.account.name}.json"'
        headers = {**HEADERS, "Content-Disposition": disposition}
        return func.HttpResponse(body, headers=headers, mimetype=JSON)

    @bp.route("account/delete", methods=["POST"])
    @visits.form(again=overview)
    async def account_delete(visit: Visit) -> func.HttpResponse:
        name = visit.account.name
        _check_meant(visit.form.text("name"), name)
        for session in await registry.departing.delete(by=visit.principal):
            registry.sessions.forget(session)
        leave(registry.sessions.farewell())
        sentence = f"The account {name} is deleted. Nobody gets its name again."
        return message_page("Goodbye", sentence, "What you published stays for those who use it.")

    return bp


def _check_meant(typed: str, name: str) -> None:
    if typed != name:
        message = f"To delete the account, type its name, {name}, as it is written here."
        raise InvalidRequest(message)
