"""Reading pieces: few reads of a file, and none of one that is gone."""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from shared.domain.api_docs.item_summaries import NO_API, ApiSummary, ConnectorSummary
from shared.domain.api_docs.pieces import PiecesPart, PiecesPointer, PiecesWriter, merge_pieces
from shared.domain.api_docs.records import ApiDocsRecord, DocsState
from shared.domain.archives.digests import Digest
from shared.ports.documents import DocumentStore
from shared.services.api_docs.pieces import PieceReader, PiecesGone

DIGEST = Digest.of(b"archive")
API = ApiSummary(connectors=(ConnectorSummary(id=1, module="greet", name="Client"),))


@dataclass
class Documents:
    """Files of pieces in memory, and what was read of them."""

    folder: Path
    record: ApiDocsRecord | None = None
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    ranges: list[tuple[str, int, int]] = field(default_factory=list[tuple[str, int, int]])
    records_read: int = 0

    async def api_docs_record(self, _: Digest) -> ApiDocsRecord | None:
        """Return the record."""
        self.records_read += 1
        return self.record

    async def read_pieces(self, _: Digest, name: str, start: int, count: int) -> bytes | None:
        """Return a range."""
        self.ranges.append((name, start, count))
        content = self.files.get(name)
        return None if content is None else content[start : start + count]

    def make(self, name: str, pieces: Iterable[tuple[str, str]]) -> None:
        """Replace the documentation."""
        path = self.folder / "part.pieces"
        with path.open("wb") as file:
            writer = PiecesWriter(file)
            for piece, content in pieces:
                writer.add(piece, content)
        target = io.BytesIO()
        pointer = merge_pieces([PiecesPart(path, writer.places)], target)
        self.files = {name: target.getvalue()}
        self.point(pointer.model_copy(update={"name": name}))

    def point(self, pointer: PiecesPointer | None) -> None:
        """Store a record that points to a file."""
        self.record = ApiDocsRecord(
            state=DocsState.DONE, generator=1, pieces=pointer, api=API, symbols="many"
        )


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return Documents(tmp_path)


@pytest.fixture
def reader(documents: Documents) -> PieceReader:
    return PieceReader(cast("DocumentStore", documents))


async def content(reader: PieceReader, name: str) -> str | None:
    found = await reader.read(DIGEST, name)
    return found and found.unpack().decode()


MANY = [(f"{number:05}" + "n" * 200, str(number)) for number in range(1_000)]


async def test_a_missing_piece_is_known_from_the_index(
    documents: Documents, reader: PieceReader
) -> None:
    documents.make("one", MANY)
    assert await reader.place(DIGEST, "zzz") is None
    read = len(documents.ranges)
    assert await content(reader, "zzzz") is None
    assert await content(reader, " ") is None
    assert len(documents.ranges) == read


async def test_a_small_file_is_read_with_its_index(
    documents: Documents, reader: PieceReader
) -> None:
    documents.make("one", [("a", "1"), ("b", "")])
    assert await content(reader, "b") == ""
    assert len(documents.ranges) == 1
    assert await content(reader, "a") == "1"
    assert documents.ranges[1:] == [("one", 0, 1)]


async def test_several_pieces_of_a_small_file_are_read_with_its_index(
    documents: Documents, reader: PieceReader
) -> None:
    documents.make("one", [("a", "1"), ("b", "2")])
    found = await reader.read_several(DIGEST, ["b", "z", "a"])
    assert [each and each.unpack() for each in found] == [b"2", None, b"1"]
    assert len(documents.ranges) == 1


async def test_several_pieces_of_a_file_that_was_replaced_are_all_of_the_new_one(
    documents: Documents, reader: PieceReader
) -> None:
    documents.make("one", [("a", "1"), ("b", "1")])
    assert await content(reader, "a") == "1"
    documents.make("two", [("a", "2"), ("b", "2")])
    found = await reader.read_several(DIGEST, ["a", "b"])
    assert [each and each.unpack() for each in found] == [b"2", b"2"]


async def test_of_a_large_file_only_the_index_and_the_piece_are_read(
    documents: Documents, reader: PieceReader
) -> None:
    documents.make("one", MANY)
    size = len(documents.files["one"])
    assert await content(reader, MANY[1][0]) == "1"
    [(_, start, count), *others] = documents.ranges
    assert start > 0
    assert start + count == size
    assert others == [("one", 1, 1)]


async def test_without_documentation_there_are_no_pieces(
    documents: Documents, reader: PieceReader
) -> None:
    assert await reader.record(DIGEST) is None
    assert await reader.place(DIGEST, "a") is None
    documents.point(None)
    assert await reader.read(DIGEST, "a") is None


async def test_a_record_is_kept_once_it_has_pieces_and_without_its_lists(
    documents: Documents, reader: PieceReader
) -> None:
    documents.point(None)
    for _ in range(2):
        assert await reader.record(DIGEST)
    assert documents.records_read == 2
    documents.make("one", [("a", "1")])
    for _ in range(2):
        record = await reader.record(DIGEST)
        assert record
        assert (record.api, record.symbols) == (NO_API, "")
    assert documents.records_read == 3


async def test_a_file_that_was_replaced_is_read_by_its_new_name(
    documents: Documents, reader: PieceReader
) -> None:
    documents.make("one", [("a", "1")])
    assert await content(reader, "a") == "1"
    documents.make("two", [("a", "2")])
    assert await content(reader, "a") == "2"


async def test_a_file_that_was_replaced_before_its_index_was_read_is_read_by_its_new_name(
    documents: Documents, reader: PieceReader
) -> None:
    documents.make("one", [("a", "1")])
    await reader.record(DIGEST)
    documents.make("two", [("a", "2")])
    assert await content(reader, "a") == "2"


async def test_a_piece_that_the_new_file_has_not_is_none(
    documents: Documents, reader: PieceReader
) -> None:
    documents.make("one", [("a", "1")])
    assert await content(reader, "a") == "1"
    documents.make("two", [("b", "2")])
    assert await content(reader, "a") is None


@pytest.mark.parametrize("left", [None, b"", b"short"])
async def test_a_file_that_is_gone_or_shorter_than_it_was_is_told(
    documents: Documents, reader: PieceReader, left: bytes | None
) -> None:
    documents.make("one", [("a", "1" * 100)])
    documents.files = {} if left is None else {"one": left}
    with pytest.raises(PiecesGone):
        await reader.place(DIGEST, "a")
    with pytest.raises(PiecesGone):
        await reader.read(DIGEST, "a")


async def test_a_file_that_is_gone_after_its_index_was_read_is_told(
    documents: Documents, reader: PieceReader
) -> None:
    documents.make("one", MANY)
    assert await content(reader, MANY[0][0]) == "0"
    documents.files.clear()
    with pytest.raises(PiecesGone):
        await reader.read(DIGEST, MANY[-1][0])
