"""Connectors and triggers as editors read them, with the records of other packages and without."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from shared.confined import shown_pieces
from shared.confined.docs_pages import DocsPages
from shared.confined.release_files import OtherModule
from shared.confined.shown_pieces import OtherModules, add_editor_pieces, add_symbol
from shared.domain.api_docs.documents import write_document
from shared.domain.api_docs.outline import declared
from shared.domain.api_docs.pieces import PieceKind, PiecesWriter, piece_name
from tests.support.documented import documented
from tests.support.release_jobs import a_request

SOURCE = """
import ballerina/http;
public client class Client { public function init(http:Config config, Own own) {} }
public type Own record {| int size; |};
"""
TRIGGER = """
public class Listener {
    public function attach(Service s, string[]|string? name = ()) returns error? {}
    public function detach(Service s) returns error? {}
    public function 'start() returns error? {}
    public function gracefulStop() returns error? {}
    public function immediateStop() returns error? {}
}
public type Service distinct service object { remote function onSale(int count) returns error?; };
"""
HTTP = documented("public type Config record {| string host; |};", "http").model_copy(
    update={"org_name": "ballerina", "version": "2.12.1"}
)
AVAILABLE = OtherModule(
    org="ballerina", name="http", version="2.12.1", module="http", file="other-0.json.gz"
)
MISSING = AVAILABLE.model_copy(update={"file": ""})


def added(source: str, folder: Path, *others: OtherModule) -> dict[str, str]:
    """Return what is added of a module."""
    (folder / "other-0.json.gz").write_bytes(gzip.compress(write_document(HTTP)))
    file = io.BytesIO()
    pieces = PiecesWriter(file)
    modules = OtherModules(folder, a_request(others=others))
    add_editor_pieces(pieces, documented(source), [], modules)
    content = file.getvalue()
    return {
        name: place.unpack(content[place.start : place.start + place.length]).decode()
        for name, place in pieces.places.items()
    }


def test_a_text_is_left_out_whose_markdown_would_be_too_large_to_send() -> None:
    """Each included field names its record again."""
    name = "A" * 30_000
    fields = " ".join(f"int f{number};" for number in range(100))
    module = documented(
        f"public type {name} record {{| {fields} |}};\npublic type Item record {{| *{name}; |}};"
    )
    pieces = PiecesWriter(io.BytesIO())
    pages = DocsPages.of(a_request(), module, {})
    for _, symbol in declared(module):
        add_symbol(pieces, pages, symbol, piece_name)
    item = (module.id, "Item")
    assert piece_name(PieceKind.SYMBOL_PAGE, *item) in pieces.places
    assert piece_name(PieceKind.SYMBOL_MARKDOWN, *item) not in pieces.places
    assert piece_name(PieceKind.SYMBOL_TEXT, *item) not in pieces.places


def client(form: str) -> str:
    return piece_name(PieceKind.CONNECTOR, "shop", "client", form)


def head(piece: str) -> dict[str, Any]:
    return json.loads(piece.partition("\n")[0])


def test_a_piece_names_the_release_whose_fields_are_missing(tmp_path: Path) -> None:
    found = added(SOURCE, tmp_path, MISSING)
    assert found.keys() == {client("own")}
    assert head(found[client("own")]) == {"took": [], "missing": [["ballerina", "http", "2.12.1"]]}
    assert '"host"' not in found[client("own")]
    assert '"size"' in found[client("own")]


@pytest.mark.parametrize("changes", [{"version": "2.12.0"}, {"org": "other"}, {"module": "other"}])
def test_only_the_exact_release_is_read(tmp_path: Path, changes: dict[str, str]) -> None:
    found = added(SOURCE, tmp_path, AVAILABLE.model_copy(update=changes))
    assert found.keys() == {client("own")}
    assert head(found[client("own")]) == {"took": [], "missing": []}


def test_few_modules_are_read_for_one_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_pieces, "MODULES_READ", 0)
    assert head(added(SOURCE, tmp_path, AVAILABLE)[client("own")])["missing"] == []


def test_a_trigger_is_found_by_the_names_of_its_listener_and_services(tmp_path: Path) -> None:
    found = added(TRIGGER, tmp_path)
    names = {piece_name(PieceKind.TRIGGER_NAME, "shop", each) for each in ("listener", "service")}
    trigger = piece_name(PieceKind.TRIGGER, "shop", "", "own")
    assert found.keys() == {trigger, *names}
    assert "onSale" in found[trigger]


def test_a_document_is_read_once_for_all_items(tmp_path: Path) -> None:
    (tmp_path / "other-0.json.gz").write_bytes(gzip.compress(write_document(HTTP)))
    modules = OtherModules(tmp_path, a_request())
    assert modules.document(AVAILABLE) is modules.document(AVAILABLE)
