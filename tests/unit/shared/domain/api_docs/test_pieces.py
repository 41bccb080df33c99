"""The file of pieces: whatever they are named and hold, each is found by the index."""

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.api_docs.pieces import (
    MAX_NAME_LENGTH,
    PieceKind,
    PiecePlace,
    PiecesPart,
    PiecesPointer,
    PiecesWriter,
    merge_pieces,
    piece_name,
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


def test_a_name_has_the_kind_and_what_the_piece_is_of() -> None:
    assert piece_name(PieceKind.SYMBOL_PAGE, "greet", "Client.send") == (
        "symbol.html|greet|Client.send"
    )
    assert piece_name(PieceKind.SINCE) == "since"


def test_pieces_of_all_parts_come_back(tmp_path: Path) -> None:
    found = merged(tmp_path, [("b", "two"), ("a", b"one")], [], [("ä", "drei")])
    assert found.read("a") == b"one"
    assert found.read("b") == b"two"
    assert found.read("ä") == b"drei"
    assert found.pointer.end == len(found.content)


def test_the_first_of_a_part_and_the_last_part_count(tmp_path: Path) -> None:
    found = merged(tmp_path, [("a", "1"), ("b", "1"), ("b", "2")], [("a", "3"), ("a", "4")])
    assert (found.read("a"), found.read("b")) == (b"3", b"1")


def test_a_file_without_pieces_has_an_index(tmp_path: Path) -> None:
    found = merged(tmp_path)
    assert (found.pointer.index_start, found.content) == (0, b"[]")
    assert found.read("a") is None


@pytest.mark.parametrize("name", ["0", "aa", "z"])
def test_a_missing_piece_is_known_from_the_index(tmp_path: Path, name: str) -> None:
    assert merged(tmp_path, [("a", "1"), ("b", "2")]).read(name) is None


def test_a_long_piece_is_stored_as_a_gzip_file_and_a_short_one_as_it_is(tmp_path: Path) -> None:
    long, short = b"piece" * 1_000, b"piece"
    found = merged(tmp_path, [("long", long), ("short", short)])
    place = found.place("long")
    assert place
    assert place.length < place.unpacked_length == len(long)
    assert found.content[place.start :].startswith(b"\x1f\x8b")
    assert found.read("long") == long
    assert found.place("short") == PiecePlace(place.start + place.length, 5, 5)


def test_a_piece_that_gzip_does_not_shorten_is_stored_as_it_is(tmp_path: Path) -> None:
    noise = Random(1).randbytes(2_000)  # noqa: S311 - it only must not pack.
    found = merged(tmp_path, [("a", noise)])
    place = found.place("a")
    assert place
    assert place.length == place.unpacked_length
    assert found.read("a") == noise


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
