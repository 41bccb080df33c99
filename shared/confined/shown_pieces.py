"""Pieces that people and programs read, up to the size that a request sends, and those with the
fields that records include from other packages; and connectors and triggers as editors read them.
"""

import gzip
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

from msgspec import Struct, field, to_builtins

from shared.confined.docs_pages import DocsPages
from shared.confined.docs_text import json_text, symbol_text
from shared.confined.release_files import OtherModule, ReleaseRequest
from shared.domain.api_docs.documents import list_texts, read_document, write_document
from shared.domain.api_docs.editor_items import (
    Declarations,
    Json,
    connector_parts,
    has_trigger,
    modules_used_by,
    trigger_parts,
)
from shared.domain.api_docs.model import DeclarationKind, ModuleDocs
from shared.domain.api_docs.other_packages import ModuleKey, OtherRecords
from shared.domain.api_docs.outline import DocsSymbol, declared
from shared.domain.api_docs.pieces import PieceKind, PiecesWriter, complete_name, piece_name
from shared.domain.api_docs.records import OtherRelease
from shared.domain.api_docs.symbol_texts import symbol_markdown
from shared.domain.records import Record

# The size of a page; a longer one says where the text is instead.
MAX_SHOWN_BYTES = 3 * 1024 * 1024
MAX_SENT_BYTES = 2 * 1024 * 1024  # The size of a text, which a request holds in memory as a whole.
LIST_OF_RECORDS = "records"
TOO_LARGE_TO_SHOW = (
    '<p class="cut">This is too large to show. Read it as Markdown, or in the files of the '
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
    """Add the page of a symbol, and its text and Markdown if they are short enough to be sent;
    `name` returns the name of a piece."""
    module = pages.module
    of = (module.id, symbol.path)
    add_page(pieces, name(PieceKind.SYMBOL_PAGE, *of), pages.symbol_page(symbol))
    text = symbol_text(pages.calls, symbol)
    markdown = symbol_markdown(text, f"{module.org_name}/{module.id} {module.version}")
    # Requests write the Markdown of the text again, which may be many times as long as the text.
    if len(markdown) <= MAX_SENT_BYTES:
        add_sent(pieces, name(PieceKind.SYMBOL_TEXT, *of), json_text(to_builtins(text)))
        pieces.add(name(PieceKind.SYMBOL_MARKDOWN, *of), markdown)


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


def add_complete_pieces(pieces: PiecesWriter, pages: DocsPages, records: OtherRecords) -> None:
    """Add the document of a module and the pages of its records with all fields, and say which
    records lack some."""
    module = pages.module
    if records.completed:
        name = complete_name(PieceKind.DOCUMENT, module.id)
        pieces.add(name, write_document(module))
        lists = (text for key, text in list_texts(module) if key == LIST_OF_RECORDS)
        pieces.add(complete_name(PieceKind.LIST, module.id, LIST_OF_RECORDS), next(lists))
    if records.incomplete:
        pieces.add(piece_name(PieceKind.AWAITED, module.id), "")
    for kind, symbol in declared(module):
        if kind is not DeclarationKind.RECORD:
            continue
        if symbol.title in records.incomplete:
            pieces.add(piece_name(PieceKind.AWAITED, module.id, symbol.path), "")
        if symbol.title in records.completed:
            add_symbol(pieces, pages, symbol, complete_name)


# Modules of other packages that are read for the fields of the records that one item uses.
MODULES_READ = 8
MODULES_KEPT = 16  # Modules of other packages in memory.
MAX_ITEM_BYTES = 4 * 1024 * 1024


class OtherModules(Struct, frozen=True):
    """The modules whose types the items of a module may use."""

    folder: Path
    request: ReleaseRequest
    read: dict[str, ModuleDocs] = field(default_factory=dict[str, ModuleDocs])

    def of_packages(self, used: set[tuple[str, str, str]]) -> list[OtherModule]:
        """Return the modules of other packages among those that are used: the exact versions that
        the release was built with."""
        found = (each for each in self.request.others if each.key in used)
        return sorted(found, key=lambda each: each.key)[:MODULES_READ]

    def known(self, org: str, module: str) -> ModuleDocs | None:
        """Return a module of another package, in the version of the dependency graph, if there is
        one and there is room for it."""
        found = (each for each in self.request.others if (each.org, each.module) == (org, module))
        other = next(found, None)
        if other is None or not other.file:
            return None
        is_read = other.file in self.read
        return self.document(other) if is_read or len(self.read) < MODULES_KEPT else None

    def document(self, module: OtherModule) -> ModuleDocs:
        docs = self.read.get(module.file)
        if docs is None:
            document = gzip.decompress((self.folder / module.file).read_bytes())
            docs = self.read[module.file] = read_document(document)
        return docs


def add_editor_pieces(
    pieces: PiecesWriter, docs: ModuleDocs, own: Sequence[ModuleDocs], others: OtherModules
) -> None:
    """Add the connectors of a module, by their names, and its trigger."""
    known = {(each.org_name, each.id): each for each in (*own, docs)}
    for client in docs.clients:
        parts = partial(connector_parts, docs, client.name)
        item = _Item(docs, PieceKind.CONNECTOR, client.name, parts)
        item.add(pieces, known, others)
    if has_trigger(docs):
        _Item(docs, PieceKind.TRIGGER, "", partial(trigger_parts, docs)).add(pieces, known, others)
        for each in (*docs.listeners, *docs.service_types):
            pieces.add(piece_name(PieceKind.TRIGGER_NAME, docs.id, each.name.lower()), "")


class _Item(Struct, frozen=True):
    docs: ModuleDocs
    kind: PieceKind
    name: str  # Empty for the trigger, of which a module has one.
    parts: Callable[[Declarations], Json]

    def add(self, pieces: PiecesWriter, known: Declarations, others: OtherModules) -> None:
        """Add the item with the fields of other packages' records, and without them."""
        used = others.of_packages(modules_used_by(self.docs, self.name))
        took = [each for each in used if each.file]
        missing = [each for each in used if not each.file]
        self._add(pieces, "own", [], used, known)
        if took:
            documents = map(others.document, took)
            more = {(each.org_name, each.id): each for each in documents}
            self._add(pieces, "all", took, missing, {**more, **known})

    def _add(
        self,
        pieces: PiecesWriter,
        form: str,
        took: Sequence[OtherModule],
        missing: Sequence[OtherModule],
        known: Declarations,
    ) -> None:
        head = {"took": _listed(took), "missing": _listed(missing)}
        text = f"{json_text(head)}\n{json_text(self.parts(known))}"
        if len(text) <= MAX_ITEM_BYTES:
            pieces.add(piece_name(self.kind, self.docs.id, self.name.lower(), form), text)


def _listed(modules: Sequence[OtherModule]) -> list[list[str]]:
    found = dict.fromkeys((each.org, each.name, each.version) for each in modules)
    return [list(each) for each in found]
