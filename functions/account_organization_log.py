"""/account/organizations/{org}/log: who changed what in an organization, newest first."""

from datetime import date, timedelta
from urllib.parse import urlencode

import azure.functions as func

from functions._event_words import KINDS, actors, sentence
from functions._organization_pages import ROUTE, Frame, framed, org_of, show
from functions._visits import Problem, Visit, Visits
from shared.domain.errors import InvalidRequest
from shared.domain.logs import LogQuery
from shared.domain.package import Event
from shared.domain.token_texts import without_tokens
from shared.registry import Registry
from shared.services.logbook import LogPage

EVENTS = 25  # A screen or two.
ASKED = ("kind", "actor", "since", "until")  # What narrows the list.

_EXPORT = "/api/v1/orgs/{org}/audit.jsonl"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the log."""
    bp, visits = func.Blueprint(), Visits(registry)

    @bp.route(f"{ROUTE}/log", methods=["GET", "HEAD"])
    @visits.page
    async def account_organization_log(visit: Visit) -> func.HttpResponse:
        frame = await framed(registry, visit, "log")
        try:
            params = await _params(registry, visit, frame)
            query = LogQuery.parse({**params, "before": _asked(visit, "before")})
        except InvalidRequest as refusal:
            return await _shown(registry, visit, frame, {}, Problem.of(refusal))
        return await _shown(registry, visit, frame, params, query=query)

    return bp


async def _shown(
    registry: Registry,
    visit: Visit,
    frame: Frame,
    params: dict[str, str],
    problem: Problem | None = None,
    *,
    query: LogQuery | None = None,
) -> func.HttpResponse:
    asked = query or LogQuery(count=EVENTS)
    page = await registry.logbook.of_organization(org_of(visit), asked, by=visit.principal)
    narrowed = {name: value for name in ASKED if (value := _asked(visit, name))}
    path = frame.address("log")
    return show(
        visit,
        frame,
        problem,
        events=_told(page, frame),
        typed=narrowed,
        kinds=KINDS,
        is_first=not _asked(visit, "before"),
        newest=f"{path}?{urlencode(narrowed)}" if narrowed else path,
        older=f"{path}?{urlencode({**narrowed, 'before': page.next})}" if page.next else "",
        export=_export(frame, params),
    )


def _told(page: LogPage, frame: Frame) -> list[tuple[Event, str]]:
    names = actors(page.names, frame.organization)
    return [(event, sentence(event, names)) for _, event in page.events]


async def _params(registry: Registry, visit: Visit, frame: Frame) -> dict[str, str]:
    """Return what a program would ask for: names become ids, and days the moments they begin."""
    asked = {name: _asked(visit, name) for name in ASKED}
    organization = frame.organization
    if asked["actor"].lower() == organization.key:
        asked["actor"] = organization.id
    else:
        asked["actor"] = await registry.logbook.actor(asked["actor"])
    asked["since"] = _day(asked["since"], timedelta(0))
    asked["until"] = _day(asked["until"], timedelta(days=1))  # What happened on that day as well.
    return {**{name: value for name, value in asked.items() if value}, "count": str(EVENTS)}


def _asked(visit: Visit, name: str) -> str:
    """Return what the address asks for; pages show none that is a token."""
    return without_tokens(visit.query.get(name, "")).strip()


def _day(text: str, later: timedelta) -> str:
    try:
        return (date.fromisoformat(text) + later).isoformat() if text else ""
    except (ValueError, OverflowError):
        message = f"{text[:40]!r} is no day. Write it as 2026-11-20."
        raise InvalidRequest(message) from None


def _export(frame: Frame, params: dict[str, str]) -> str:
    narrowed = {name: value for name, value in params.items() if name != "count"}
    path = _EXPORT.format(org=frame.organization.name)
    return f"{path}?{urlencode({**narrowed, 'count': '500'})}"
