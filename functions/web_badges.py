"""/badges/{org}/{name}/{file}: small pictures for readmes elsewhere, of public packages alone."""

from collections.abc import Callable

import azure.functions as func

from functions._http import NO_STORE
from functions._package_pages import package_of
from functions._public_pages import METHODS, SVG, Look, PublicPages
from functions._words import short
from shared.domain.badges import NOT_FOUND, Badge, Tone
from shared.domain.errors import Invalid, NotFound
from shared.registry import Registry
from shared.services.showing import Portrait

# Sites that show a badge load it from here; nothing in it is run or loaded.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=60",  # What is withdrawn is told by no badge after that.
}


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function that draws badges."""
    bp, pages = func.Blueprint(), PublicPages(registry)

    @bp.route("badges/{org}/{name}/{file}", methods=METHODS)
    @pages.same_for_all
    async def web_badge(look: Look) -> func.HttpResponse:
        badge = await _badge(look)
        if badge is None:
            headers = HEADERS | NO_STORE
            return func.HttpResponse(
                NOT_FOUND.svg(), status_code=404, headers=headers, mimetype=SVG
            )
        answer = look.text(badge.svg(), SVG)
        answer.headers.update(HEADERS)
        return answer

    return bp


async def _badge(look: Look) -> Badge | None:
    """Return what the badge says, or None where there is nothing to say it of."""
    kind, _, suffix = look.route["file"].rpartition(".")
    make = BADGES.get(kind)
    if make is None or suffix != "svg":
        return None
    try:
        return make(await look.registry.showing.package(package_of(look), by=look.principal))
    except (NotFound, Invalid):
        return None


def _version(portrait: Portrait) -> Badge:
    tone = Tone.PLAIN if portrait.deprecation is None else Tone.WARNING
    return Badge("ballroom", f"v{portrait.release.version}", tone)


def _pulls(portrait: Portrait) -> Badge:
    return Badge("pulls", short(portrait.head.pulls))


def _platform(portrait: Portrait) -> Badge:
    return Badge("platform", portrait.release.platform)


def _deprecated(portrait: Portrait) -> Badge:
    if portrait.deprecation is None:
        return Badge("status", "maintained", Tone.GOOD)
    return Badge("status", "deprecated", Tone.BAD)


BADGES: dict[str, Callable[[Portrait], Badge]] = {
    "version": _version,
    "pulls": _pulls,
    "platform": _platform,
    "deprecated": _deprecated,
}
