"""Markdown to HTML as GitHub writes it: the parser, and what is changed of what it finds."""

import html
import re
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.gfm import gfm_plugin

from shared.prose.addresses import Place
from shared.prose.bounding import (
    MOST_BRACKETS,
    MOST_HIGHLIGHTED_OF_A_TEXT,
    MOST_IN_A_PARAGRAPH,
    MOST_IN_ATTRIBUTES,
    MOST_NESTING,
)
from shared.prose.colouring import coloured
from shared.prose.raw_html import RawHtml, lowered, picture_elsewhere

_PROTOCOLS = ("http", "https", "mailto", "xmpp")
_NOT_IN_A_SLUG = re.compile(r"[^\w\- ]")
_LONGEST_SLUG = 100


def parsed(text: str, place: Place) -> str:
    """Return the text as HTML that is bounded, and still to be cleaned."""
    parser = _parser()
    env: dict[str, Any] = {"left_to_highlight": MOST_HIGHLIGHTED_OF_A_TEXT}
    tokens = parser.parse(text, env)
    _Changes(RawHtml(place), place).apply(tokens)
    return parser.renderer.render(tokens, parser.options, env)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": MOST_NESTING, "xhtmlOut": False})
    parser.use(gfm_plugin)
    parser.core.ruler.at("inline", _inline_within_bounds)
    parser.inline.ruler.before("gfm_autolink_protocol", "short_pending", _short_pending)
    rules = {"fence": _code, "code_block": _code, "list_item_open": _list_item}
    rules |= {"table_open": _table_open, "table_close": _table_close}
    rules |= {"footnote_block_open": _footnotes_open, "footnote_anchor": _footnote_anchor}
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


# --- rules of the parser -----------------------------------------------------------------------


def _inline_within_bounds(state: StateCore) -> None:
    """Parse what is in paragraphs; one that nobody would write by hand is a plain text."""
    for token in state.tokens:
        if token.type == "inline":
            token.children = []
            if _is_reasonable(token.content):
                state.md.inline.parse(token.content, state.md, state.env, token.children)
            else:
                token.children.append(_text(token.content))


def _is_reasonable(paragraph: str) -> bool:
    return len(paragraph) <= MOST_IN_A_PARAGRAPH and paragraph.count("[") <= MOST_BRACKETS


def _short_pending(state: StateInline, _silent: bool) -> bool:
    """Keep short what the next rule, for bare addresses, searches at every colon."""
    if state.src[state.pos] == ":" and state.pending:
        protocol = next((each for each in _PROTOCOLS if state.pending.endswith(each)), "")
        state.pending = state.pending.removesuffix(protocol)
        if state.pending:
            state.pushPending()
        state.pending = protocol
    return False


# --- changes of what was parsed ----------------------------------------------------------------


