"""GET /compare: two to four packages side by side."""

from urllib.parse import quote

from functions.html.public_pages import PublicPageCall, PublicPages
from functions.html.shown_advisories import mark_of
from shared.domain.coordinates import Package
from shared.runtime.answers import Answer
from shared.services.quality.package_comparison import MOST_COMPARED

pages = PublicPages()
FACES = (pages,)


@pages.read("compare")
async def web_compare(call: PublicPageCall) -> Answer:
    """Show the packages that the visitor may see. The page names no other, wherever it repeats its
    own address."""
    asked = _packages(call.redacted_query.get("packages", ""))
    found = await call.registry.quality.comparison.of(asked, by=call.caller)
    shown = [each.details.package for each in found]
    releases = [each.details.release.coordinate for each in found]
    affected = await call.registry.advisories.affected_versions.of_releases(releases)
    marks = [(mark_of(each), each) for each in affected.advisories]
    return call.show(
        "web/compare.html",
        marks=dict(zip([each.key for each in shown], marks, strict=True)),
        here=address_of(shown),
        found=found,
        left_out=len({each.key for each in asked}) - len(found),
        most=MOST_COMPARED,
        without={
            each.key: address_of([other for other in shown if other != each]) for each in shown
        },
    )


def _packages(text: str) -> list[Package]:
    """Parse names that commas separate, as a host joins the values of several fields."""
    return [Package.from_text(each) for each in text.split(",") if each.strip()]


def address_of(packages: list[Package]) -> str:
    """Return the path of a comparison."""
    names = ",".join(quote(str(each), safe="/") for each in packages)
    return f"/compare?packages={names}" if names else "/compare"
