"""/badges/{org}/{name}/{file}: SVG badges of public packages for readmes elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from html import escape

from functions.http.answers import NO_STORE
from functions.http.formatting import short
from functions.http.public_pages import SVG, AnonymousPages, PublicPageCall
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


pages = AnonymousPages()
FACES = (pages,)


@pages.read("badges/{org}/{name}/{file}")
async def web_badge(call: PublicPageCall) -> Answer:
    badge = await _badge(call)
    if badge is None:
        headers = BADGE_HEADERS | NO_STORE
        return Answer(NOT_FOUND_BADGE.svg().encode(), 404, headers, SVG)
    answer = call.text(badge.svg(), SVG)
    answer.headers.update(BADGE_HEADERS)
    return answer


class BadgeColour(Enum):
    """The colour of the right half; white text is readable on each."""

    PLAIN = "#0b6b67"
    GOOD = "#1b6b3a"
    WARNING = "#8a5300"
    BAD = "#a3262a"
    QUIET = "#566167"


@dataclass(frozen=True, slots=True)
class Badge:
    label: str
    message: str
    tone: BadgeColour = BadgeColour.PLAIN

    def svg(self) -> str:
        """Return the picture as SVG without scripts, styles or links."""
        label, message = _truncate(self.label), _truncate(self.message)
        left, right = _width(label), _width(message)
        name = escape(f"{label}: {message}")
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}"'
            f' role="img" aria-label="{name}"><title>{name}</title>'
            f'<clipPath id="r"><rect width="{left + right}" height="{_HEIGHT}" rx="3"/></clipPath>'
            '<g clip-path="url(#r)">'
            f'<rect width="{left}" height="{_HEIGHT}" fill="#3a464b"/>'
            f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{self.tone.value}"/></g>'
            '<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif"'
            f' font-size="{_FONT_SIZE}">{_text(label, 0, left)}{_text(message, left, right)}'
            "</g></svg>\n"
        )


async def _badge(call: PublicPageCall) -> Badge | None:
    """Return the badge, or None if there is no such badge or public package."""
    kind, _, suffix = call.redacted_route["file"].rpartition(".")
    make = BADGES.get(kind)
    if make is None or suffix != "svg":
        return None
    try:
        return make(await call.registry.packages.details.package(package_of(call), by=call.caller))
    except (NotFound, Invalid):
        return None


def _version(details: ReleaseDetails) -> Badge:
    tone = BadgeColour.PLAIN if details.deprecation is None else BadgeColour.WARNING
    return Badge("ballroom", f"v{details.release.version}", tone)


def _pulls(details: ReleaseDetails) -> Badge:
    return Badge("pulls", short(details.head.pulls))


def _platform(details: ReleaseDetails) -> Badge:
    return Badge("platform", details.release.platform)


def _deprecated(details: ReleaseDetails) -> Badge:
    if details.deprecation is None:
        return Badge("status", "maintained", BadgeColour.GOOD)
    return Badge("status", "deprecated", BadgeColour.BAD)


BADGES: dict[str, Callable[[ReleaseDetails], Badge]] = {
    "version": _version,
    "pulls": _pulls,
    "platform": _platform,
    "deprecated": _deprecated,
}

_HEIGHT, _PADDING, _FONT_SIZE = 20, 6, 11
_MAX_CHARACTERS = 40  # Of a half; more is wider than a line of text.

# Approximate widths of letters in Verdana at 11 pixels. The SVG states the width of each text, so
# that other fonts are stretched to fit.
_NARROW, _MEDIUM, _WIDE = 3.9, 6.7, 9.3
_NARROW_LETTERS = frozenset("ijlI1.,:;|!'()[] /-ftr")
_WIDE_LETTERS = frozenset("mwMW%@OQGD")

NOT_FOUND_BADGE = Badge("package", "not found", BadgeColour.QUIET)


def _truncate(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else f"{text[: _MAX_CHARACTERS - 1]}…"


def _width(text: str) -> int:
    return round(sum(map(_letter_width, text))) + 2 * _PADDING


def _letter_width(letter: str) -> float:
    if letter in _NARROW_LETTERS:
        return _NARROW
    return _WIDE if letter in _WIDE_LETTERS else _MEDIUM


def _text(text: str, start: int, width: int) -> str:
    inside = width - 2 * _PADDING
    return f'<text x="{start + _PADDING}" y="14" textLength="{inside}">{escape(text)}</text>'
