"""The page of a release's proof: how its line of the transparency log leads to the signed hash."""

from functions.html.public_pages import PublicPageCall
from functions.web.package.frame import show_tab
from shared.runtime.answers import Answer
from shared.services.packages.package_details import ReleaseDetails


async def proof_page(call: PublicPageCall, details: ReleaseDetails) -> Answer:
    """Draw the way from the release to the signed hash, and list the hashes on it."""
    logged = await call.registry.transparency.proofs.find(details.release)
    if logged is None:
        call.reload_soon()
    return await show_tab(call, details, "proof", {"logged": logged})
