"""/api/v1/orgs/{org}/audit, /api/v1/audit.jsonl and /api/v1/account/events: who changed what, when
and from where.
"""

from collections.abc import Iterator
from typing import Self
from urllib.parse import urlencode

from msgspec.structs import replace
from pydantic import Field

from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime
from functions.api.query_parameters import (
    AFTER_EVENT,
    AFTER_EVENT_INSTEAD,
    EVENT_COUNT,
    EVENT_FILTERS,
    EVENT_PAGE,
)
from functions.http.caching_headers import NO_STORE
from functions.http.json_answers import JSON_LINES
from shared.domain.event_queries import EventQuery, two_directions
from shared.domain.events import Event
from shared.domain.names import OrgName
from shared.runtime.answers import Answer
from shared.services.administration.audit_log import AuditLogPage


class EventView(ResponseModel):
    """A change."""

    number: int = Field(description="Its place in the feed of all changes.")
    id: str
    kind: str
    at: UtcTime = Field(validation_alias="at_ms")
    actor: str = Field(description="The account's id, an organization's for its tokens, or a word.")
    actor_name: str = Field(description="The account's name; empty where there is none.")
    subject: str
    credential: str = Field(description="The token's id, or what else was used.")
    address: str
    details: dict[str, str]

    @classmethod
    def of(cls, number: int, event: Event, name: str) -> Self:
        return cls.model_validate(event.model_dump() | {"number": number, "actor_name": name})


class LogView(ResponseModel):
    """A page of a log, newest first."""

    events: list[EventView]
    next: int | None = Field(description="The `before` of the next page; null at the end.")

    @classmethod
    def of(cls, page: AuditLogPage) -> Self:
        return cls(events=list(_shown(page)), next=page.next)


audit_log_api = ApiFace()


@audit_log_api.operation(
    "GET",
    "api/v1/orgs/{org}/audit",
    "Show the organization's audit log, newest first; before, count, kind, actor, since and until "
    "narrow it.",
    parameters=EVENT_PAGE,
)
async def api_audit_organization(call: ApiCall) -> LogView:
    return LogView.of(await _organization_page(call))


@audit_log_api.operation(
    "GET",
    "api/v1/orgs/{org}/audit.jsonl",
    "Read the same as JSON lines, or oldest first what came after a number; a Link header leads to "
    "the next page.",
    parameters=(*EVENT_PAGE, AFTER_EVENT_INSTEAD),
    media_types=(JSON_LINES,),
)
async def api_audit_export(call: ApiCall) -> Answer:
    if call.query.get("after"):
        return await _exported(call, call.org)
    return _lines(call, await _organization_page(call), "before")


@audit_log_api.operation(
    "GET",
    "api/v1/audit.jsonl",
    "Read the events of the whole registry after a number as JSON lines, oldest first; for "
    "administrators.",
    also=(400, 403),
    parameters=(AFTER_EVENT, EVENT_COUNT, *EVENT_FILTERS),
    media_types=(JSON_LINES,),
)
async def api_audit_registry(call: ApiCall) -> Answer:
    return await _exported(call, None)


@audit_log_api.operation(
    "GET",
    "api/v1/account/events",
    "Show the events of your account, newest first.",
    also=(400,),
    parameters=EVENT_PAGE,
)
async def api_audit_account(call: ApiCall) -> LogView:
    page = await call.registry.administration.audit_log.of_account(
        _event_query(call), by=call.caller
    )
    return LogView.of(page)


def _event_query(call: ApiCall) -> EventQuery:
    """Parse the declared parameters. `before` with `after` is refused also where one of the two is
    not declared."""
    if call.query.are_sent("before", "after"):
        raise two_directions()
    return EventQuery.parse(call.query)


async def _organization_page(call: ApiCall) -> AuditLogPage:
    query = _event_query(call)
    return await call.registry.administration.audit_log.of_organization(
        call.org, query, by=call.caller
    )


async def _exported(call: ApiCall, org: OrgName | None) -> Answer:
    query = replace(_event_query(call), before=None)
    page = await call.registry.administration.audit_log.export(org, query, by=call.caller)
    answer = _lines(call, page, "after")
    answer.headers["Audit-Cursor"] = str(page.cursor)
    return answer


def _lines(call: ApiCall, page: AuditLogPage, parameter: str) -> Answer:
    lines = [f"{each.model_dump_json(by_alias=True)}\n" for each in _shown(page)]
    headers = dict(NO_STORE)
    if page.next is not None:
        query = urlencode({**call.query, parameter: str(page.next)})
        headers["Link"] = f'<?{query}>; rel="next"'
    return Answer("".join(lines).encode(), headers=headers, media_type=JSON_LINES)


def _shown(page: AuditLogPage) -> Iterator[EventView]:
    for number, event in page.events:
        yield EventView.of(number, event, page.names.get(event.actor, ""))
