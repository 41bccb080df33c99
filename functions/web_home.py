"""GET /: what there is, and where one begins."""

import azure.functions as func

from functions._public_pages import METHODS, Look, PublicPages
from shared.domain.facets import Facet
from shared.registry import Registry

KEYWORDS = 12  # Of those that most packages have: a line or two.


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the first page."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("/", methods=METHODS)
    @pages.page
    async def web_home(look: Look) -> func.HttpResponse:
        showcase = await registry.showcasing.showcase()
        keywords = showcase.facets.get(Facet.KEYWORD, ())[:KEYWORDS]
        return look.show("web/home.html", showcase=showcase, keywords=keywords)

    return bp
