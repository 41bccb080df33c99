"""Pieces that people and programs read, up to the size that a request sends, and those with the
fields that records include from other packages.
"""

from collections.abc import Callable, Iterable
from typing import Self

from shared.confined.docs_pages import DocsPages
from shared.confined.docs_text import json_of, json_text, symbol_markdown
from shared.confined.release_files import OtherModule, ReleaseRequest
from shared.domain.api_docs.documents import list_texts, write_document
from shared.domain.api_docs.model import DeclarationKind, ModuleDocs
from shared.domain.api_docs.other_packages import ModuleKey, OtherRecords
from shared.domain.api_docs.outline import DocsSymbol, declared
from shared.domain.api_docs.pieces import PieceKind, PiecesWriter, complete_name, piece_name
from shared.domain.api_docs.records import OtherRelease
from shared.domain.records import Record

MAX_SHOWN_BYTES = 1024 * 1024  # Of a page; longer ones say where the text is instead.
MAX_SENT_BYTES = 2 * 1024 * 1024  # Of Markdown and JSON, which a request has in memory as a whole.
LIST_OF_RECORDS = "records"
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


# --- With the fields that records include from other packages -----------------------------------


def includes_others(module: ModuleDocs) -> bool:
    """Check whether a record of the module includes a record of another package."""
    included = (each.inclusion_type for record in module.records for each in record.fields)
    return any(each and not each.member_types and each.category == "libs" for each in included)


class InclusionFacts(Record):
    """The releases whose fields the records of a module have, and those whose fields they lack."""

    took: tuple[OtherRelease, ...]
    awaited: tuple[OtherRelease, ...]

    @classmethod
    def of(cls, request: ReleaseRequest, records: OtherRecords) -> Self:
        missing = [each for each in request.others if not each.file]
        return cls(
            took=_releases(request.others, records.took),
            awaited=_releases(missing, records.awaited),
        )


def _releases(
    modules: Iterable[OtherModule], keys: Iterable[ModuleKey]
) -> tuple[OtherRelease, ...]:
    found = (each for each in modules if (each.org, each.module) in keys)
    releases = (OtherRelease(org=e.org, name=e.name, version=e.version) for e in found)
    return tuple(dict.fromkeys(releases))


def add_complete_pieces(
    pieces: PiecesWriter,
    pages: DocsPages,
    records: OtherRecords,
    is_late: Callable[[], bool],
) -> None:
    """Add the document of a module and the pages of its records with all fields, the latter until
    `is_late`; and say which records lack some."""
    module = pages.module
    if records.completed:
        name = complete_name(PieceKind.DOCUMENT, module.id)
        pieces.add(name, write_document(module))
        name = complete_name(PieceKind.MODULE_JSON, module.id)
        add_sent(pieces, name, json_text(json_of(module)))
        lists = (text for key, text in list_texts(module) if key == LIST_OF_RECORDS)
        pieces.add(complete_name(PieceKind.LIST, module.id, LIST_OF_RECORDS), next(lists))
    if records.incomplete:
        pieces.add(piece_name(PieceKind.AWAITED, module.id), "")
    for kind, symbol in declared(module):
        if kind is not DeclarationKind.RECORD or is_late():
            continue
        if symbol.title in records.incomplete:
            pieces.add(piece_name(PieceKind.AWAITED, module.id, symbol.path), "")
        if symbol.title in records.completed:
            add_symbol(pieces, pages, symbol, complete_name)
