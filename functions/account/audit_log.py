"""/account/organizations/{org}/log: the audit log of an organization, newest first."""

from urllib.parse import urlencode

from functions.account.organization import ORGANIZATION_ROUTE, OrganizationFrame, organization_frame
from functions.html.event_sentences import actor_names, event_sentence
from functions.html.query_parameters import day_param, text_param
from functions.html.signed_in_pages import FormProblem, SignedInCall, SignedInPages
from shared.domain.errors.base import InvalidRequest
from shared.domain.event_queries import EventQuery
from shared.domain.organizations import Organization
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
        query = EventQuery.parse({**params, "before": text_param(call, "before")})
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
    typed = {name: value for name in FILTER_PARAMETERS if (value := text_param(call, name))}
    path = frame.address("log")
    export_path = f"/api/v1/orgs/{frame.organization.name}/audit.jsonl"
    return frame.show(
        problem,
        events=[(event, event_sentence(event, names)) for _, event in page.events],
        typed=typed,
        kinds=EVENT_FILTERS,
        is_first=query.before is None,
        newest=f"{path}?{urlencode(typed)}" if typed else path,
        older=f"{path}?{urlencode({**typed, 'before': page.next})}" if page.next else "",
        export=f"{export_path}?{urlencode({**params, 'count': EXPORTED_EVENTS})}",
    )


async def _api_params(call: SignedInCall, organization: Organization) -> dict[str, str]:
    """Return the filter as the API reads it: ids instead of names, times instead of days."""
    actor = text_param(call, "actor")
    if actor.lower() == organization.key:
        actor = organization.id
    else:
        actor = await call.registry.administration.audit_log.actor_id(actor)
    params = {
        "kind": text_param(call, "kind"),
        "actor": actor,
        "since": day_param(call, "since"),
        "until": day_param(call, "until", is_included=True),
    }
    return {
        **{name: value for name, value in params.items() if value},
        "count": str(EVENTS_PER_PAGE),
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
    ("webhook.", "Webhooks"),
    ("organization.", "Organization"),
    ("ownership.", "Ownership requests"),
    ("dispute.", "Name disputes"),
)

FACES = (pages,)
