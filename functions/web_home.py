"""GET /: what there is, and where one begins."""

from itertools import islice

import azure.functions as func

from functions._public_pages import CHANGING, METHODS, Look, PublicPages
from shared.domain.errors import MethodNotAllowed
from shared.domain.facets import Facet, Share
from shared.registry import Registry
from shared.services.showcasing import Showcase

KEYWORDS = 12  # Of those that most packages have: a line or two.


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the first page."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("/", methods=METHODS)
    @pages.page
    async def web_home(look: Look) -> func.HttpResponse:
        showcase = await registry.showcasing.showcase()
        return look.show(
            "web/home.html",
            showcase=showcase,
            pulled=tuple(each for each in showcase.pulled if each.head.pulls),
            keywords=keywords_of(showcase),
        )

    # A Function of its own, since no catch-all takes the empty path; the host has a page there.
    @bp.route("/", methods=CHANGING)
    @pages.page
    async def web_home_wrong_method(look: Look) -> func.HttpResponse:
        raise MethodNotAllowed(look.req.method, "/", *METHODS)

    return bp


def keywords_of(showcase: Showcase) -> tuple[Share, ...]:
    """Return the keywords that several packages have: what one alone says leads nowhere else."""
    shared = (each for each in showcase.facets.get(Facet.KEYWORD, ()) if each.count > 1)
    return tuple(islice(shared, KEYWORDS))
