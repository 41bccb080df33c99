"""GET /: totals, categories, and the packages that are used most, updated and new."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from urllib.parse import quote_plus

from functions.http.public_pages import PublicPageCall, PublicPages
from shared.domain.search_facets import Facet, FacetCount
from shared.runtime.answers import Answer

CATEGORIES = (
    ("AI", "ai"),
    ("Databases", "database"),
    ("Messaging", "messaging"),
    ("Cloud", "cloud"),
    ("Healthcare", "healthcare"),
    ("Finance", "finance"),
    ("CRM", "crm"),
    ("Communication", "communication"),
)  # Each with the word that it searches for; a line of them, or two on a phone.
FEW_CATEGORIES = 4  # A registry with fewer has another subject, which its keywords tell.
_WORD = re.compile(r"[a-z0-9]+")


pages = PublicPages()
FACES = (pages,)


@pages.read("/")
async def web_home(call: PublicPageCall) -> Answer:
    summary = await call.registry.packages.statistics.summary()
    return call.show(
        "web/home.html",
        summary=summary,
        used=tuple(each for each in summary.used if summary.dependents.get(each.head.package.key)),
        pulled=tuple(each for each in summary.pulled if each.head.pulls),
        categories=categories(summary.facets.get(Facet.KEYWORD, ())),
        is_first_sign_in_due=await _is_first_sign_in_due(call),
    )


async def _is_first_sign_in_due(call: PublicPageCall) -> bool:
    """Return whether the sign-in link of the first start is still to be used."""
    registry = call.registry
    if call.visitor is not None or registry.settings.is_in_the_cloud:
        return False  # In the cloud nothing prints a link.
    return not await registry.identity.first_sign_in.has_happened()


def categories(keywords: Sequence[FacetCount]) -> tuple[tuple[str, str], ...]:
    """Return names with the searches for them: the categories of `CATEGORIES` that keywords have,
    or, where they are few, the keywords that several packages have."""
    words = {word for each in keywords for word in _WORD.findall(each.value.lower())}
    found = tuple((name, f"/search?q={word}") for name, word in CATEGORIES if word in words)
    return found if len(found) >= FEW_CATEGORIES else tuple(_popular(keywords))


def _popular(keywords: Sequence[FacetCount]) -> Iterator[tuple[str, str]]:
    shared = (each.value for each in keywords if each.count > 1)
    for keyword in islice(shared, len(CATEGORIES)):
        yield keyword, f"/search?keyword={quote_plus(keyword)}"
