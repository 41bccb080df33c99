"""The page of a release's bills of materials: what is inside, and how the author's differs."""

from functions.html.public_pages import PublicPageCall
from functions.web.package.frame import show_tab
from shared.runtime.answers import Answer
from shared.services.packages.package_details import ReleaseDetails

ROWS_SHOWN = 300  # Java libraries; the bill of materials has them all.


async def sbom_page(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Show the Java libraries inside of a release, and its bills of materials."""
    found = await call.registry.api_docs.sboms.overview(details.release)
    values = {"found": found, "rows_shown": ROWS_SHOWN}
    return await show_tab(call, details, "sbom", values)
