"""Cleaning of HTML that authors wrote: the allow-lists of elements, attributes and values."""

import re
from collections.abc import Callable

import nh3
from pygments.token import STANDARD_TYPES

from shared.prose.text_links import TextPlace, prefixed

_ALIGNMENTS = frozenset(["left", "center", "right", "justify"])
_DIRECTIONS = frozenset(["ltr", "rtl", "auto"])
_MAX_ID_CHARACTERS = 120
_WITHOUT_SOURCE = re.compile('<img(?: (?!src=)[a-z]+="[^"]*")*>')  # As the cleaner writes it.
_MAX_PIXELS = 2_000  # The style sheet limits pictures to the width of the text.
_MAX_SPAN = 100  # Columns or rows of one cell.
_LENGTH = re.compile(r"([0-9]{1,4})(?:px)?|(?:100|[0-9]{1,2})%")

# Classes that the renderer writes. Authors may write them as well; they only style the text.
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


def sanitize(html: str, place: TextPlace, prefix: str) -> str:
    """Return the HTML with allowed content only, and with its links and ids resolved."""
    cleaned = _cleaner(_Attributes(place, prefix)).clean(html)
    return _WITHOUT_SOURCE.sub("", cleaned)


class _Attributes:
    """Returns the value of each attribute for the page, or None to drop it."""

    def __init__(self, place: TextPlace, prefix: str) -> None:
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
        if not value or len(value) > _MAX_ID_CHARACTERS or re.search(r"\s", value):
            return None
        return prefixed(value, self._prefix)


def _plain(name: str, value: str) -> str | None:
    allowed = _RULES.get(name)
    return value if allowed is None or allowed(value.lower()) else None


def _is_number(most: int) -> Callable[[str], bool]:
    return lambda value: value.isascii() and value.isdigit() and int(value[:9]) <= most


def _is_length(value: str) -> bool:
    length = _LENGTH.fullmatch(value)
    return length is not None and int(length[1] or 0) <= _MAX_PIXELS


_RULES: dict[str, Callable[[str], bool]] = {
    "align": _ALIGNMENTS.__contains__,
    "dir": _DIRECTIONS.__contains__,
    "width": _is_length,
    "height": _is_length,
    "colspan": _is_number(_MAX_SPAN),
    "rowspan": _is_number(_MAX_SPAN),
    "start": _is_number(10**8),
}


def _cleaner(attributes: _Attributes) -> nh3.Cleaner:
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


_FORMATTING = (
    "a abbr b bdi cite code del dfn em i ins kbd mark q rp rt ruby s samp small span strike "
    "strong sub sup tt var"
)
_BLOCKS = (
    "blockquote caption dd details div dl dt figcaption figure h1 h2 h3 h4 h5 h6 li ol p pre "
    "section summary table tbody td tfoot th thead tr ul"
)

# Tags that are dropped while their content stays. Any other unknown tag is shown as text, since it
# is often no HTML: `map<string>`.
_UNWRAPPED = (
    "article aside big body center colgroup col font footer head header html main nav nobr "
    "picture source u"
)

FORMATTING = frozenset(_FORMATTING.split())
BLOCKS = frozenset(_BLOCKS.split())
VOID = frozenset(["br", "hr", "img", "wbr"])
ELEMENTS = FORMATTING | BLOCKS | VOID
UNWRAPPED = frozenset(_UNWRAPPED.split())
