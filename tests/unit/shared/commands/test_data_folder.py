"""backup, restore, keys and the exported index."""

import json
from dataclasses import replace
from pathlib import Path

from tests.support.terminal import Terminal


def test_a_backup_is_a_registry_when_it_was_restored(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal.run("backup", str(tmp_path / "monday"))
    assert f"restore {tmp_path / 'monday'}" in said
    other = replace(terminal, data=tmp_path / "other")
    other.run("restore", str(tmp_path / "monday"))
    assert other.run("account", "list") == terminal.run("account", "list")


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


def test_an_export_holds_every_public_package(published: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    said = published.run("index", "export", str(folder))
    assert said == f"{folder} holds 1 packages: 1 written, 0 removed, 0 as they were.\n"
    [line] = (folder / "acme/greet/index.json").read_text().splitlines()
    assert json.loads(line)["version"] == "1.0.0"


def test_the_configuration_names_the_registry(published: Terminal, tmp_path: Path) -> None:
    published.run("index", "export", str(tmp_path / "index"), BALLROOM_URL="https://b.example")
    config = json.loads((tmp_path / "index/config.json").read_text())
    assert config["api"] == "https://b.example/2.0/registry"


def test_a_second_export_writes_nothing(published: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    published.run("index", "export", str(folder))
    said = published.run("index", "export", str(folder))
    assert said == f"{folder} holds 1 packages: 0 written, 0 removed, 1 as they were.\n"


def test_a_withheld_release_is_removed_from_the_export(published: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    published.run("index", "export", str(folder))
    published.run("package", "quarantine", "acme/greet:1.0.0", "--reason", "steals tokens")
    said = published.run("index", "export", str(folder))
    assert said == f"{folder} holds 0 packages: 0 written, 1 removed, 0 as they were.\n"
    assert not (folder / "acme").exists()


def test_progress_is_shown_separately_from_the_result(published: Terminal, tmp_path: Path) -> None:
    result = published.invoke("index", "export", str(tmp_path / "index"))
    assert result.stderr == "1 packages so far\n"


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
