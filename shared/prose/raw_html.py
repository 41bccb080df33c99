"""HTML inside markdown: only tags that are allowed, well written, balanced and not too deep.

What leaves here could be put into a page; it is cleaned once more all the same. This pass bounds
the work of the cleaner: a tree builder opens formatting again in each paragraph that it was left
open before, so that a few kilobytes of `<b>` and `<p>` could become gigabytes.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from shared.prose.addresses import Place
from shared.prose.allowed import BLOCKS, DRESSING, ELEMENTS, VOID, attributes_of
from shared.prose.bounding import MOST_OPEN_TAGS

_TAG = re.compile(
    r"""<(/?)([a-z][a-z0-9]*+)((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>""", re.IGNORECASE
)
_ATTRIBUTE = re.compile(
    r"""([^\s=/"'<>]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'<>=]++))?+""", re.IGNORECASE
)
_MOST_ATTRIBUTES = 20  # Of one tag; a tree builder compares each with all before it.


@dataclass
class RawHtml:
    """The raw HTML of one text, in the order in which it stands there."""

    place: Place
    open_tags: list[str] = field(default_factory=list[str])

    def block(self, written: str) -> str:
        """Return a block of HTML; what formats is closed at its end, and blocks may stay open."""
        opened_before = len(self.open_tags)
        passed = "".join(self._pieces(written))
        formatting = (
            at for at, tag in enumerate(self.open_tags) if at >= opened_before and tag not in BLOCKS
        )
        return passed + self.closed_to(next(formatting, len(self.open_tags)))

    def inline(self, written: str) -> str:
        """Return one tag or comment inside a paragraph."""
        return "".join(self._pieces(written))

    def closed_to(self, depth: int) -> str:
        """Close what was opened since so many tags were open."""
        closing = reversed(self.open_tags[depth:])
        del self.open_tags[depth:]
        return "".join(f"</{lowered(tag)}>" for tag in closing)

    @property
    def is_in_a_link(self) -> bool:
        """Say whether the text here is inside a link that was written as HTML."""
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
        if name in DRESSING:
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
        if len(self.open_tags) >= MOST_OPEN_TAGS or (name == "a" and self.is_in_a_link):
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
    """Return what stands for a picture of another host: a link to it, or its words in a link.

    A browser that loaded it would tell that host who reads what.
    """
    source = attributes.get("src", "")
    words = html.escape(attributes.get("alt", "").strip() or "picture")
    if in_a_link or not source:
        return words
    return f'<a href="{html.escape(source)}">{words}</a>'


def _after_comment(written: str, start: int) -> int:
    """Return where the comment, the declaration or the instruction that begins here ends."""
    end = "-->" if written.startswith("<!--", start) else ">"
    found = written.find(end, start + 2)
    return found + len(end) if found >= 0 else len(written)


def _start_tag(element: str, attributes: Mapping[str, str]) -> str:
    written = "".join(f' {name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"<{element}{written}>"


def _attributes(element: str, written: str) -> dict[str, str]:
    allowed = attributes_of(element)
    found = islice(_ATTRIBUTE.finditer(written), _MOST_ATTRIBUTES)
    pairs = ((each[1].lower(), html.unescape((each[2] or "").strip("\"'"))) for each in found)
    return {name: value for name, value in pairs if name in allowed}