@dataclass
class _Changes:
    """Goes over all tokens of a text once, in their order."""

    raw: RawHtml
    place: Place
    slugs: dict[str, int] = field(default_factory=dict[str, int])
    left_in_attributes: int = MOST_IN_ATTRIBUTES

    def apply(self, tokens: Sequence[Token]) -> None:
        for at, token in enumerate(tokens):
            if token.type == "inline":
                token.children = list(self._paragraph(token.children or []))
            elif token.type == "html_block":
                token.content = self.raw.block(token.content)
            elif token.type == "heading_close":
                self._heading(*tokens[at - 2 : at + 1])
            elif token.type in ("th_open", "td_open"):
                _align(token)

    def _paragraph(self, children: Sequence[Token]) -> Iterator[Token]:
        opened_before, links = len(self.raw.open_tags), 0
        for token in children:
            links += token.nesting if token.type in ("link_open", "link_close") else 0
            self._spend(token)
            if token.type == "html_inline":
                token.content = self.raw.inline(token.content)
            if token.type == "image":
                yield self._picture(token, in_a_link=links > 0 or self.raw.is_in_a_link)
            else:
                yield token
        if unclosed := self.raw.closed_to(opened_before):
            yield _markup(unclosed)

    def _picture(self, token: Token, *, in_a_link: bool) -> Token:
        if self.place.picture(str(token.attrs.get("src", ""))):
            return token
        words = _words(token.children or [])
        attributes = {"src": str(token.attrs.get("src", "")), "alt": words}
        return _markup(picture_elsewhere(attributes, in_a_link=in_a_link))

    def _spend(self, token: Token) -> None:
        """Take away the attributes of all that comes when the text has used up its share."""
        if self.left_in_attributes < 0:
            token.attrs = {}
        self.left_in_attributes -= sum(len(str(value)) for value in token.attrs.values())

    def _heading(self, opening: Token, content: Token, closing: Token) -> None:
        opening.tag = closing.tag = lowered(opening.tag)
        words = _words(content.children or []).strip()
        if slug := self._slug(words):
            opening.attrs["id"] = slug
            label = html.escape(f"Link to {words}")
            anchor = f' <a class="anchor" href="#{html.escape(slug)}" aria-label="{label}">#</a>'
            content.children = [*(content.children or []), _markup(anchor)]

    def _slug(self, words: str) -> str:
        slug = _NOT_IN_A_SLUG.sub("", words.lower()).replace(" ", "-")[:_LONGEST_SLUG]
        before = self.slugs.get(slug, 0)
        self.slugs[slug] = before + 1
        return f"{slug}-{before}" if before and slug else slug


def _align(token: Token) -> None:
    """Say by an attribute what the parser says by a style, which no policy of ours lets through."""
    style = str(token.attrs.pop("style", ""))
    if style:
        token.attrs["align"] = style.removeprefix("text-align:")


def _words(children: Sequence[Token]) -> str:
    """Return the words of a line without its marks."""
    spoken = ("text", "code_inline", "image")
    return "".join(
        _words(each.children or []) if each.type == "image" else each.content
        for each in children
        if each.type in spoken
    )


def _text(content: str) -> Token:
    return _token("text", content)


def _markup(content: str) -> Token:
    return _token("html_inline", content)


def _token(kind: str, content: str) -> Token:
    return Token(kind, "", 0, content=content)


# --- rules of the renderer; each is a method of it ---------------------------------------------

_Options = MutableMapping[str, Any]


def _code(
    _self: RendererHTML,
    tokens: Sequence[Token],
    at: int,
    _options: _Options,
    env: dict[str, Any],
) -> str:
    """Write a block of code, with its colours while the text has work left for them."""
    token = tokens[at]
    language = (token.info.split() or [""])[0]
    env["left_to_highlight"] -= len(token.content)
    code = coloured(token.content, language if env["left_to_highlight"] >= 0 else "")
    return f'<pre tabindex="0"><code>{code}</code></pre>\n'


def _list_item(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: dict[str, Any]
) -> str:
    """Write the beginning of an item; a task is a sign, for nothing of an author is a control."""
    opening = self.renderToken(tokens, at, options, env)
    if "checked" not in tokens[at].meta:
        return opening
    classes, label = ("task done", "Done") if tokens[at].meta["checked"] else ("task", "Not done")
    return f'{opening}<span class="{classes}" role="img" aria-label="{label}"></span> '


def _table_open(*_arguments: object) -> str:
    """Begin a table that scrolls inside the text, also by keys."""
    return '<div class="wide" tabindex="0"><table>\n'


def _table_close(*_arguments: object) -> str:
    return "</table></div>\n"


def _footnotes_open(*_arguments: object) -> str:
    """Begin the footnotes, without the rule that the style sheet draws above them."""
    return '<section class="footnotes">\n<ol class="footnotes-list">\n'


def _footnote_anchor(
    _self: RendererHTML, tokens: Sequence[Token], at: int, *_arguments: object
) -> str:
    """Lead back from a footnote to where it was called."""
    note, call = tokens[at].meta["id"] + 1, tokens[at].meta["subId"]
    ident, label = (f"{note}:{call}" if call else note), f"Back to where note {note} is called"
    return f' <a href="#fnref{ident}" class="footnote-backref" aria-label="{label}">↩</a>'
