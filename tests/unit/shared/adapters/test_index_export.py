"""The tree of an exported index: files are replaced whole, and only those of an index removed."""

import os
from pathlib import Path

import pytest

from shared.adapters.filesystem import FolderUnusable
from shared.adapters.index_export import open_index_export
from shared.domain.documents import DerivedDocument
from shared.domain.sparse_index import INDEX_CONFIG_PATH, index_config

GREET, OTHER = "acme/greet/index.json", "acme/other/index.json"
CONFIG = DerivedDocument.of(index_config("https://registry.test"))


def tree(root: Path) -> set[str]:
    """Return every file below the folder that a web server would show."""
    files = (file.relative_to(root) for file in root.rglob("*") if file.is_file())
    return {file.as_posix() for file in files if not file.name.startswith(".")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with the index of two packages."""
    with open_index_export(tmp_path / "index") as index:
        for path in (INDEX_CONFIG_PATH, GREET, OTHER):
            index.put(path, CONFIG)
    return tmp_path / "index"


def test_a_file_is_written_only_when_it_changes(root: Path) -> None:
    with open_index_export(root) as index:
        before = (root / GREET).stat()
        assert not index.put(GREET, CONFIG)
        after = (root / GREET).stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        assert index.put(GREET, DerivedDocument.of(b"other\n", 1_790_000_000_500))
    assert (root / GREET).read_bytes() == b"other\n"
    assert (root / GREET).stat().st_mtime == 1_790_000_000.5


def test_a_reader_finishes_the_file_that_it_has_opened(root: Path) -> None:
    with (root / GREET).open("rb") as reader, open_index_export(root) as index:
        index.put(GREET, DerivedDocument.of(b"other\n"))
        assert reader.read() == CONFIG.content


def test_other_packages_are_removed_with_their_folders(root: Path) -> None:
    with open_index_export(root) as index:
        assert index.keep_only({GREET}) == 1
        assert tree(root) == {INDEX_CONFIG_PATH, GREET}
        assert index.keep_only(set()) == 1
    assert tree(root) == {INDEX_CONFIG_PATH}
    assert not (root / "acme").exists()


def test_files_that_are_not_of_the_index_are_deleted(root: Path) -> None:
    kept = {"robots.txt", "acme/greet/notes.txt", ".git/acme/index.json", "a/b/c/index.json"}
    for name in kept:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("mine")
    with open_index_export(root) as index:
        index.keep_only(set())
    assert tree(root) == {INDEX_CONFIG_PATH, *kept}


def test_unfinished_files_of_a_killed_export_are_deleted(root: Path) -> None:
    left = root / "gone/gone/index.json.partial"
    left.parent.mkdir(parents=True)
    left.write_text("half")
    with open_index_export(root) as index:
        assert index.keep_only({GREET, OTHER}) == 0
    assert not left.parent.parent.exists()


@pytest.mark.parametrize("content", ["{}", "[]", '{"dl', ""])
def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with (
        pytest.raises(FolderUnusable, match="holds files, but no index"),
        open_index_export(tmp_path),
    ):
        pass
    assert os.listdir(tmp_path) == ["config.json"]  # noqa: PTH208 - hidden files too.


def test_a_file_is_no_folder_of_an_index(tmp_path: Path) -> None:
    (tmp_path / "index").touch()
    with pytest.raises(FolderUnusable), open_index_export(tmp_path / "index"):
        pass


def test_an_empty_repository_becomes_an_index(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    with open_index_export(tmp_path) as index:
        assert index.put(INDEX_CONFIG_PATH, CONFIG)
