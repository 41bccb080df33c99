"""Markdown to HTML as GitHub renders it: the parser with bounds, and changes to its tokens."""

import html
import re
from collections.abc import Iterator, MutableMapping, Sequence
from functools import cache, partial
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.gfm import gfm_plugin
from msgspec import Struct, field

from shared.prose.highlighting import highlight_code, load_lexer
from shared.prose.safe_html import (
    MAX_ATTRIBUTE_CHARACTERS,
    MAX_BRACKET_DEPTH,
    MAX_BRACKETS,
    MAX_CELLS,
    MAX_HIGHLIGHTED_CHARACTERS_OF_TEXT,
    MAX_HTML_CHARACTERS,
    MAX_NESTING,
    MAX_PARAGRAPH_CHARACTERS,
    UNTIL_BLOCKS,
    UNTIL_HTML,
    UNTIL_PARAGRAPHS,
    RenderingTimeout,
    Stopwatch,
    TextPlace,
)
from shared.prose.sanitizing import RawHtml, lowered, picture_elsewhere

_PROTOCOLS = ("http", "https", "mailto", "xmpp")
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")
_MAX_SLUG_CHARACTERS = 100
_DELIMITERS = re.compile(r"[ \t|:-]+")
_BUDGET = "budget"  # The key of `_Budget` in the `env` of the parser.


class _Budget(Struct):
    """The remaining limits of a text that is rendered."""

    watch: Stopwatch
    highlighted_characters: int = MAX_HIGHLIGHTED_CHARACTERS_OF_TEXT
    cells: int = MAX_CELLS
    is_cut: bool = False


def parse_markdown(text: str, place: TextPlace, watch: Stopwatch) -> tuple[str, bool]:
    """Return the text as HTML of bounded size that has yet to be cleaned, and whether it is cut."""
    with watch.stopped():
        parser = _parser()
    budget = _Budget(watch)
    env: dict[str, Any] = {_BUDGET: budget}
    tokens = parser.parse(text, env)
    changes = _Changes(RawHtml(place), place)
    pieces, size = list[str](), 0
    for block in _blocks(tokens):
        if watch.is_over(UNTIL_HTML) or size > MAX_HTML_CHARACTERS:
            budget.is_cut = True
            break
        changes.apply(block)
        pieces.append(parser.renderer.render(block, parser.options, env))
        size += len(pieces[-1])
    return "".join(pieces), budget.is_cut


