"""The tree of an exported index: files are replaced whole, and only those of an index removed."""

import os
from pathlib import Path

import pytest

from shared.adapters.data_folder import FolderUnusable
from shared.adapters.index_export import open_index_export
from shared.domain.documents import DerivedDocument
from shared.domain.sparse_index import INDEX_CONFIG_PATH, index_config

GREET = "acme/greet/index.json"
OTHER = "acme/other/index.json"
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


def test_unfinished_files_of_a_killed_export_are_deleted(root: Path) -> None:
    left = root / "gone/gone/index.json.partial"
    left.parent.mkdir(parents=True)
    left.write_text("half")
    with open_index_export(root) as index:
        assert index.keep_only({GREET, OTHER}) == 0
    assert not left.parent.parent.exists()


@pytest.mark.parametrize("content", ["{}", "[]", '{"dl', ""])
def test_a_folder_that_holds_something_else_is_not_touched(tmp_path: Path, content: str) -> None:
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
