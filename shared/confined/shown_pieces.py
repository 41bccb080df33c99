"""Pieces that people and programs read, up to the size that a request sends."""

from shared.domain.api_docs.pieces import PiecesWriter

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