def _blocks(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Yield the tokens of each top-level block."""
    begun = depth = 0
    for at, token in enumerate(tokens, start=1):
        depth += token.nesting
        if depth == 0:
            yield tokens[begun:at]
            begun = at


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": MAX_NESTING, "xhtmlOut": False})
    parser.use(gfm_plugin)
    parser.core.ruler.at("block", _blocks_within_time)
    parser.core.ruler.at("inline", _inline_within_bounds)
    # In every chain of rules, since a paragraph tries one of them at each of its lines.
    everywhere: list[str] = ["paragraph", "reference", "blockquote", "list", "footnote_def"]
    parser.block.ruler.before("table", "time", _time_of_blocks, {"alt": everywhere})
    parser.block.ruler.at("table", _table_within_bounds, {"alt": ["paragraph", "reference"]})
    parser.inline.ruler.before("text", "time", _time_of_inline)
    parser.inline.ruler.before("gfm_autolink_protocol", "short_pending", _short_pending)
    rules = {"fence": _code, "code_block": _code, "list_item_open": _list_item}
    rules |= {"table_open": _table_open, "table_close": _table_close}
    rules |= {"footnote_block_open": _footnotes_open, "footnote_anchor": _footnote_anchor}
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


# --- rules of the parser -----------------------------------------------------------------------


def _blocks_within_time(state: StateCore) -> None:
    """Parse blocks until the time is over."""
    try:
        state.md.block.parse(state.src, state.md, state.env, state.tokens)
    except RenderingTimeout:
        _cut_at(len(state.tokens), state)


def _inline_within_bounds(state: StateCore) -> None:
    """Parse the content of paragraphs until the time is over."""
    for at, token in enumerate(state.tokens):
        if token.type == "inline":
            try:
                _parse_inline(token, state)
            except RenderingTimeout:
                return _cut_at(at, state)
    return None


def _parse_inline(token: Token, state: StateCore) -> None:
    """Parse one paragraph; one that is too long or too nested stays plain text."""
    token.children = []
    if _is_reasonable(token.content):
        state.md.inline.parse(token.content, state.md, state.env, token.children)
    else:
        token.children.append(_text(token.content))


def _cut_at(end: int, state: StateCore) -> None:
    """Drop the top-level block of this token, and all that follow."""
    _budget(state).is_cut = True
    whole = sum(len(block) for block in _blocks(state.tokens[:end]))
    del state.tokens[whole:]


def _is_reasonable(paragraph: str) -> bool:
    if len(paragraph) > MAX_PARAGRAPH_CHARACTERS or paragraph.count("[") > MAX_BRACKETS:
        return False
    return bracket_depth(paragraph) <= MAX_BRACKET_DEPTH


_BRACKET = re.compile(r"[\[\]]")


def bracket_depth(text: str) -> int:
    """Return the maximum number of open brackets, whatever they mean."""
    deepest = depth = 0
    for bracket in _BRACKET.finditer(text):
        depth = depth + 1 if bracket[0] == "[" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


def _time_of_blocks(state: StateBlock, _start: int, _end: int, _silent: bool) -> bool:
    """Check the time before each block; match nothing."""
    _budget(state).watch.check(UNTIL_BLOCKS)
    return False


def _time_of_inline(state: StateInline, _silent: bool) -> bool:
    """Check the time before each part of a paragraph; match nothing."""
    _budget(state).watch.check(UNTIL_PARAGRAPHS)
    return False


def _table_within_bounds(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a table if the text may still have its cells, including the padding of short rows."""
    if not _DELIMITERS.fullmatch(_line(state, start + 1, end)):
        return False
    budget, cells = _budget(state), _cells(state, start, end)
    if cells > budget.cells:
        return False
    is_table = table(state, start, end, silent)
    if is_table and not silent:
        budget.cells -= cells
    return is_table


def _cells(state: StateBlock, start: int, end: int) -> int:
    """Return the maximum number of cells of the lines up to the next empty one."""
    columns = _line(state, start + 1, end).strip(" \t|").count("|") + 1
    rows = next((at for at in range(start, end) if state.isEmpty(at)), end) - start
    return columns * rows


def _line(state: StateBlock, line: int, end: int) -> str:
    if line >= end:
        return ""
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _budget(state: StateCore | StateBlock | StateInline) -> _Budget:
    return state.env[_BUDGET]


def _short_pending(state: StateInline, _silent: bool) -> bool:
    """Shorten the text before a colon, which the next rule, for bare URLs, searches each time."""
    if state.src[state.pos] == ":" and state.pending:
        protocol = next((each for each in _PROTOCOLS if state.pending.endswith(each)), "")
        state.pending = state.pending.removesuffix(protocol)
        if state.pending:
            state.pushPending()
        state.pending = protocol
    return False


# --- changes to tokens -------------------------------------------------------------------------


class _Changes(Struct):
    """Changes the tokens of one text, in order."""

    raw: RawHtml
    place: TextPlace
    slugs: dict[str, int] = field(default_factory=dict[str, int])
    attribute_characters: int = MAX_ATTRIBUTE_CHARACTERS

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
        words = _plain_text(token.children or [])
        attributes = {"src": str(token.attrs.get("src", "")), "alt": words}
        return _markup(picture_elsewhere(attributes, in_a_link=in_a_link))

    def _spend(self, token: Token) -> None:
        """Drop attributes once those of the text are too long together."""
        if self.attribute_characters < 0:
            token.attrs = {}
        self.attribute_characters -= sum(len(str(value)) for value in token.attrs.values())

    def _heading(self, opening: Token, content: Token, closing: Token) -> None:
        opening.tag = closing.tag = lowered(opening.tag)
        words = _plain_text(content.children or []).strip()
        if slug := self._slug(words):
            opening.attrs["id"] = slug
            label = html.escape(f"Link to {words}")
            anchor = f' <a class="anchor" href="#{html.escape(slug)}" aria-label="{label}">#</a>'
            content.children = [*(content.children or []), _markup(anchor)]

    def _slug(self, words: str) -> str:
        slug = _NOT_IN_SLUG.sub("", words.lower()).replace(" ", "-")[:_MAX_SLUG_CHARACTERS]
        before = self.slugs.get(slug, 0)
        self.slugs[slug] = before + 1
        return f"{slug}-{before}" if before and slug else slug


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


def _text(content: str) -> Token:
    return _token("text", content)


def _markup(content: str) -> Token:
    return _token("html_inline", content)


def _token(kind: str, content: str) -> Token:
    return Token(kind, "", 0, content=content)


# --- rules of the renderer; each is a method of it ---------------------------------------------

_Options = MutableMapping[str, Any]


def _code(
    _self: RendererHTML, tokens: Sequence[Token], at: int, _options: _Options, env: dict[str, Any]
) -> str:
    """Write a block of code, highlighted as long as the budget lasts."""
    token, budget = tokens[at], env[_BUDGET]
    language = (token.info.split() or [""])[0]
    with budget.watch.stopped():
        load_lexer(language)
    budget.highlighted_characters -= len(token.content)
    known = language if budget.highlighted_characters >= 0 else ""
    code = highlight_code(token.content, known, partial(budget.watch.is_over, UNTIL_HTML))
    return f'<pre tabindex="0"><code>{code}</code></pre>\n'


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
    note, call = tokens[at].meta["id"] + 1, tokens[at].meta["subId"]
    ident, label = (f"{note}:{call}" if call else note), f"Back to where note {note} is called"
    return f' <a href="#fnref{ident}" class="footnote-backref" aria-label="{label}">↩</a>'
