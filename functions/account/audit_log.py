"""/account/organizations/{org}/log: the audit log of an organization, newest first."""

from collections.abc import Mapping
from datetime import date, timedelta
from urllib.parse import urlencode

from functions.account.organization import ORGANIZATION_ROUTE, OrganizationFrame, organization_frame
from functions.http.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.accounts import Organization
from shared.domain.errors.base import InvalidRequest, about_field, redact_tokens
from shared.domain.events import EventQuery
from shared.domain.principals import OPERATOR_ID, UPKEEP
from shared.domain.records import Event
from shared.runtime.answers import Answer

EVENTS_PER_PAGE = 25  # A screen or two.
EXPORTED_EVENTS = 500
FILTER_PARAMETERS = ("kind", "actor", "since", "until")


pages = SignedInPages()


@pages.read(f"{ORGANIZATION_ROUTE}/log")
async def account_organization_log(call: SignedInCall) -> Answer:
    frame = await organization_frame(call, "log")
    try:
        params = await _api_params(call, frame.organization)
        query = EventQuery.parse({**params, "before": _param(call, "before")})
    except InvalidRequest as refusal:
        query = EventQuery(count=EVENTS_PER_PAGE)
        return await _show(call, frame, query, {}, FormProblem.of(refusal))
    return await _show(call, frame, query, params)


async def _show(
    call: SignedInCall,
    frame: OrganizationFrame,
    query: EventQuery,
    params: dict[str, str],
    problem: FormProblem | None = None,
) -> Answer:
    page = await call.registry.administration.audit_log.of_organization(
        call.org, query, by=call.caller
    )
    names = actor_names(page.names, frame.organization)
    typed = {name: value for name in FILTER_PARAMETERS if (value := _param(call, name))}
    path = frame.address("log")
    export_path = f"/api/v1/orgs/{frame.organization.name}/audit.jsonl"
    return frame.show(
        problem,
        events=[(event, event_sentence(event, names)) for _, event in page.events],
        typed=typed,
        kinds=EVENT_FILTERS,
        is_first=not _param(call, "before"),
        newest=f"{path}?{urlencode(typed)}" if typed else path,
        older=f"{path}?{urlencode({**typed, 'before': page.next})}" if page.next else "",
        export=f"{export_path}?{urlencode({**params, 'count': EXPORTED_EVENTS})}",
    )


async def _api_params(call: SignedInCall, organization: Organization) -> dict[str, str]:
    """Return the filter as the API reads it: ids instead of names, times instead of days."""
    actor = _param(call, "actor")
    if actor.lower() == organization.key:
        actor = organization.id
    else:
        actor = await call.registry.administration.audit_log.actor_id(actor)
    params = {
        "kind": _param(call, "kind"),
        "actor": actor,
        "since": _day(call, "since", timedelta(0)),
        "until": _day(call, "until", timedelta(days=1)),  # That day is included.
    }
    return {
        **{name: value for name, value in params.items() if value},
        "count": str(EVENTS_PER_PAGE),
    }


def _param(call: SignedInCall, name: str) -> str:
    """Return a query parameter, with tokens redacted, since the page shows it."""
    return redact_tokens(call.params.get(name, "")).strip()


def _day(call: SignedInCall, name: str, later: timedelta) -> str:
    text = _param(call, name)
    try:
        return (date.fromisoformat(text) + later).isoformat() if text else ""
    except (ValueError, OverflowError):
        message = f"{text[:40]!r} is not a date. Write it as 2026-11-20."
        with about_field(name):
            raise InvalidRequest(message) from None


