"""The virtual environment is made once, and a machine that cannot make it hears why."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.paths import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with a lock that asks for nothing and the script that installs it."""
    shutil.copyfile(ROOT / ".ci" / "environment", tmp_path / "environment")
    (tmp_path / "requirements.txt").write_text("")
    return tmp_path


def bring_up(checkout: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Run the script with one Python to choose from."""
    command = ["/bin/sh", "environment", "requirements.txt", ".venv", python]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def stand_in(checkout: Path, script: str) -> str:
    """Write something that answers like a Python."""
    python = checkout / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return str(python)


def test_without_a_python_one_line_says_what_to_install(checkout: Path) -> None:
    answer = bring_up(checkout, stand_in(checkout, "exit 1"))
    assert answer.returncode == 1
    [line] = answer.stderr.splitlines()
    assert "Python 3.11 or later" in line
    assert "apt install python3 python3-venv" in line


def test_without_venv_one_line_says_what_to_install(checkout: Path) -> None:
    lacks_ensurepip = 'case "$2" in *ensurepip*) exit 1;; esac'
    answer = bring_up(checkout, stand_in(checkout, lacks_ensurepip))
    assert answer.returncode == 1
    [line] = answer.stderr.splitlines()
    assert "apt install python3-venv" in line


def test_a_lock_is_installed_once_and_again_when_it_changes(checkout: Path) -> None:
    pretends = (
        'if [ "$2" = venv ]; then mkdir -p .venv/bin && cp "$0" .venv/bin/python; fi\n'
        'if [ "$2" = pip ]; then echo installed >> installs; fi'
    )
    python = stand_in(checkout, pretends)
    assert bring_up(checkout, python).returncode == 0
    assert bring_up(checkout, python).stderr == ""
    assert (checkout / "installs").read_text().count("installed") == 1
    (checkout / "requirements.txt").write_text("# another lock\n")
    assert bring_up(checkout, python).returncode == 0
    assert (checkout / "installs").read_text().count("installed") == 2
