"""The file of pieces: whatever they are named and hold, each is found by the root and one block."""

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
    BLOCK_BYTES,
    MAX_NAME_LENGTH,
    PieceKind,
    PiecePlace,
    PiecesPart,
    PiecesPointer,
    PiecesRoot,
    PiecesWriter,
    merge_pieces,
    parse_block,
    piece_name,
    place_in_block,
)

Pieces = Iterable[tuple[str, str | bytes]]


@dataclass(frozen=True)
class Merged:
    """A file of pieces, read as a process does that has nothing else."""

    content: bytes
    pointer: PiecesPointer

    @property
    def root(self) -> PiecesRoot:
        return PiecesRoot.parse(self.content[self.pointer.root_start : self.pointer.end])

    def place(self, name: str) -> PiecePlace | None:
        at = self.root.block_of(name)
        if at is None:
            return None
        block = self.content[at[0] : sum(at)]
        place = place_in_block(block, name)
        assert place == parse_block(block).get(name)
        return place

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


def test_a_file_without_pieces_has_a_root(tmp_path: Path) -> None:
    found = merged(tmp_path)
    assert found.root.block_of("a") is None
    assert found.pointer.index_start == found.pointer.root_start == 0


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


@pytest.mark.slow
def test_84_000_names_are_in_blocks_of_which_each_is_read_alone(tmp_path: Path) -> None:
    names = [piece_name(PieceKind.SYMBOL_PAGE, "greet", f"Type{n}") for n in range(84_000)]
    found = merged(tmp_path, [(each, each) for each in names])
    root = found.root
    assert all(length <= BLOCK_BYTES for _, length in root.blocks)
    assert len(root.blocks) > 50
    assert found.pointer.end - found.pointer.root_start < BLOCK_BYTES
    for name in (names[0], names[41_999], names[-1], min(names), max(names)):
        assert found.read(name) == name.encode()
    assert found.read("symbol.html|greet|Type84000") is None


def test_a_block_of_the_longest_names_is_as_small(tmp_path: Path) -> None:
    names = [f"{number:03}" + "\U0001f600" * (MAX_NAME_LENGTH - 3) for number in range(20)]
    found = merged(tmp_path, [(each, "x") for each in names])
    assert all(length <= BLOCK_BYTES for _, length in found.root.blocks)
    assert [found.read(each) for each in names] == [b"x"] * 20


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
    rows = json.loads(found.content[found.pointer.root_start :])
    assert [each[0] for each in rows] == found.root.first_names
