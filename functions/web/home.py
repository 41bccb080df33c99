"""GET /: totals, recent and popular packages."""

from itertools import islice

import azure.functions as func

from functions.http.public_pages import READ_METHODS, WRITE_METHODS, PageRequest, PublicPages
from shared.composition import Registry
from shared.domain.errors.requests import MethodNotAllowed
from shared.domain.search import Facet, FacetCount
from shared.services.statistics import RegistrySummary

KEYWORDS = 12  # Of those that most packages have: a line or two.


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the first page."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("/", methods=READ_METHODS)
    @pages.page
    async def web_home(look: PageRequest) -> func.HttpResponse:
        showcase = await registry.statistics.summary()
        return look.show(
            "web/home.html",
            showcase=showcase,
            pulled=tuple(each for each in showcase.pulled if each.head.pulls),
            keywords=keywords_of(showcase),
        )

    # A Function of its own, since no catch-all takes the empty path; the host has a page there.
    @bp.route("/", methods=WRITE_METHODS)
    @pages.page
    async def web_home_wrong_method(look: PageRequest) -> func.HttpResponse:
        raise MethodNotAllowed(look.req.method, "/", READ_METHODS)

    return bp


def keywords_of(showcase: RegistrySummary) -> tuple[FacetCount, ...]:
    """Return the keywords that several packages have: what one alone says leads nowhere else."""
    shared = (each for each in showcase.facets.get(Facet.KEYWORD, ()) if each.count > 1)
    return tuple(islice(shared, KEYWORDS))
