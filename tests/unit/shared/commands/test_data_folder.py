"""backup, restore, keys and the exported index."""

import os
import re
import sys
from pathlib import Path

import pytest

from shared.auth.log_keys import LogKeyRing
from shared.auth.release_keys import ReleaseKeyRing
from shared.runtime.private_files import replace_private
from tests.support.terminal import Terminal


def test_backup_and_restore_do_not_overwrite_a_folder(terminal: Terminal, tmp_path: Path) -> None:
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


def test_a_new_key_of_releases_leaves_the_earlier_ones_listed(terminal: Terminal) -> None:
    file = terminal.data / "keys" / "release-keys"
    [first] = ReleaseKeyRing.parse(file.read_text()).keys
    assert "signs releases in ten minutes" in terminal.run("keys", "rotate-release-keys")
    newest, second = ReleaseKeyRing.parse(file.read_text()).keys
    assert second.keyid == first.keyid != newest.keyid


def test_a_new_key_of_the_log_signs_beside_the_one_before(terminal: Terminal) -> None:
    file = terminal.data / "keys" / "log-keys"
    [first] = LogKeyRing.parse(file.read_text()).keys
    assert "Both keys sign the log until" in terminal.run("log", "rotate-key", "--days", "3")
    newest, second = LogKeyRing.parse(file.read_text()).keys
    assert second.seed == first.seed != newest.seed
    assert newest.until_ms is None
    assert second.until_ms is not None


def test_a_backup_has_all_keys(terminal: Terminal, tmp_path: Path) -> None:
    terminal.run("backup", str(tmp_path / "monday"))
    for name in ("release-keys", "log-keys"):
        copy = tmp_path / "monday" / "keys" / name
        assert copy.read_bytes() == (terminal.data / "keys" / name).read_bytes()


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


def test_a_restore_names_a_backup_or_a_release_and_its_backup(terminal: Terminal) -> None:
    for arguments in ((), ("--release", "acme/greet:1.0.0"), ("monday", "--from", "tuesday")):
        result = terminal.invoke("restore", *arguments)
        assert (result.exit_code, "Name a backup, or a release" in result.stderr) == (2, True)


def test_a_release_that_the_backup_lacks_is_named(published: Terminal, tmp_path: Path) -> None:
    published.run("backup", str(tmp_path / "backup"))
    [here] = (published.data / "archives" / "sha256").glob("*/*/*")
    [archive] = (tmp_path / "backup" / "archives" / "sha256").glob("*/*/*")
    here.unlink()
    archive.unlink()
    back = ("restore", "--release", "acme/greet:1.0.0", "--from", str(tmp_path / "backup"))
    assert "has no archive of acme/greet:1.0.0" in published.fail(*back)
    archive.write_bytes(b"something else")
    assert "is damaged in that backup as well" in published.fail(*back)
    assert "package not found" in published.fail(*back[:2], "acme/none:1.0.0", *back[3:])
    assert "is no backup" in published.fail(*back[:4], str(tmp_path / "nowhere"))


def test_a_damaged_archive_of_the_future_is_brought_back(
    published: Terminal, tmp_path: Path
) -> None:
    """As where the clock of the machine was set back."""
    [here] = (published.data / "archives" / "sha256").glob("*/*/*")
    content = here.read_bytes()
    published.run("backup", str(tmp_path / "backup"))
    here.unlink()
    here.write_bytes(content[:-1] + b"x")
    os.utime(here, (4_000_000_000, 4_000_000_000))
    back = ("restore", "--release", "acme/greet:1.0.0", "--from", str(tmp_path / "backup"))
    assert "is back" in published.run(*back)
    assert here.read_bytes() == content


def test_a_restore_ends_with_a_list_of_what_is_damaged(published: Terminal, tmp_path: Path) -> None:
    published.run("backup", str(tmp_path / "backup"))
    [archive] = (tmp_path / "backup" / "archives" / "sha256").glob("*/*/*")
    archive.unlink()
    other = Terminal(tmp_path / "restored")
    result = other.invoke("restore", str(tmp_path / "backup"))
    assert result.exit_code == 1
    assert "acme/greet:1.0.0: its archive is missing in the backup." in result.stdout
    assert "--release ORG/NAME:VERSION" in result.stdout
    assert "acme/greet:1.0.0" in other.run("package", "show", "acme/greet:1.0.0")


def test_a_backup_in_the_data_folder_is_restored_as_it_says(terminal: Terminal) -> None:
    said = terminal.run("backup", str(terminal.data / "backups" / "monday"))
    terminal.data.rename(terminal.data.with_name("data.before"))
    [place] = re.findall(r" restore (\S+)$", said, re.MULTILINE)
    assert "Restored to" in terminal.run("restore", place)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_folder_that_may_not_be_opened_is_named(terminal: Terminal) -> None:
    terminal.data.chmod(0)
    user = os.geteuid()
    if user == 0:  # To whom permissions do not apply.
        os.seteuid(65534)
    try:
        said = terminal.fail("account", "list")
    finally:
        os.seteuid(user)
        terminal.data.chmod(0o700)
    assert "cannot be opened: Permission denied. Run this as the user of the registry" in said


def test_a_backup_without_keys_has_none_and_says_how_it_is_restored(
    published: Terminal, tmp_path: Path
) -> None:
    said = published.run("backup", str(tmp_path / "monday"), "--without-keys")
    assert f"It has no keys. Copy {published.data / 'keys'}" in said
    assert not (tmp_path / "monday" / "keys").exists()
    restored = Terminal(tmp_path / "restored")
    said = restored.run("restore", str(tmp_path / "monday"))
    assert f"Put the folder keys of the registry that was backed up into {restored.data}" in said
    assert "acme/greet:1.0.0" not in said


def test_a_restore_without_keys_pauses_webhooks_until_the_keys_are_back(
    terminal: Terminal, tmp_path: Path
) -> None:
    hook = ("webhook", "add", "@acme", "https://hooks.example.org/x", "--event", "release")
    terminal.run(*hook)
    terminal.run("backup", str(tmp_path / "monday"), "--without-keys")
    restored = Terminal(tmp_path / "restored")
    restored.run("restore", str(tmp_path / "monday"))
    assert "Paused until its secret is rotated: the webhook" in restored.run("doctor")
    for key in (terminal.data / "keys").iterdir():
        replace_private(restored.data / "keys" / key.name, key.read_bytes())
    assert "Paused until" not in restored.run("doctor")


def test_a_key_that_is_rotated_twice_before_a_start_loses_no_secret(terminal: Terminal) -> None:
    terminal.run("webhook", "add", "@acme", "https://hooks.example.org/x", "--event", "release")
    for _ in range(3):
        terminal.run("keys", "rotate")
    assert "Paused until" not in terminal.run("doctor")
