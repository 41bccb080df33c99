"""/api/v1/orgs/{org}/audit and /api/v1/account/events: who changed what, when and from where."""

from collections.abc import Iterator
from datetime import datetime
from typing import Self
from urllib.parse import urlencode

import azure.functions as func
from pydantic import Field

from functions.api.operations import Operation, ResponseModel, answer, api_caller, utc_datetime
from functions.http.handlers import api_errors
from functions.http.responses import NO_STORE
from shared.composition import Registry
from shared.domain.events import EventQuery
from shared.domain.names import parse_org
from shared.domain.records import Event
from shared.services.audit_log import AuditLogPage

JSON_LINES = "application/jsonl"


class EventView(ResponseModel):
    """A change."""

    number: int = Field(description="Its place in the feed of all changes.")
    id: str
    kind: str
    at: datetime | None
    actor: str = Field(description="The account's id, an organization's for its tokens, or a word.")
    actor_name: str = Field(description="The account's name; empty where there is none.")
    subject: str
    credential: str = Field(description="The token's id, or what else was used.")
    address: str
    details: dict[str, str]

    @classmethod
    def of(cls, number: int, event: Event, name: str) -> Self:
        """Show an event."""
        return cls(
            number=number,
            id=event.id,
            kind=event.kind,
            at=utc_datetime(event.at_ms),
            actor=event.actor,
            actor_name=name,
            subject=event.subject,
            credential=event.credential,
            address=event.address,
            details=event.details,
        )


class LogView(ResponseModel):
    """A page of a log, newest first."""

    events: list[EventView]
    next: int | None = Field(description="The parameter before of the next page; null at the end.")

    @classmethod
    def of(cls, page: AuditLogPage) -> Self:
        """Show a page."""
        return cls(events=list(_shown(page)), next=page.next)


AUDIT_LOG_OPERATIONS = (
    Operation(
        "api_audit_organization",
        "GET",
        "api/v1/orgs/{org}/audit",
        "Read the organization's log, newest first; before, count, kind, actor, since and until "
        "narrow it.",
        200,
        answer=LogView,
        refusals=(400, 401, 403),
    ),
    Operation(
        "api_audit_export",
        "GET",
        "api/v1/orgs/{org}/audit.jsonl",
        "Read the same as JSON lines; a Link header leads to the next page.",
        200,
        refusals=(400, 401, 403),
    ),
    Operation(
        "api_audit_account",
        "GET",
        "api/v1/account/events",
        "Read what happened to your account, newest first.",
        200,
        answer=LogView,
        refusals=(400, 401),
    ),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of the logs."""
    bp = func.Blueprint()

    async def of_organization(req: func.HttpRequest) -> AuditLogPage:
        caller = await api_caller(req, registry)
        org = parse_org(req.route_params["org"])
        return await registry.audit_log.of_organization(
            org, EventQuery.parse(req.params), by=caller
        )

    @bp.route("api/v1/orgs/{org}/audit", methods=["GET", "HEAD"])
    @api_errors
    async def api_audit_organization(req: func.HttpRequest) -> func.HttpResponse:
        return answer(LogView.of(await of_organization(req)))

    @bp.route("api/v1/orgs/{org}/audit.jsonl", methods=["GET", "HEAD"])
    @api_errors
    async def api_audit_export(req: func.HttpRequest) -> func.HttpResponse:
        page = await of_organization(req)
        lines = [f"{each.model_dump_json(by_alias=True)}\n" for each in _shown(page)]
        headers = NO_STORE | _link(req, page.next)
        return func.HttpResponse("".join(lines), headers=headers, mimetype=JSON_LINES)

    @bp.route("api/v1/account/events", methods=["GET", "HEAD"])
    @api_errors
    async def api_audit_account(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        page = await registry.audit_log.of_account(EventQuery.parse(req.params), by=caller)
        return answer(LogView.of(page))

    return bp


def _shown(page: AuditLogPage) -> Iterator[EventView]:
    for number, event in page.events:
        yield EventView.of(number, event, page.names.get(event.actor, ""))


def _link(req: func.HttpRequest, before: int | None) -> dict[str, str]:
    if before is None:
        return {}
    params = {**req.params, "before": str(before)}
    return {"Link": f'<?{urlencode(params)}>; rel="next"'}
