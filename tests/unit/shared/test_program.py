"""How the command `ballroom` is spelled where it is printed."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.cli import cli
from shared.command_line import ballroom
from shared.program import (
    COMMANDS,
    IN_CLONE,
    ROOT,
    launcher,
    public_spelling,
    respelled,
    typed_spelling,
)


def test_the_list_of_commands_has_every_command() -> None:
    assert sorted({*cli.commands, *ballroom.commands}) == list(COMMANDS)


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("Run `ballroom doctor`.", "Run `X doctor`."),
        ("Run `.venv/bin/ballroom doctor`.", "Run `X doctor`."),
        ("BALLROOM_DATA=/ballroom ballroom restore /b", "BALLROOM_DATA=/ballroom X restore /b"),
        ("the operator: `ballroom\norg add acme`", "the operator: `X\norg add acme`"),
        ("docker exec ballroom ballroom doctor", "docker exec ballroom X doctor"),
        ("/usr/bin/ballroom doctor", "/usr/bin/ballroom doctor"),
        ("the user ballroom owns it", "the user ballroom owns it"),
        ("--repository=ballroom doctor", "--repository=ballroom doctor"),
    ],
)
def test_only_the_program_of_a_command_is_replaced(written: str, printed: str) -> None:
    assert respelled(written, "X") == printed


@pytest.mark.parametrize(
    ("launched", "words"),
    [
        ("", IN_CLONE),
        (str(ROOT / IN_CLONE), IN_CLONE),
        ("/home/kim/.local/bin/ballroom", "ballroom"),
        ("'/srv/a b/ballroom-linux.pyz'", "ballroom-linux.pyz"),
        ("/usr/bin/python3 /srv/ballroom/__main__.py", "ballroom"),
    ],
)
def test_pages_name_no_folder_of_the_machine(launched: str, words: str) -> None:
    assert public_spelling(launched) == words


def test_the_script_that_runs_is_called_by_its_path_and_a_module_by_its_interpreter() -> None:
    assert launcher("/srv/a b/ballroom") == "'/srv/a b/ballroom'"
    if not Path(sys.executable).with_name("ballroom").exists():
        assert launcher("/srv/__main__.py") == f"{sys.executable} /srv/__main__.py"


def test_a_terminal_shows_what_was_typed_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "bin" / "ballroom"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.delenv("BALLROOM_COMMAND", raising=False)
    monkeypatch.setenv("BALLROOM_LAUNCHER", str(script))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir("/")
    assert typed_spelling() == str(script)
    monkeypatch.chdir(tmp_path)
    assert typed_spelling() == "bin/ballroom"
    monkeypatch.chdir(script.parent)
    assert typed_spelling() == "./ballroom"
    monkeypatch.setenv("PATH", str(script.parent))
    assert typed_spelling() == "ballroom"
    monkeypatch.setenv("BALLROOM_COMMAND", "registry")
    assert typed_spelling() == "registry"


def test_the_command_of_a_clone_that_this_user_may_not_run_says_so(tmp_path: Path) -> None:
    script = (ROOT / ".ci/environment").read_text().partition("<< 'END'\n")[2].partition("END\n")[0]
    command = tmp_path / ".venv/bin/ballroom"
    python = tmp_path / ".venv/bin/python"
    command.parent.mkdir(parents=True)
    command.write_text(script)
    python.touch(mode=0o600)
    done = subprocess.run(
        ["sh", str(command), "doctor"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"Error: {python} is missing, or ")
    assert "Run this as the user who made the clone" in line
