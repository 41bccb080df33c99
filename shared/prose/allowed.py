"""What HTML an author may write: the subset that readmes elsewhere use, and nothing that acts."""

_FORMATTING = (
    "a abbr b bdi cite code del dfn em i ins kbd mark q rp rt ruby s samp small span strike "
    "strong sub sup tt var"
)
_BLOCKS = (
    "blockquote caption dd details div dl dt figcaption figure h1 h2 h3 h4 h5 h6 li ol p pre "
    "section summary table tbody td tfoot th thead tr ul"
)

# Tags that only dress what is in them: they go, and it stays. Any other is shown as it is written,
# because more often than not somebody wrote `map<string>` and meant it.
_DRESSING = (
    "article aside big body center colgroup col font footer head header html main nav nobr "
    "picture source u"
)

FORMATTING = frozenset(_FORMATTING.split())
BLOCKS = frozenset(_BLOCKS.split())
VOID = frozenset(["br", "hr", "img", "wbr"])
ELEMENTS = FORMATTING | BLOCKS | VOID
DRESSING = frozenset(_DRESSING.split())

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
    """Return the attributes that an author may give an element; what formats needs none."""
    own = _OF_ELEMENT.get(element, frozenset[str]())
    if element in BLOCKS or element == "a":
        own |= _OF_BLOCK if element in ALIGNED else _OF_BLOCK - {"align"}
    return own
