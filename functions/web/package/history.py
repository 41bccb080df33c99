"""/packages/{org}/{name}/history: what changed of a package, newest first, page by page."""

from http import HTTPStatus
from urllib.parse import quote

from functions.html.cursors import page_at_cursor
from functions.html.event_sentences import CREDENTIAL_TEXTS, history_facts, history_sentence
from functions.html.public_pages import PublicPageCall
from functions.web.package.frame import PackageFrame, show_tab
from shared.domain.event_queries import EventQuery
from shared.runtime.answers import Answer
from shared.services.packages.history import HistoryPage
from shared.services.packages.package_details import ReleaseDetails

ENTRIES_PER_PAGE = 25  # A screen or two.
TAB = "history"


async def history_page(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Show everything to members of the organization, releases and deprecations to others."""

    async def read(before: str) -> HistoryPage:
        query = EventQuery.parse({"before": before, "count": str(ENTRIES_PER_PAGE)})
        return await call.registry.packages.history.of_head(details.head, query, by=call.caller)

    shown = await page_at_cursor(call, "before", read)
    page = shown.found
    newest = quote(PackageFrame(details, call.base_url).address(TAB))
    values = {
        "entries": page.entries,
        "sentences": [history_sentence(each, page) for each in page.entries],
        "facts_of": history_facts,
        "credentials": CREDENTIAL_TEXTS,
        "is_for_members": page.is_for_members,
        "newest": "" if shown.is_first else newest,
        "older": f"{newest}?before={page.next}" if page.next else "",
        "problem": shown.problem,
    }
    status = shown.problem.status if shown.problem else HTTPStatus.OK
    return await show_tab(call, details, TAB, values, status=status)
