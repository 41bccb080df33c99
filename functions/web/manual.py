"""GET /docs…: the manual, the part of `docs/` for people who publish and build packages."""

import asyncio

from functions.http.public_pages import MARKDOWN, PublicPageCall, PublicPages
from shared.domain.errors.requests import PageNotFound
from shared.prose.manual import Manual, read_manual
from shared.runtime.answers import Answer

MANUAL = "/docs"

# Where readers who know their program find its settings: name, address.
PROGRAMS = (
    ("bal", "/docs/clients"),
    ("Maven", "/docs/build-tools#maven"),
    ("Gradle", "/docs/build-tools#gradle"),
    ("VS Code", "/docs/editors#vs-code"),
    ("GitHub Actions", "/docs/trusted-publishing-providers#github-actions"),
    ("GitLab CI", "/docs/trusted-publishing-providers#gitlab-ci"),
    ("Azure DevOps", "/docs/trusted-publishing-providers#azure-devops"),
    ("Other CI systems", "/docs/clients#on-a-build-server"),
    ("Nexus and Artifactory", "/docs/clients-behind-proxies#nexus-or-artifactory-in-front"),
    ("curl", "/docs/clients#without-bal"),
)


pages = PublicPages()
FACES = (pages,)


@pages.read("docs/{page?}")
async def web_manual(call: PublicPageCall) -> Answer:
    # In a thread, since the first call of a process renders every page.
    program = call.registry.settings.operator_program
    manual = await asyncio.to_thread(read_manual, call.base_url, program)
    name = call.redacted_route.get("page", "")
    if not name:
        return _overview(call, manual)
    page = manual.page(name)
    if page is None:
        raise PageNotFound(f"{MANUAL}/{name}")
    if call.wants_form(MARKDOWN):
        return call.text(page.markdown, MARKDOWN)
    return call.show("web/manual/page.html", manual=manual, page=page, words="")


def _overview(call: PublicPageCall, manual: Manual) -> Answer:
    words = call.redacted_query.get("q", "").strip()
    hits = manual.search(words)
    return call.show(
        "web/manual/overview.html",
        manual=manual,
        page=None,
        words=words,
        hits=hits,
        programs=PROGRAMS,
        url=call.base_url,
    )
