"""The last word on what reaches a page: an allow-list over the finished HTML."""

import re
from collections.abc import Callable

import nh3
from pygments.token import STANDARD_TYPES

from shared.prose.addresses import Place, prefixed
from shared.prose.allowed import ELEMENTS

_ALIGNMENTS = frozenset(["left", "center", "right", "justify"])
_DIRECTIONS = frozenset(["ltr", "rtl", "auto"])
_LONGEST_ID = 120
_WIDEST = 2_000  # Pixels; the box of a text is narrower, and cuts what is higher than any screen.
_MOST_CELLS = 100  # That one cell spans.
_LENGTH = re.compile(r"([0-9]{1,4})(?:px)?|(?:100|[0-9]{1,2})%")

# Classes that the renderer gives. An author who writes one by hand gets its looks, inside the text.
_CLASSES = {
    "a": {"anchor", "footnote-backref"},
    "div": {
        "wide",
        "markdown-alert",
        *(f"markdown-alert-{kind}" for kind in ("note", "tip", "important", "warning", "caution")),
    },
    "li": {"task-list-item", "footnote-item"},
    "ol": {"footnotes-list"},
    "p": {"markdown-alert-title"},
    "section": {"footnotes"},
    "sup": {"footnote-ref"},
    "span": {"task", "done"} | {name for name in STANDARD_TYPES.values() if name},
    "ul": {"contains-task-list"},
}
_ATTRIBUTES = {
    "*": {"id", "dir", "align"},
    "a": {"href", "title", "name", "aria-label"},
    "abbr": {"title"},
    "details": {"open"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start", "reversed"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
_VALUES = {
    "div": {"tabindex": {"0"}},
    "pre": {"tabindex": {"0"}},
    "span": {"role": {"img"}, "aria-label": {"Done", "Not done"}},
}


def cleaned(html: str, place: Place, prefix: str) -> str:
    """Return the markup with nothing in it but what is allowed, its addresses and ids resolved."""
    return _cleaner(_Attributes(place, prefix)).clean(html)


class _Attributes:
    """Decides on each attribute: its value as the page has it, or nothing."""

    def __init__(self, place: Place, prefix: str) -> None:
        self._place = place
        self._prefix = prefix

    def __call__(self, _element: str, name: str, value: str) -> str | None:
        match name:
            case "href":
                return self._place.link(value, self._prefix) or None
            case "src":
                return self._place.picture(value) or None
            case "id" | "name":
                return self._id(value)
            case _:
                return _plain(name, value)

    def _id(self, value: str) -> str | None:
        if not value or len(value) > _LONGEST_ID or re.search(r"\s", value):
            return None
        return prefixed(value, self._prefix)


def _plain(name: str, value: str) -> str | None:
    allowed = _RULES.get(name)
    return value if allowed is None or allowed(value.lower()) else None


def _is_number(most: int) -> Callable[[str], bool]:
    return lambda value: value.isascii() and value.isdigit() and int(value[:9]) <= most


def _is_length(value: str) -> bool:
    length = _LENGTH.fullmatch(value)
    return length is not None and int(length[1] or 0) <= _WIDEST


_RULES: dict[str, Callable[[str], bool]] = {
    "align": _ALIGNMENTS.__contains__,
    "dir": _DIRECTIONS.__contains__,
    "width": _is_length,
    "height": _is_length,
    "colspan": _is_number(_MOST_CELLS),
    "rowspan": _is_number(_MOST_CELLS),
    "start": _is_number(10**8),
}


def _cleaner(attributes: _Attributes) -> nh3.Cleaner:
    import nh3  # noqa: PLC0415 - most processes never render a text.

    return nh3.Cleaner(
        tags=set(ELEMENTS),
        clean_content_tags={"script", "style", "svg", "math", "template", "iframe", "noscript"},
        attributes=_ATTRIBUTES,
        tag_attribute_values=_VALUES,
        allowed_classes=_CLASSES,
        attribute_filter=attributes,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener ugc",
        set_tag_attribute_values={"img": {"loading": "lazy"}},
    )
