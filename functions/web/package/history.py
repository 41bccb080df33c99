"""/packages/{org}/{name}/history: what changed of a package, newest first, page by page."""

from urllib.parse import quote

from functions.html.event_sentences import CREDENTIAL_TEXTS, history_facts, history_sentence
from functions.html.public_pages import PublicPageCall
from functions.web.package.frame import PackageFrame, show_tab
from shared.domain.errors.base import InvalidRequest
from shared.domain.event_queries import EventQuery
from shared.runtime.answers import Answer
from shared.services.packages.package_details import ReleaseDetails

ENTRIES_PER_PAGE = 25  # A screen or two.
TAB = "history"


async def history_page(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Show everything to members of the organization, releases and deprecations to others."""
    query = _query(call)
    history = call.registry.packages.history
    page = await history.of_head(details.head, query, by=call.caller)
    newest = quote(PackageFrame(details, call.base_url).address(TAB))
    values = {
        "entries": page.entries,
        "sentences": [history_sentence(each, page) for each in page.entries],
        "facts_of": history_facts,
        "credentials": CREDENTIAL_TEXTS,
        "is_for_members": page.is_for_members,
        "newest": newest if query.before else "",
        "older": f"{newest}?before={page.next}" if page.next else "",
    }
    return await show_tab(call, details, TAB, values)


def _query(call: PublicPageCall) -> EventQuery:
    """Return the page that the address asks for; nonsense is the first one."""
    params = {"before": call.redacted_query.get("before", ""), "count": str(ENTRIES_PER_PAGE)}
    try:
        return EventQuery.parse(params)
    except InvalidRequest:
        return EventQuery(count=ENTRIES_PER_PAGE)
