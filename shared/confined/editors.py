"""Connectors and triggers as editors read them, with the fields of the records that they use."""

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from shared.confined.docs_text import json_text
from shared.confined.release_files import OtherModule, ReleaseRequest
from shared.domain.api_docs.connectors import (
    Declarations,
    Json,
    connector_parts,
    has_trigger,
    modules_used_by,
    trigger_parts,
)
from shared.domain.api_docs.documents import read_document
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.pieces import PieceKind, PiecesWriter, piece_name

MODULES_READ = 8  # Of other packages, for the fields of the records that one item uses.
MODULES_KEPT = 16  # Of other packages, in memory.
MAX_ITEM_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OtherModules:
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


@dataclass(frozen=True, slots=True)
class _Item:
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
        head = {"took": _releases(took), "missing": _releases(missing)}
        text = f"{json_text(head)}\n{json_text(self.parts(known))}"
        if len(text) <= MAX_ITEM_BYTES:
            pieces.add(piece_name(self.kind, self.docs.id, self.name.lower(), form), text)


def _releases(modules: Sequence[OtherModule]) -> list[list[str]]:
    found = dict.fromkeys((each.org, each.name, each.version) for each in modules)
    return [list(each) for each in found]
