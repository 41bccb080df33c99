"""GET /badges/{org}/{name}/{file}: badges of public packages for readmes elsewhere, as SVG and as
the JSON that shields.io draws.
"""

from contextlib import suppress
from typing import NamedTuple

import orjson

from functions.html.formatting import short_number
from functions.html.page_templates import render_template
from functions.html.public_pages import AnonymousPages, PublicPageCall
from functions.http.caching_headers import NO_STORE
from functions.http.json_answers import JSON
from functions.web.package.frame import package_of
from shared.domain.errors.base import Invalid, NotFound
from shared.domain.errors.missing_pages import PageNotFound
from shared.prose.safe_html import show_bidi_characters
from shared.runtime.answers import Answer
from shared.services.packages.package_details import ReleaseDetails

SVG = "image/svg+xml"

# Other sites load badges from here; they run and load nothing.
BADGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}
# The badge of a withdrawn package is cached no longer than a minute.
BADGE_CACHING = {"Cache-Control": "public, max-age=60"}

# Colors of the right half; white text is readable on each.
PLAIN = "#0b6b67"
WARNING = "#8a5300"
BAD = "#a52222"
QUIET = "#566167"

BADGES = ("version", "pulls", "license", "ballerina")
MAX_CHARACTERS = 40  # Characters of each half; more would be wider than a line of text.


class Badge(NamedTuple):
    label: str
    message: str
    color: str


MISSING = Badge("package", "not found", QUIET)

pages = AnonymousPages()
FACES = (pages,)


@pages.read("badges/{org}/{name}/{file}")
async def web_badge(call: PublicPageCall) -> Answer:
    """Return a badge. One of a package that is not public is that of a missing one, with status
    200, since readmes show no picture that comes with another."""
    kind, _, suffix = call.route_params["file"].rpartition(".")
    if kind not in BADGES or suffix not in ("svg", "json"):
        raise PageNotFound(call.target)
    with suppress(NotFound, Invalid):
        details = await call.registry.packages.details.stored(package_of(call), by=call.caller)
        if details.is_public:
            badge = _badge(kind, details)
            if kind == "version" and await _is_affected(call, details):
                badge = badge._replace(message=f"{badge.message} affected", color=BAD)
            return _answer(call, badge, suffix)
    return _answer(call, MISSING, suffix)


async def _is_affected(call: PublicPageCall, details: ReleaseDetails) -> bool:
    """Check whether an advisory affects the version that a badge shows."""
    affected = call.registry.advisories.affected_versions
    found = await affected.of_releases([details.release.coordinate])
    return bool(found.advisories[0])


def _answer(call: PublicPageCall, badge: Badge, suffix: str) -> Answer:
    if suffix == "svg":
        answer = call.text(badge_svg(badge), SVG)
    else:
        answer = call.text(orjson.dumps(shields_badge(badge)), JSON)
    is_cached = answer.headers["Cache-Control"] != NO_STORE["Cache-Control"]
    answer.headers.update(BADGE_HEADERS | (BADGE_CACHING if is_cached else {}))
    return answer


def _badge(kind: str, details: ReleaseDetails) -> Badge:
    release = details.release
    match kind:
        case "version":
            color = PLAIN if details.deprecation is None else WARNING
            return Badge("ballroom", f"v{release.version}", color)
        case "pulls":
            return Badge("pulls", short_number(details.head.pulls), PLAIN)
        case "license":
            message = show_bidi_characters(", ".join(release.licenses))
            return Badge("license", message or "not specified", PLAIN if message else QUIET)
        case _:
            message = show_bidi_characters(release.ballerina_version)
            return Badge("ballerina", message or "not specified", PLAIN if message else QUIET)


def shields_badge(badge: Badge) -> dict[str, object]:
    """Return the badge in version 1 of the schema of shields.io's endpoint badges."""
    schema = {"schemaVersion": 1, "label": badge.label, "message": badge.message}
    return {**schema, "color": badge.color, "isError": badge == MISSING}


def badge_svg(badge: Badge) -> str:
    """Return the picture, without scripts, styles or links; long texts are cut.

    It states the width of each text, to which browsers stretch every font.
    """
    label, message = (
        text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"
        for text in (badge.label, badge.message)
    )
    left, right = (7 * len(text) + 12 for text in (label, message))
    values = {"label": label, "message": message, "left": left, "right": right}
    return render_template("web/badge.svg", {**values, "color": badge.color})
