"""GET /: totals, keywords, and the most used, most pulled, updated and new packages."""

from itertools import islice

from functions.http.operations import READ_METHODS, WRITE_METHODS
from functions.http.public_pages import PublicPageCall, PublicPages
from shared.domain.errors.requests import MethodNotAllowed
from shared.domain.search import Facet
from shared.runtime.answers import Answer

KEYWORDS = 12  # The most frequent of those that several packages have; a line or two.


pages = PublicPages()
FACES = (pages,)


@pages.read("/")
async def web_home(call: PublicPageCall) -> Answer:
    summary = await call.registry.packages.statistics.summary()
    shared = (each for each in summary.facets.get(Facet.KEYWORD, ()) if each.count > 1)
    return call.show(
        "web/home.html",
        summary=summary,
        pulled=tuple(each for each in summary.pulled if each.head.pulls),
        used=tuple(each for each in summary.used if summary.dependents.get(each.head.package.key)),
        keywords=tuple(islice(shared, KEYWORDS)),
    )


# No catch-all route matches the empty path, for which the Functions host has a page.
@pages.change("/", WRITE_METHODS)
async def web_home_wrong_method(call: PublicPageCall) -> Answer:
    raise MethodNotAllowed(call.method, "/", READ_METHODS)
