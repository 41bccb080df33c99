"""Tiles: their paths, their contents, and what a longer log adds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors.transparency import NoteUnreadable, ProofRefused
from shared.domain.transparency.merkle_tree import (
    HashRange,
    NodeAddress,
    ProofPlan,
    leaf_hash,
    require_inclusion,
)
from shared.domain.transparency.tiles import (
    ENTRIES_LEVEL,
    LARGEST_ENTRY_BYTES,
    Tile,
    bundle_of,
    entries_of,
    node_of_tile,
    tile_at,
    tile_with,
    with_subtrees,
)
from shared.domain.transparency.tree_edge import TreeEdge, edge_tiles
from tests.support.log_checker import naive_leaf, naive_root

PATHS = {
    Tile(0, 0): "tile/0/000",
    Tile(0, 0, 5): "tile/0/000.p/5",
    Tile(1, 67, 112): "tile/1/067.p/112",
    Tile(0, 1234067): "tile/0/x001/x234/067",
    Tile(63, 999_999): "tile/63/x999/999",
    Tile(ENTRIES_LEVEL, 273, 112): "tile/entries/273.p/112",
    Tile(ENTRIES_LEVEL, 1_000): "tile/entries/x001/000",
}


@pytest.mark.parametrize("tile", PATHS, ids=PATHS.get)
def test_a_tile_has_one_path(tile: Tile) -> None:
    assert tile.path == PATHS[tile]
    assert Tile.parse(PATHS[tile]) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/001",
        "tile/0/x001/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/05",
        "tile/0/000/",
        "tile/0/../000",
        "tile/-1/000",
        "tile/data/000",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "/tile/0/000",
    ],
)
def test_another_spelling_of_a_path_is_refused(path: str) -> None:
    with pytest.raises(NoteUnreadable, match="The path of a tile cannot be read"):
        Tile.parse(path)


@given(st.integers(-1, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_every_tile_is_found_by_its_path(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.parse(tile.path) == tile


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_has_the_entries_that_it_was_made_of(entries: list[bytes]) -> None:
    assert entries_of(bundle_of(entries)) == entries


@pytest.mark.parametrize("content", [b"\0", b"\0\2a", b"\0\1a\0"])
def test_a_cut_bundle_is_refused(content: bytes) -> None:
    with pytest.raises(NoteUnreadable, match="A bundle of entries cannot be read"):
        entries_of(content)


def test_a_cut_tile_is_refused() -> None:
    with pytest.raises(NoteUnreadable, match="hashes are missing at its end"):
        node_of_tile(NodeAddress(1, 0), bytes(32))
    with pytest.raises(NoteUnreadable, match="not a multiple of 32 bytes"):
        node_of_tile(NodeAddress(0, 0), bytes(33))


@pytest.mark.parametrize("height", range(8))
def test_the_subtrees_of_a_full_tile_have_the_hashes_that_are_computed_from_its_own(
    height: int,
) -> None:
    _, files = files_of([256])
    content = files["tile/0/000"]
    for number in range(256 >> height):
        node = NodeAddress(height, number)
        assert node_of_tile(node, with_subtrees(content)) == node_of_tile(node, content)
    assert with_subtrees(content[:-32]) == content[:-32]


def entry(number: int) -> bytes:
    return b"entry %d" % number


def files_of(batches: list[int]) -> tuple[TreeEdge, dict[str, bytes]]:
    """Return the log that grew by batches of so many entries, and all of its files."""
    edge = TreeEdge()
    files = dict[str, bytes]()
    for count in batches:
        extension = edge.extended([entry(edge.size + at) for at in range(count)])
        for path, content in extension.files.items():
            assert files.setdefault(path, content) == content, "No file ever changes."
        edge = extension.edge
    return edge, files


@given(st.lists(st.integers(0, 700), min_size=1, max_size=6))
def test_a_log_that_grows_has_the_root_and_the_tiles_of_its_entries(batches: list[int]) -> None:
    edge, files = files_of(batches)
    leaves = [naive_leaf(entry(number)) for number in range(edge.size)]
    assert edge.head == (sum(batches), naive_root(leaves))
    plan = ProofPlan((HashRange(0, edge.size),))
    known = {
        node: node_of_tile(node, files[tile_with(node, edge.size).path]) for node in plan.nodes
    }
    assert plan.hashes(known) == (edge.head.root,)
    for number in range(0, edge.size, 97):
        bundle = entries_of(files[tile_at(ENTRIES_LEVEL, number // 256, edge.size).path])
        assert bundle[number % 256] == entry(number)


@given(st.integers(0, 700), st.integers(1, 700))
def test_the_new_files_are_enough_to_prove_new_entries(before: int, added: int) -> None:
    old, _ = files_of([before])
    extension = old.extended([entry(before + number) for number in range(added)])
    size, root = extension.edge.head
    proofs = list(extension.inclusion_proofs(extension.entries))
    assert len(proofs) == added
    for (index, new), proof in zip(extension.entries.items(), proofs, strict=True):
        assert new == entry(index)
        require_inclusion(leaf_hash(new), index, size=size, root=root, proof=proof)


def test_an_entry_of_a_log_of_three_levels_is_proven_from_the_new_files() -> None:
    old, _ = files_of([256 * 256 - 2])
    extension = old.extended([b"the last", b"the first of the next level", b"and another"])
    size, root = extension.edge.head
    index = 256 * 256 - 1
    [proof] = extension.inclusion_proofs([index])
    new = leaf_hash(extension.entries[index])
    require_inclusion(new, index, size=size, root=root, proof=proof)


def test_a_log_of_seventy_thousand_entries_has_the_tiles_of_the_specification() -> None:
    assert edge_tiles(70_000) == [
        Tile(ENTRIES_LEVEL, 273, 112),
        Tile(0, 273, 112),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert edge_tiles(256) == [Tile(1, 0, 1)]
    assert edge_tiles(0) == []


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 65_536, 65_800])
def test_the_edge_of_a_log_is_read_from_its_tiles(size: int) -> None:
    edge, files = files_of([size])
    read = {tile: files[tile.path] for tile in edge_tiles(size)}
    assert TreeEdge.of_files(size, read).head == edge.head


def test_an_edge_of_cut_or_foreign_tiles_is_refused() -> None:
    _, files = files_of([5])
    [bundle, tile] = edge_tiles(5)
    good = {bundle: files[bundle.path], tile: files[tile.path]}
    with pytest.raises(ProofRefused, match="has 4 parts, and not 5"):
        TreeEdge.of_files(5, good | {tile: files[tile.path][:-32]})
    with pytest.raises(ProofRefused, match="not that of the last tile"):
        TreeEdge.of_files(5, good | {bundle: bundle_of([b"other"] * 5)})


def test_an_entry_has_a_largest_size() -> None:
    assert TreeEdge().extended([bytes(LARGEST_ENTRY_BYTES)]).edge.size == 1
    with pytest.raises(ProofRefused, match="too large for a log"):
        TreeEdge().extended([bytes(LARGEST_ENTRY_BYTES + 1)])
