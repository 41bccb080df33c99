"""Markdown to HTML as GitHub renders it: the parser, and changes to its tokens.

What a text costs is bounded by the budget of the confined process that renders it.
"""

import html
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.gfm import gfm_plugin
from msgspec import Struct, field

from shared.prose.highlighting import highlight_code
from shared.prose.safe_html import HeadingIds
from shared.prose.sanitizing import ELEMENTS, UNWRAPPED
from shared.prose.text_links import TextPlace

MAX_NESTING = 50  # Levels of nested lists and quotes; people read at most about five.
_TAG = re.compile(
    r"""<(/?)([a-z][a-z0-9]*+)((?>(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*))>""", re.IGNORECASE
)
_ATTRIBUTE = re.compile(
    r"""([^\s=/"'<>]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'<>=]++))?""", re.IGNORECASE
)


def parse_markdown(text: str, place: TextPlace) -> str:
    """Return the text as HTML that has yet to be cleaned."""
    parser = _parser()
    env: dict[str, Any] = {}
    tokens = parser.parse(text, env)
    _Changes(place).apply(tokens)
    return parser.renderer.render(tokens, parser.options, env)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": MAX_NESTING, "xhtmlOut": False})
    parser.use(gfm_plugin)
    rules = {"fence": _code, "code_block": _code, "list_item_open": _list_item}
    rules |= {"table_open": _table_open, "table_close": _table_close}
    rules |= {"footnote_block_open": _footnotes_open, "footnote_anchor": _footnote_anchor}
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


# --- changes to tokens -------------------------------------------------------------------------


class _Changes(Struct):
    """Changes the tokens of one text, in order."""

    place: TextPlace
    ids: HeadingIds = field(default_factory=HeadingIds)
    links: int = 0  # Links that are open, as Markdown or as HTML.

    def apply(self, tokens: Sequence[Token]) -> None:
        for at, token in enumerate(tokens):
            if token.type == "inline":
                token.children = list(self._paragraph(token.children or []))
            elif token.type == "html_block":
                token.content = _TAG.sub(self._tag, token.content)
            elif token.type == "heading_close":
                self._heading(*tokens[at - 2 : at + 1])
            elif token.type in ("th_open", "td_open"):
                _align(token)
                if not tokens[at + 1].content:
                    # A header without words names no column, so it is an ordinary cell.
                    token.tag = tokens[at + 2].tag = "td"

    def _paragraph(self, children: Sequence[Token]) -> Iterator[Token]:
        for token in children:
            self.links += token.nesting if token.type in ("link_open", "link_close") else 0
            if token.type == "html_inline":
                token.content = _TAG.sub(self._tag, token.content)
            source = str(token.attrs.get("src", ""))
            if token.type == "image" and not self.place.picture(source):
                yield _markup(self._picture_elsewhere(source, _plain_text(token.children or [])))
            else:
                yield token

    def _tag(self, tag: re.Match[str]) -> str:
        """Return a tag of raw HTML: one of no element of HTML is text, such as `map<string>`."""
        name = tag[2].lower()
        if name not in ELEMENTS | UNWRAPPED:
            return html.escape(tag[0], quote=False)
        if name == "a":
            self.links = max(0, self.links + (-1 if tag[1] else 1))
        if name == "img":
            found = _ATTRIBUTE.finditer(tag[3])
            given = {each[1].lower(): html.unescape((each[2] or "").strip("\"'")) for each in found}
            if not self.place.picture(given.get("src", "")):
                return self._picture_elsewhere(given.get("src", ""), given.get("alt", ""))
        return f"<{tag[1]}{_lowered(name)}{tag[3]}>"

    def _picture_elsewhere(self, source: str, words: str) -> str:
        """Return the replacement of a picture of another host: a link to it, or its words in a
        link.

        A browser that loaded it would tell that host who reads what.
        """
        words = html.escape(words.strip() or "picture")
        if self.links or not source:
            return words
        return f'<a href="{html.escape(source)}">{words}</a>'

    def _heading(self, opening: Token, content: Token, closing: Token) -> None:
        opening.tag = closing.tag = _lowered(opening.tag)
        words = _plain_text(content.children or []).strip()
        if name := self.ids.of(words):
            opening.attrs["id"] = name
            label = html.escape(f"Link to {words}")
            anchor = f' <a class="anchor" href="#{html.escape(name)}" aria-label="{label}">#</a>'
            content.children = [*(content.children or []), _markup(anchor)]


def _align(token: Token) -> None:
    """Turn a style into an attribute, since the Content-Security-Policy blocks styles."""
    style = str(token.attrs.pop("style", ""))
    if style:
        token.attrs["align"] = style.removeprefix("text-align:")


def _plain_text(children: Sequence[Token]) -> str:
    """Return the text of a line without its markup."""
    return "".join(
        _plain_text(each.children or []) if each.type == "image" else each.content
        for each in children
        if each.type in ("text", "code_inline", "image")
    )


def _markup(content: str) -> Token:
    return Token("html_inline", "", 0, content=content)


def _lowered(element: str) -> str:
    """Return a heading one level lower, below the one of the page; other elements as they are."""
    if element[0] == "h" and element[1:].isdigit():
        return f"h{min(6, int(element[1:]) + 1)}"
    return element


# --- rules of the renderer; each is a method of it ---------------------------------------------


def _code(_self: RendererHTML, tokens: Sequence[Token], at: int, *_arguments: object) -> str:
    """Write a block of code, highlighted."""
    language = (tokens[at].info.split() or [""])[0]
    return f'<pre tabindex="0"><code>{highlight_code(tokens[at].content, language)}</code></pre>\n'


def _list_item(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: dict[str, Any]
) -> str:
    """Write the beginning of an item; a task gets a sign, since texts have no form controls."""
    opening = self.renderToken(tokens, at, options, env)
    if "checked" not in tokens[at].meta:
        return opening
    classes, label = ("task done", "Done") if tokens[at].meta["checked"] else ("task", "Not done")
    return f'{opening}<span class="{classes}" role="img" aria-label="{label}"></span> '


def _table_open(*_arguments: object) -> str:
    """Begin a table that scrolls inside the text, also by keyboard."""
    return '<div class="wide" tabindex="0"><table>\n'


def _table_close(*_arguments: object) -> str:
    return "</table></div>\n"


def _footnotes_open(*_arguments: object) -> str:
    """Begin the footnotes without a rule, which the style sheet draws."""
    return '<section class="footnotes">\n<ol class="footnotes-list">\n'


def _footnote_anchor(
    _self: RendererHTML, tokens: Sequence[Token], at: int, *_arguments: object
) -> str:
    """Link a footnote to where it is referenced."""
    note = tokens[at].meta["id"] + 1
    call = tokens[at].meta["subId"]
    ident = f"{note}:{call}" if call else note
    label = f"Back to where note {note} is called"
    return f' <a href="#fnref{ident}" class="footnote-backref" aria-label="{label}">↩</a>'
