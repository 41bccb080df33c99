"""Badges: small pictures that say one thing, for readmes elsewhere."""

from dataclasses import dataclass
from enum import Enum
from html import escape

_HEIGHT, _PADDING, _FONT_SIZE = 20, 6, 11
_LONGEST = 40  # Characters of a half; the rest would make it wider than a line of text.

# Widths of letters of Verdana at 11 pixels, in classes. The picture says how long each text is,
# so another font is stretched to fit.
_NARROW, _USUAL, _WIDE = 3.9, 6.7, 9.3
_NARROW_LETTERS = frozenset("ijlI1.,:;|!'()[] /-ftr")
_WIDE_LETTERS = frozenset("mwMW%@OQGD")


class Tone(Enum):
    """What the right half says, as a colour; white text is readable on each."""

    PLAIN = "#0b6b67"
    GOOD = "#1b6b3a"
    WARNING = "#8a5300"
    BAD = "#a3262a"
    QUIET = "#566167"


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge says."""

    label: str
    message: str
    tone: Tone = Tone.PLAIN

    def svg(self) -> str:
        """Return the picture: plain SVG without script, style or link."""
        label, message = _cut(self.label), _cut(self.message)
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


NOT_FOUND = Badge("package", "not found", Tone.QUIET)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _width(text: str) -> int:
    return round(sum(map(_letter, text))) + 2 * _PADDING


def _letter(letter: str) -> float:
    if letter in _NARROW_LETTERS:
        return _NARROW
    return _WIDE if letter in _WIDE_LETTERS else _USUAL


def _text(text: str, start: int, width: int) -> str:
    inside = width - 2 * _PADDING
    return f'<text x="{start + _PADDING}" y="14" textLength="{inside}">{escape(text)}</text>'
