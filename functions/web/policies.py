"""GET /policies/names: how names are given, disputed and taken, in words that an operator may
replace."""

import asyncio
from functools import lru_cache

from functions.html.name_policy import default_policy
from functions.html.public_pages import MARKDOWN, PublicPageCall, PublicPages
from functions.web.about import ABOUT_PAGES
from shared.prose.rendering import render_markdown
from shared.prose.safe_html import SafeHtml
from shared.prose.text_links import TextPlace
from shared.runtime.answers import Answer

MAX_CACHED_POLICIES = 4  # The text that comes with the registry, and the last ones of operators.

pages = PublicPages()
FACES = (pages,)


@pages.read("policies/names")
async def web_policy_names(call: PublicPageCall) -> Answer:
    policy = await call.registry.administration.policies.of_names()
    text = policy.text if policy else default_policy()
    if call.wants_markdown:
        return call.text(text, MARKDOWN)
    # A thread, because the first text of a process loads the renderer.
    rendered = await asyncio.to_thread(_rendered, text)
    return call.show(
        "web/policies/names.html",
        nav_links=ABOUT_PAGES,
        current_page="policies",
        policy=policy,
        text=rendered,
    )


class PolicyPlace(TextPlace, frozen=True):
    """The place of a policy: its links lead to pages of this registry, and to other sites."""

    def link(self, written: str, prefix: str) -> str:
        is_path = written.startswith("/") and not written.startswith("//")
        return written if is_path else super().link(written, prefix)

    def picture(self, written: str) -> str:  # noqa: ARG002 - policies have none.
        return ""


@lru_cache(maxsize=MAX_CACHED_POLICIES)
def _rendered(text: str) -> SafeHtml:
    return render_markdown(text, PolicyPlace(""), prefix="")
