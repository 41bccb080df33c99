"""GET /: totals, keywords, and packages that are used most, updated and new."""

from functions.html.public_pages import PublicPageCall, PublicPages
from shared.runtime.answers import Answer

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
        keywords=summary.keywords,
        has_printed_link=not call.registry.settings.is_in_the_cloud,
    )
