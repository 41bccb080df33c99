"""/badges/{org}/{name}/{file}: SVG badges of public packages for readmes elsewhere."""

from contextlib import suppress

from functions.http.answers import NO_STORE
from functions.http.formatting import short
from functions.http.pages import SVG, AnonymousPages, PublicPageCall, render_template
from functions.web.package.frame import package_of
from shared.domain.errors.base import Invalid, NotFound
from shared.runtime.answers import Answer
from shared.services.packages.package_details import ReleaseDetails

# Other sites load badges from here; they run and load nothing.
BADGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=60",  # Badges of withheld packages disappear within that.
}

# Colours of the right half; white text is readable on each.
PLAIN, GOOD, WARNING, BAD, QUIET = "#0b6b67", "#1b6b3a", "#8a5300", "#a3262a", "#566167"

BADGES = ("version", "pulls", "platform", "deprecated")
MAX_CHARACTERS = 40  # Of a half; more is wider than a line of text.

pages = AnonymousPages()
FACES = (pages,)


@pages.read("badges/{org}/{name}/{file}")
async def web_badge(call: PublicPageCall) -> Answer:
    kind, _, suffix = call.redacted_route["file"].rpartition(".")
    if kind in BADGES and suffix == "svg":
        with suppress(NotFound, Invalid):
            details = await call.registry.packages.details.package(package_of(call), by=call.caller)
            answer = call.text(badge_svg(*_badge(kind, details)), SVG)
            answer.headers.update(BADGE_HEADERS)
            return answer
    picture = badge_svg("package", "not found", QUIET).encode()
    return Answer(picture, 404, BADGE_HEADERS | NO_STORE, SVG)


def _badge(kind: str, details: ReleaseDetails) -> tuple[str, str, str]:
    """Return the label, the message and the colour."""
    is_deprecated = details.deprecation is not None
    match kind:
        case "version":
            return "ballroom", f"v{details.release.version}", WARNING if is_deprecated else PLAIN
        case "pulls":
            return "pulls", short(details.head.pulls), PLAIN
        case "platform":
            return "platform", details.release.platform, PLAIN
        case _:
            return (
                ("status", "deprecated", BAD) if is_deprecated else ("status", "maintained", GOOD)
            )


def badge_svg(label: str, message: str, colour: str) -> str:
    """Return the picture, without scripts, styles or links; long texts are cut.

    It states the width of each text, to which browsers stretch every font.
    """
    cut = [
        text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"
        for text in (label, message)
    ]
    left, right = (7 * len(text) + 12 for text in cut)
    values = {"label": cut[0], "message": cut[1], "colour": colour, "left": left, "right": right}
    return render_template("web/badge.svg", values)
