"""`ballroom evidence`: a folder that is new or empty, and the check of one."""

from pathlib import Path

import pytest

from tests.support.terminal import Terminal

pytestmark = pytest.mark.measured


def test_evidence_is_written_once_and_checked(terminal: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    assert f"Wrote 13 files to {folder}." in terminal.run("evidence", str(folder))
    assert "nothing was changed since" in terminal.run("evidence", str(folder), "--check")
    assert "is not empty" in terminal.fail("evidence", str(folder))
    (folder / "roles.json").write_text("[]")
    assert "roles.json was changed." in terminal.fail("evidence", str(folder), "--check")


def test_there_is_no_evidence_without_a_key_to_sign_it(terminal: Terminal, tmp_path: Path) -> None:
    (terminal.data / "keys" / "release-keys").unlink()
    assert "no key to sign releases with" in terminal.fail("evidence", str(tmp_path / "audit"))
    assert not (tmp_path / "audit").exists()
