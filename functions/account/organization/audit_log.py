"""/account/organizations/{org}/log: the audit log of an organization, newest first."""

from collections.abc import Mapping
from datetime import date, timedelta
from urllib.parse import urlencode

import azure.functions as func

from functions.account.organization.pages import (
    ORGANIZATION_ROUTE,
    OrganizationFrame,
    org_of,
    organization_frame,
    show,
)
from functions.http.signed_in_pages import FormProblem, SignedInPages, SignedInRequest
from shared.composition import Registry
from shared.domain.errors.base import InvalidRequest
from shared.domain.events import EventQuery
from shared.domain.identity import OPERATOR_ID, UPKEEP
from shared.domain.organizations import Organization
from shared.domain.records import Event
from shared.domain.secrets import redact_tokens
from shared.services.audit_log import AuditLogPage

EVENTS_PER_PAGE = 25  # A screen or two.
FILTER_PARAMETERS = ("kind", "actor", "since", "until")  # What narrows the list.

_EXPORT_PATH = "/api/v1/orgs/{org}/audit.jsonl"


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the log."""
    bp, visits = func.Blueprint(), SignedInPages(registry)

    @bp.route(f"{ORGANIZATION_ROUTE}/log", methods=["GET", "HEAD"])
    @visits.page
    async def account_organization_log(visit: SignedInRequest) -> func.HttpResponse:
        frame = await organization_frame(registry, visit, "log")
        try:
            params = await _params(registry, visit, frame)
            query = EventQuery.parse({**params, "before": _asked(visit, "before")})
        except InvalidRequest as refusal:
            return await _shown(registry, visit, frame, {}, FormProblem.of(refusal))
        return await _shown(registry, visit, frame, params, query=query)

    return bp


async def _shown(
    registry: Registry,
    visit: SignedInRequest,
    frame: OrganizationFrame,
    params: dict[str, str],
    problem: FormProblem | None = None,
    *,
    query: EventQuery | None = None,
) -> func.HttpResponse:
    asked = query or EventQuery(count=EVENTS_PER_PAGE)
    page = await registry.audit_log.of_organization(org_of(visit), asked, by=visit.principal)
    narrowed = {name: value for name in FILTER_PARAMETERS if (value := _asked(visit, name))}
    path = frame.address("log")
    return show(
        visit,
        frame,
        problem,
        events=_told(page, frame),
        typed=narrowed,
        kinds=EVENT_FILTERS,
        is_first=not _asked(visit, "before"),
        newest=f"{path}?{urlencode(narrowed)}" if narrowed else path,
        older=f"{path}?{urlencode({**narrowed, 'before': page.next})}" if page.next else "",
        export=_export(frame, params),
    )


def _told(page: AuditLogPage, frame: OrganizationFrame) -> list[tuple[Event, str]]:
    names = actor_names(page.names, frame.organization)
    return [(event, event_sentence(event, names)) for _, event in page.events]


async def _params(
    registry: Registry, visit: SignedInRequest, frame: OrganizationFrame
) -> dict[str, str]:
    """Return what a program would ask for: names become ids, and days the moments they begin."""
    asked = {name: _asked(visit, name) for name in FILTER_PARAMETERS}
    organization = frame.organization
    if asked["actor"].lower() == organization.key:
        asked["actor"] = organization.id
    else:
        asked["actor"] = await registry.audit_log.actor_id(asked["actor"])
    asked["since"] = _day(asked["since"], timedelta(0))
    asked["until"] = _day(asked["until"], timedelta(days=1))  # What happened on that day as well.
    return {
        **{name: value for name, value in asked.items() if value},
        "count": str(EVENTS_PER_PAGE),
    }


def _asked(visit: SignedInRequest, name: str) -> str:
    """Return what the address asks for; pages show none that is a token."""
    return redact_tokens(visit.query.get(name, "")).strip()


def _day(text: str, later: timedelta) -> str:
    try:
        return (date.fromisoformat(text) + later).isoformat() if text else ""
    except (ValueError, OverflowError):
        message = f"{text[:40]!r} is no day. Write it as 2026-11-20."
        raise InvalidRequest(message) from None


def _export(frame: OrganizationFrame, params: dict[str, str]) -> str:
    narrowed = {name: value for name, value in params.items() if name != "count"}
    path = _EXPORT_PATH.format(org=frame.organization.name)
    return f"{path}?{urlencode({**narrowed, 'count': '500'})}"


# What follows the name of whoever did it. `subject` is what it was done to, `account` whom it
# concerns; the others are details of such an event.
EVENT_PHRASES = {
    "domain.claimed": "added the domain {domain}",
    "domain.lapsed": "found the domain {domain} no longer proven",
    "domain.removed": "gave the domain {domain} up",
    "domain.verified": "proved the domain {domain}",
    "invitation.accepted": "accepted an invitation",
    "invitation.declined": "declined an invitation",
    "invitation.renewed": "invited somebody again",
    "invitation.sent": "invited somebody",
    "invitation.withdrawn": "withdrew an invitation",
    "member.hidden": "hid from others that they are a member",
    "member.removed": "took {account} out",
    "member.set": "made {account} {after}",
    "member.shown": "shows everybody that they are a member",
    "organization.changed": "changed what {subject} says of itself",
    "organization.deleting": "began to delete {subject}",
    "organization.founded": "founded {subject}",
    "organization.kept": "kept {subject} after all",
    "organization.released": "released the name {subject}",
    "owner.pending": "began to change what {account} is",
    "owner.undone": "undid a change of {account}",
    "package.deprecated": "deprecated {subject}",
    "package.private": "made {subject} private",
    "package.public": "made {subject} public",
    "package.pushers-changed": "changed who pushes to {subject}",
    "package.undeprecated": "took the deprecation of {subject} back",
    "publisher.added": "added a trusted publisher of {subject}",
    "publisher.bound": "made {subject} as its publisher",
    "publisher.refused": "was refused as a publisher",
    "publisher.removed": "removed a trusted publisher of {subject}",
    "release.awaiting-owner": "published {subject}, which waits for an owner",
    "release.confirmed": "confirmed {subject}",
    "release.deprecated": "deprecated {subject}",
    "release.held": "held {subject} back",
    "release.live": "gave {subject} back",
    "release.published": "published {subject}",
    "release.quarantined": "quarantined {subject}",
    "release.removed": "removed {subject}",
    "release.undeprecated": "took the deprecation of {subject} back",
    "token.issued": "made the token {name}",
    "token.leaked": "revoked the token {name}, which was found in the open",
    "token.renamed": "renamed the token {before} to {after}",
    "token.revoked": "revoked the token {name}",
    "token.stolen": "revoked the token {name} as stolen, with everything that was made with it",
    "token.rotated": "gave the token {name} a new text",
}

# The kinds that a page offers to look for: each is the beginning of some.
EVENT_FILTERS = (
    ("", "Everything"),
    ("release.", "Releases"),
    ("package.", "Packages"),
    ("member.", "Members"),
    ("owner.", "Changes of owners"),
    ("invitation.", "Invitations"),
    ("token.", "Tokens"),
    ("publisher.", "Trusted publishers"),
    ("domain.", "Domains"),
    ("organization.", "The organization"),
)


class _EventDetails(dict[str, str]):
    """Details, of which an old event may lack some."""

    def __missing__(self, key: str) -> str:
        return f"(no {key})"


def actor_names(names: Mapping[str, str], organization: Organization) -> Mapping[str, str]:
    """Return what to call those who do something: by the ids that events have for them."""
    machines = {
        organization.id: f"A token of {organization.name}",
        OPERATOR_ID: "The operator",
        UPKEEP.id: "The registry",
    }
    return {**names, **machines}


def event_sentence(event: Event, names: Mapping[str, str]) -> str:
    """Return what happened, as a sentence without its full stop."""
    who = names.get(event.actor, event.actor) or "Somebody"
    phrase = EVENT_PHRASES.get(event.kind)
    if phrase is None:
        words = event.kind.replace(".", ": ").replace("-", " ")
        return f"{who}, {words}: {event.subject}"
    account = event.details.get("account", event.account)
    known = _EventDetails(event.details, subject=event.subject, account=names.get(account, account))
    return f"{who} {phrase.format_map(known)}"
