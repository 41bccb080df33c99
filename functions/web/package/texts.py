"""The texts of a release as HTML, as they were made after its push."""

from html import escape

from functions.http.public_pages import PublicPageCall
from shared.domain.api_docs.pieces import PieceKind
from shared.domain.errors.packages import ApiDocsFailed
from shared.domain.errors.requests import ApiDocsPending
from shared.prose.rendering import show_plain
from shared.prose.safe_html import SafeHtml
from shared.services.packages.package_details import ReleaseDetails

PLAIN = (
    '<pre class="source" tabindex="0" role="region" aria-label="The text as it was written">'
    "<code>{}</code></pre>"
)


async def readme_html(
    call: PublicPageCall, details: ReleaseDetails, module: str = "", *, plain: str = ""
) -> SafeHtml:
    """Return the readme of a release, or of one of its modules; until it is made, and if it is
    refused, the reason and the `plain` text."""
    return await text_html(call, details, PieceKind.README, module, plain=plain)


async def text_html(
    call: PublicPageCall, details: ReleaseDetails, kind: PieceKind, *of: str, plain: str = ""
) -> SafeHtml:
    """Return a text as HTML, as `readme_html` does."""
    try:
        return SafeHtml(
            await call.registry.api_docs.documentation.text(details.release, kind, *of) or ""
        )
    except (ApiDocsFailed, ApiDocsPending) as refusal:
        reason = f'<p class="cut">{escape(str(refusal))}</p>\n'
        return SafeHtml(reason + (PLAIN.format(show_plain(plain)) if plain else ""))
