"""GET /: totals, keywords, and the most used, most pulled, updated and new packages."""

from itertools import islice

import azure.functions as func

from functions.http.public_pages import PageRequest, PublicPages
from functions.http.requests import READ_METHODS, WRITE_METHODS
from shared.composition import Registry
from shared.domain.errors.requests import MethodNotAllowed
from shared.domain.search import Facet

KEYWORDS = 12  # The most frequent of those that several packages have; a line or two.


def blueprint(registry: Registry) -> func.Blueprint:
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("/", methods=READ_METHODS)
    @pages.page
    async def web_home(request: PageRequest) -> func.HttpResponse:
        summary = await registry.statistics.summary()
        shared = (each for each in summary.facets.get(Facet.KEYWORD, ()) if each.count > 1)
        return request.show(
            "web/home.html",
            summary=summary,
            pulled=tuple(each for each in summary.pulled if each.head.pulls),
            used=tuple(
                each for each in summary.used if summary.dependents.get(each.head.package.key)
            ),
            keywords=tuple(islice(shared, KEYWORDS)),
        )

    # No catch-all route matches the empty path, for which the Functions host has a page.
    @bp.route("/", methods=WRITE_METHODS)
    @pages.page
    async def web_home_wrong_method(request: PageRequest) -> func.HttpResponse:
        raise MethodNotAllowed(request.req.method, "/", READ_METHODS)

    return bp
