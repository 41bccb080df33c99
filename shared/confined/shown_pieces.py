"""Pieces that people and programs read, up to the size that a request sends."""

from collections.abc import Callable

from shared.confined.docs_pages import DocsPages
from shared.confined.docs_text import json_of, json_text, symbol_markdown
from shared.domain.api_docs.outline import DocsSymbol
from shared.domain.api_docs.pieces import PieceKind, PiecesWriter

MAX_SHOWN_BYTES = 1024 * 1024  # Of a page; longer ones say where the text is instead.
MAX_SENT_BYTES = 2 * 1024 * 1024  # Of Markdown and JSON, which a request has in memory as a whole.
TOO_LARGE_TO_SHOW = (
    '<p class="cut">This is too large to show. Read it as Markdown or JSON, or in the files of the '
    "release.</p>\n"
)


def add_page(pieces: PiecesWriter, name: str, html: str) -> None:
    pieces.add(name, html if len(html) <= MAX_SHOWN_BYTES else TOO_LARGE_TO_SHOW)


def add_sent(pieces: PiecesWriter, name: str, text: str) -> None:
    if len(text) <= MAX_SENT_BYTES:
        pieces.add(name, text)


def add_symbol(
    pieces: PiecesWriter, pages: DocsPages, symbol: DocsSymbol, name: Callable[..., str]
) -> None:
    """Add the page, the Markdown and the JSON of a symbol; `name` returns the name of a piece."""
    module = pages.module
    of = (module.id, symbol.path)
    add_page(pieces, name(PieceKind.SYMBOL_PAGE, *of), pages.symbol_page(symbol))
    add_sent(pieces, name(PieceKind.SYMBOL_MARKDOWN, *of), symbol_markdown(module, symbol))
    add_sent(pieces, name(PieceKind.SYMBOL_JSON, *of), json_text(json_of(symbol.docs)))