# The sentence after the name of the actor. `subject` and `account` are fields of the event, the
# other names are keys of its details.
EVENT_PHRASES = {
    "dependency.withdrawn": "found that {dependency}, on which {subject} depends, was withdrawn",
    "dispute.appealed": "appealed in the dispute about the name {subject}",
    "dispute.decided": "decided the dispute about the name {subject}: {outcome}",
    "dispute.opened": "opened a dispute about the name {subject}",
    "dispute.stated": "added a statement to the dispute about the name {subject}",
    "dispute.withdrawn": "withdrew the claim to the name {subject}",
    "invitation.accepted": "accepted an invitation",
    "invitation.confirmed": "took over an invitation",
    "invitation.declined": "declined an invitation",
    "invitation.renewed": "renewed an invitation",
    "invitation.sent": "sent an invitation",
    "invitation.withdrawn": "revoked an invitation",
    "member.removed": "removed {account}",
    "member.set": "changed the role of {account} to {after}",
    "mirror.kept": "decided to go on serving {subject}, which is gone at {upstream}",
    "mirror.withheld": "decided to withhold {subject}, which is gone at {upstream}",
    "organization.changed": "changed the profile of {subject}",
    "organization.continued": "changed as what {subject} is continued: {continued_as}",
    "organization.deleting": "scheduled the deletion of {subject}",
    "organization.founded": "created {subject}",
    "organization.frozen": "froze {subject}",
    "organization.kept": "canceled the deletion of {subject}",
    "organization.released": "released the name {subject}",
    "organization.unfrozen": "ended the freeze of {subject}",
    "owner.confirmed": "took over the change of the role of {account}",
    "owner.held": "put the change of the role of {account} on hold",
    "owner.pending": "requested a change of the role of {account}",
    "owner.resumed": "resumed the change of the role of {account}",
    "owner.undone": "canceled the change of the role of {account}",
    "package.deprecated": "deprecated {subject}",
    "package.frozen": "froze {subject}",
    "package.held": "held the package {subject}",
    "package.internal": "made {subject} internal",
    "package.private": "made {subject} private",
    "package.public": "made {subject} public",
    "package.released": "ended the hold of the package {subject}",
    "package.pushers-changed": "changed the publishing access of {subject}",
    "package.successor-changed": "changed the successor of {subject}: {successor}",
    "package.undeprecated": "undeprecated {subject}",
    "package.unfrozen": "ended the freeze of {subject}",
    "publisher.added": "added a trusted publisher of {subject}",
    "publisher.bound": "created {subject} as its trusted publisher",
    "publisher.confirmed": "confirmed a trusted publisher of {subject}",
    "publisher.refused": "was refused as a trusted publisher",
    "publisher.removed": "removed a trusted publisher of {subject}",
    "release.awaiting-case": "published {subject}, which waits, since its package is held",
    "release.awaiting-owner": "published {subject}, which was held for an owner",
    "release.confirmed": "confirmed {subject}",
    "release.deprecated": "deprecated {subject}",
    "release.erased": "deleted the archive of {subject}",
    "release.held": "held {subject}",
    "release.live": "restored {subject}",
    "release.owner-erased": "erased {subject} as an owner",
    "release.owner-held": "held {subject} as an owner",
    "release.owner-restored": "restored {subject} as an owner",
    "release.published": "published {subject}",
    "release.refused": "refused to publish {subject}",
    "release.quarantined": "quarantined {subject}",
    "release.removed": "removed {subject}",
    "release.undeprecated": "undeprecated {subject}",
    "organization.bursts-allowed": "switched burst detection off for a day",
    "token.confirmed": "confirmed the token {name}",
    "token.issued": "created the token {name}",
    "token.leaked": "revoked the token {name}, which had leaked",
    "token.renamed": "renamed the token {before} to {after}",
    "token.revoked": "revoked the token {name}",
    "token.rotated": "rotated the token {name}",
}

# The filters of the page, by the prefix of the kinds of events.
EVENT_FILTERS = (
    ("", "All events"),
    ("release.", "Releases"),
    ("package.", "Packages"),
    ("dependency.", "Withdrawn dependencies"),
    ("member.", "Members"),
    ("owner.", "Changes of owners"),
    ("invitation.", "Invitations"),
    ("token.", "Tokens"),
    ("publisher.", "Trusted publishers"),
    ("organization.", "Organization"),
    ("dispute.", "Name disputes"),
)


class _EventDetails(dict[str, str]):
    """The details of an event; old events lack some."""

    def __missing__(self, key: str) -> str:
        return f"(no {key})"


def actor_names(names: Mapping[str, str], organization: Organization) -> Mapping[str, str]:
    """Return the names of accounts, and of actors that are none, by their ids."""
    others = {
        organization.id: f"A token of {organization.name}",
        OPERATOR_ID: "The operator",
        UPKEEP.id: "The registry",
    }
    return {**names, **others}


def event_sentence(event: Event, names: Mapping[str, str]) -> str:
    """Return the event as a sentence without a full stop."""
    actor = names.get(event.actor, event.actor) or "Somebody"
    phrase = EVENT_PHRASES.get(event.kind)
    if phrase is None:
        words = event.kind.replace(".", ": ").replace("-", " ")
        return f"{actor}, {words}: {event.subject}"
    account = event.details.get("account", event.account)
    known = _EventDetails(event.details, subject=event.subject, account=names.get(account, account))
    return f"{actor} {phrase.format_map(known)}"


FACES = (pages,)
