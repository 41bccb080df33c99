"""Sanitizing HTML of authors: raw HTML inside Markdown, the final cleaning, and the allow-lists.

The first pass already returns safe HTML, and bounds the work of the cleaner: a tree builder reopens
formatting that was left open in each paragraph, so a few kilobytes of `<b>` and `<p>` could become
gigabytes.
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import nh3
from msgspec import Struct, field
from pygments.token import STANDARD_TYPES

from shared.prose.safe_html import MAX_OPEN_TAGS, TextPlace, prefixed

_TAG = re.compile(
    r"""<(/?)([a-z][a-z0-9]*+)((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>""", re.IGNORECASE
)
_ATTRIBUTE = re.compile(
    r"""([^\s=/"'<>]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'<>=]++))?+""", re.IGNORECASE
)
_MAX_ATTRIBUTES = 20  # Of one tag; a tree builder compares each with all before it.


class RawHtml(Struct):
    """Reduces the raw HTML of one text to allowed tags that are balanced; call it in order."""

    place: TextPlace
    open_tags: list[str] = field(default_factory=list[str])

    def block(self, written: str) -> str:
        """Reduce a block of HTML; it closes formatting at its end, and may leave blocks open."""
        opened_before = len(self.open_tags)
        reduced = "".join(self._pieces(written))
        formatting = (
            at for at, tag in enumerate(self.open_tags) if at >= opened_before and tag not in BLOCKS
        )
        return reduced + self.closed_to(next(formatting, len(self.open_tags)))

    def inline(self, written: str) -> str:
        """Reduce one tag or comment inside a paragraph."""
        return "".join(self._pieces(written))

    def closed_to(self, depth: int) -> str:
        """Return the end tags that close all but the first `depth` open tags."""
        closing = reversed(self.open_tags[depth:])
        del self.open_tags[depth:]
        return "".join(f"</{lowered(tag)}>" for tag in closing)

    @property
    def is_in_a_link(self) -> bool:
        """Whether the text is inside a link that was written as HTML."""
        return "a" in self.open_tags

    def _pieces(self, written: str) -> Iterator[str]:
        at = 0
        while (start := written.find("<", at)) >= 0:
            yield written[at:start]
            if tag := _TAG.match(written, start):
                at = tag.end()
                yield self._tag(tag)
            elif written[start + 1 : start + 2] in ("!", "?"):
                at = _after_comment(written, start)
            else:
                at = start + 1
                yield "&lt;"
        yield written[at:]

    def _tag(self, tag: re.Match[str]) -> str:
        name = tag[2].lower()
        if name in UNWRAPPED:
            return ""
        if name not in ELEMENTS:
            return html.escape(tag[0], quote=False)
        if name in VOID:
            return self._void(name, tag)
        return self._closed(name) if tag[1] else self._opened(name, tag[3])

    def _void(self, name: str, tag: re.Match[str]) -> str:
        attributes = _attributes(name, tag[3])
        if name == "img" and not self.place.picture(attributes.get("src", "")):
            return picture_elsewhere(attributes, in_a_link=self.is_in_a_link)
        return _start_tag(name, attributes)

    def _opened(self, name: str, attributes: str) -> str:
        if len(self.open_tags) >= MAX_OPEN_TAGS or (name == "a" and self.is_in_a_link):
            return ""
        self.open_tags.append(name)
        return _start_tag(lowered(name), _attributes(name, attributes))

    def _closed(self, name: str) -> str:
        if name not in self.open_tags:
            return ""
        return self.closed_to(len(self.open_tags) - self.open_tags[::-1].index(name) - 1)


def lowered(element: str) -> str:
    """Return a heading one level lower, below the one of the page; other elements as they are."""
    if element[0] == "h" and element[1:].isdigit():
        return f"h{min(6, int(element[1:]) + 1)}"
    return element


def picture_elsewhere(attributes: Mapping[str, str], *, in_a_link: bool) -> str:
    """Return the replacement of a picture of another host: a link to it, or its words in a link.

    A browser that loaded it would tell that host who reads what.
    """
    source = attributes.get("src", "")
    words = html.escape(attributes.get("alt", "").strip() or "picture")
    if in_a_link or not source:
        return words
    return f'<a href="{html.escape(source)}">{words}</a>'


def _after_comment(written: str, start: int) -> int:
    """Return the end of the comment, the declaration or the instruction that begins here."""
    end = "-->" if written.startswith("<!--", start) else ">"
    found = written.find(end, start + 2)
    return found + len(end) if found >= 0 else len(written)


def _start_tag(element: str, attributes: Mapping[str, str]) -> str:
    written = "".join(f' {name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"<{element}{written}>"


def _attributes(element: str, written: str) -> dict[str, str]:
    allowed = attributes_of(element)
    found = islice(_ATTRIBUTE.finditer(written), _MAX_ATTRIBUTES)
    pairs = ((each[1].lower(), html.unescape((each[2] or "").strip("\"'"))) for each in found)
    return {name: value for name, value in pairs if name in allowed}


_ALIGNMENTS = frozenset(["left", "center", "right", "justify"])
_DIRECTIONS = frozenset(["ltr", "rtl", "auto"])
_MAX_ID_CHARACTERS = 120
_MAX_PIXELS = 2_000  # The style sheet limits pictures to the width of the text.
_MAX_SPAN = 100  # Columns or rows of one cell.
_LENGTH = re.compile(r"([0-9]{1,4})(?:px)?|(?:100|[0-9]{1,2})%")

# Classes that the renderer writes. Authors may write them as well; they style the text alone.
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
    return _cleaner(_Attributes(place, prefix)).clean(html)


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

ALIGNED = frozenset(["div", "h1", "h2", "h3", "h4", "h5", "h6", "img", "p", "table", "td", "th"])
_CELL = frozenset(["align", "colspan", "rowspan"])
_OF_ELEMENT = {
    "a": frozenset(["href", "title", "name"]),
    "img": frozenset(["src", "alt", "title", "width", "height", "align"]),
    "details": frozenset(["open"]),
    "ol": frozenset(["start", "reversed"]),
    "abbr": frozenset(["title"]),
    "td": _CELL,
    "th": _CELL,
}
_OF_BLOCK = frozenset(["id", "dir", "align"])


def attributes_of(element: str) -> frozenset[str]:
    """Return the attributes that an author may give an element."""
    own = _OF_ELEMENT.get(element, frozenset[str]())
    if element in BLOCKS or element == "a":
        own |= _OF_BLOCK if element in ALIGNED else _OF_BLOCK - {"align"}
    return own
