"""GET /docs…: the manual, the part of `docs/` for people who publish and build packages and for
operators, and the search over it.
"""

import asyncio

from functions.html.public_pages import MARKDOWN, PublicPageCall, PublicPages
from functions.http.scripts import script_digests
from shared.domain.errors.missing_pages import PageNotFound
from shared.domain.search import MAX_QUERY_LENGTH
from shared.prose.manual import Manual, read_manual
from shared.prose.manual_search import search_manual
from shared.runtime.answers import Answer
from shared.settings import Settings

MANUAL = "/docs"

# Where readers who know their program find its settings: name, address.
PROGRAMS = (
    ("bal", "/docs/clients"),
    ("Maven", "/docs/clients#maven"),
    ("Gradle", "/docs/clients#gradle"),
    ("VS Code", "/docs/clients#vs-code"),
    ("GitHub Actions", "/docs/publish-from-ci#github-actions"),
    ("GitLab CI", "/docs/publish-from-ci#gitlab-ci"),
    ("Azure DevOps", "/docs/publish-from-ci#azure-devops"),
    ("Other CI systems", "/docs/publish-from-ci"),
    ("Nexus and Artifactory", "/docs/clients-behind-proxies#nexus-or-artifactory-in-front"),
    ("curl", "/docs/clients#without-bal"),
)
pages = PublicPages()
FACES = (pages,)


def manual_of(settings: Settings) -> Manual:
    """Return the documentation as the registry with these settings shows it."""
    words = tuple(script_digests(settings.base_url).items())
    return read_manual(settings.base_url, settings.operator_program, words)


@pages.read("docs/{page?}", serves_anonymous_always=True)
async def web_manual(call: PublicPageCall) -> Answer:
    # A thread, because the first call of a process reads every page.
    manual = await asyncio.to_thread(manual_of, call.registry.settings)
    name = call.redacted_route.get("page", "")
    if not name:
        return await _manual_overview(call, manual)
    page = manual.page(name)
    if page is None:
        raise PageNotFound(f"{MANUAL}/{name}")
    if call.wants_markdown:
        return call.text(page.markdown, MARKDOWN)
    html = await asyncio.to_thread(page.render)
    return call.show("web/manual/page.html", manual=manual, page=page, html=html)


async def _manual_overview(call: PublicPageCall, manual: Manual) -> Answer:
    """List the pages, or what a search finds in them."""
    sought = call.redacted_query.get("q", "")[:MAX_QUERY_LENGTH].strip()
    found = await asyncio.to_thread(search_manual, manual, sought) if sought else []
    return call.show(
        "web/manual/overview.html",
        manual=manual,
        page=None,
        programs=PROGRAMS,
        url=call.base_url,
        sought=sought,
        found=found,
    )
