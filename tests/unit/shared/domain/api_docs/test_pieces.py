"""The file of pieces: whatever they are named and hold, each is found by the index."""

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.api_docs.pieces import (
    MAX_NAME_LENGTH,
    PiecePlace,
    PiecesPart,
    PiecesPointer,
    PiecesWriter,
    merge_pieces,
    place_in_index,
)

Pieces = Iterable[tuple[str, str | bytes]]


@dataclass(frozen=True)
class Merged:
    """A file of pieces, read as a process does that has nothing else."""

    content: bytes
    pointer: PiecesPointer

    @property
    def index(self) -> bytes:
        return self.content[self.pointer.index_start : self.pointer.end]

    def place(self, name: str) -> PiecePlace | None:
        return place_in_index(self.index, name)

    def read(self, name: str) -> bytes | None:
        place = self.place(name)
        return place and place.unpack(self.content[place.start : place.start + place.length])


def merged(folder: Path, *parts: Pieces) -> Merged:
    """Return the file of some parts, each of which was written, saved and loaded."""
    loaded = list[PiecesPart]()
    for number, pieces in enumerate(parts):
        path = folder / f"{number}.pieces"
        with path.open("wb") as file:
            writer = PiecesWriter(file)
            for name, content in pieces:
                writer.add(name, content)
        PiecesPart(path, writer.places).save()
        loaded.append(PiecesPart.load(path))
    target = io.BytesIO()
    pointer = merge_pieces(loaded, target)
    return Merged(target.getvalue(), pointer)


def test_a_long_piece_is_stored_as_a_gzip_file_and_a_short_one_as_it_is(tmp_path: Path) -> None:
    long = b"piece" * 1_000
    short = b"piece"
    found = merged(tmp_path, [("long", long), ("short", short)])
    place = found.place("long")
    assert place
    assert place.length < place.unpacked_length == len(long)
    assert found.content[place.start :].startswith(b"\x1f\x8b")
    assert found.read("long") == long
    assert found.place("short") == PiecePlace(place.start + place.length, 5, 5)
    noise = Random(1).randbytes(2_000)  # noqa: S311 - it only must not pack.
    place = merged(tmp_path, [("a", noise)]).place("a")
    assert place
    assert place.length == place.unpacked_length


def test_a_piece_with_a_name_that_no_address_has_is_left_out(tmp_path: Path) -> None:
    longest = "n" * MAX_NAME_LENGTH
    found = merged(tmp_path, [(longest, "1"), (f"{longest}n", "2")])
    assert found.read(longest) == b"1"
    assert found.read(f"{longest}n") is None


def test_a_half_of_a_character_in_a_text_is_replaced(tmp_path: Path) -> None:
    assert merged(tmp_path, [("a", "x\ud800y")]).read("a") == b"x?y"


contents = st.one_of(st.binary(max_size=20), st.sampled_from([b"x" * 2_000, bytes(range(256)) * 5]))
piece_lists = st.lists(st.tuples(st.text(max_size=20), contents), max_size=10)


@given(st.lists(piece_lists, max_size=4), st.text(max_size=20))
def test_any_pieces_come_back_and_no_others(
    parts: list[list[tuple[str, bytes]]], other: str
) -> None:
    expected = dict[str, bytes]()
    for part in parts:
        expected |= dict(reversed(part))
    with TemporaryDirectory() as folder:
        found = merged(Path(folder), *parts)
    assert {name: found.read(name) for name in expected} == expected
    assert found.read(other) == expected.get(other)
    assert {each[0] for each in json.loads(found.index)} == set(expected)
