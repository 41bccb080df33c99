"""A file is replaced as a whole, or not at all."""

import os
from pathlib import Path

import pytest

from shared.runtime.file_replacement import Durability, partial_path, replacing

pytestmark = pytest.mark.measured


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file that is to be replaced."""
    file = tmp_path / "file"
    file.write_text("former")
    return file


@pytest.mark.parametrize("durability", Durability)
def test_whoever_reads_has_the_former_file_until_the_new_one_is_whole(
    file: Path, durability: Durability
) -> None:
    with replacing(file, durability) as partial:
        partial.write_text("new, ha")
        assert file.read_text() == "former"
        partial.write_text("new")
    assert file.read_text() == "new"
    assert [*file.parent.iterdir()] == [file]


@pytest.mark.parametrize("durability", Durability)
def test_a_failure_leaves_the_former_file_and_nothing_else(
    file: Path, durability: Durability
) -> None:
    def write(partial: Path) -> None:
        partial.write_text("ha")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), replacing(file, durability) as partial:
        write(partial)
    assert file.read_text() == "former"
    assert [*file.parent.iterdir()] == [file]


def test_what_a_killed_writer_left_is_overwritten(file: Path) -> None:
    partial_path(file).write_text("longer than what is written next")
    with replacing(file, Durability.UNSYNCED) as partial, partial.open("xb") as opened:
        opened.write(b"new")
    assert file.read_text() == "new"


def test_two_writers_without_a_lock_replace_one_after_the_other(file: Path) -> None:
    own = [file.with_name(f"file.{number}") for number in range(2)]
    with replacing(file, Durability.UNSYNCED, partial=own[0]) as first:
        with replacing(file, Durability.UNSYNCED, partial=own[1]) as second:
            first.write_text("first")
            second.write_text("second")
        assert file.read_text() == "second"
    assert file.read_text() == "first"


@pytest.mark.skipif(os.name == "nt", reason="no folder can be opened")
@pytest.mark.parametrize(
    ("durability", "synced"),
    [
        (Durability.SYNCED, [("new", "former"), ("folder", "new")]),
        (Durability.UNSYNCED, []),
    ],
)
def test_the_content_is_on_the_disk_before_the_name_and_the_name_before_the_end(
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    durability: Durability,
    synced: list[tuple[str, str]],
) -> None:
    found = list[tuple[str, str]]()

    def note(descriptor: int) -> None:
        is_folder = os.path.sameopenfile(descriptor, folder)
        content = "folder" if is_folder else os.pread(descriptor, 100, 0).decode()
        found.append((content, file.read_text()))

    folder = os.open(file.parent, os.O_RDONLY)
    monkeypatch.setattr(os, "fsync", note)
    with replacing(file, durability) as partial:
        partial.write_text("new")
    os.close(folder)
    assert found == synced
