"""backup, restore, keys and the exported index."""

from pathlib import Path

from tests.support.terminal import Terminal


def test_nothing_is_overwritten(terminal: Terminal, tmp_path: Path) -> None:
    terminal.run("backup", str(tmp_path / "monday"))
    assert "is not empty" in terminal.fail("backup", str(tmp_path / "monday"))
    assert "is not empty" in terminal.fail("restore", str(tmp_path / "monday"))


def test_a_folder_that_is_no_backup_is_not_restored(empty: Terminal, tmp_path: Path) -> None:
    assert "holds no registry" in empty.fail("restore", str(tmp_path))


def test_a_new_key_comes_before_the_old_one(terminal: Terminal) -> None:
    before = set((terminal.data / "keys").glob("*.key"))
    terminal.run("keys", "rotate")
    after = set((terminal.data / "keys").glob("*.key"))
    assert before < after
    assert len(after) == 2


def test_a_folder_of_something_else_is_refused(published: Terminal, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    assert published.fail("index", "export", str(tmp_path)) == (
        f"{tmp_path} holds files, but no index, so nothing was written. "
        "Choose a folder that is new, empty, or an export from before."
    )


def test_a_folder_that_cannot_be_written_is_refused(published: Terminal, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "index"
    assert published.fail("index", "export", str(folder)) == (
        f"{folder} cannot be written: Not a directory. Give whoever runs this the right "
        "and the room to write there, and run it again."
    )
