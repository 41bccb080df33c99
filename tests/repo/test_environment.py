"""The virtual environment is made once, and a machine that cannot make it hears why."""

import os
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


def bring_up(checkout: Path, python: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script with one Python to choose from."""
    command = ["/bin/sh", "environment", "requirements.txt", ".venv", python]
    return subprocess.run(
        command,
        cwd=checkout,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def stand_in(checkout: Path, script: str) -> str:
    """Write something that answers like a Python."""
    python = checkout / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return str(python)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 1", ("Python 3.11 or later", "apt install python3 python3-venv")),
        ('case "$2" in *ensurepip*) exit 1;; esac', ("apt install python3-venv",)),
    ],
    ids=["no Python", "no venv"],
)
def test_without_a_python_or_venv_one_line_says_what_to_install(
    checkout: Path, script: str, words: tuple[str, ...]
) -> None:
    answer = bring_up(checkout, stand_in(checkout, script))
    assert answer.returncode == 1
    [line] = answer.stderr.splitlines()
    assert all(each in line for each in words)


def test_a_lock_is_installed_once_and_again_when_it_changes(checkout: Path) -> None:
    python = pip_that(checkout, "echo installed >> installs")
    assert bring_up(checkout, python).returncode == 0
    assert bring_up(checkout, python).stderr == ""
    assert (checkout / "installs").read_text().count("installed") == 1
    (checkout / "requirements.txt").write_text("# another lock\n")
    assert bring_up(checkout, python).returncode == 0
    assert (checkout / "installs").read_text().count("installed") == 2


def pip_that(checkout: Path, script: str) -> str:
    """Write a Python whose pip does this."""
    venv = 'if [ "$2" = venv ]; then mkdir -p .venv/bin && cp "$0" .venv/bin/python; fi'
    return stand_in(checkout, f'{venv}\ncase "$*" in *"pip install"*) {script};; esac')


@pytest.mark.parametrize("reason", ["NewConnectionError('no')", "ProxyError('no')"])
def test_without_a_network_one_sentence_says_so(checkout: Path, reason: str) -> None:
    (checkout / "requirements.txt").write_text("package==1.0")
    fails = f'echo "WARNING: Retrying: {reason}" >&2; exit 1'
    answer = bring_up(checkout, pip_that(checkout, fails))
    assert answer.returncode == 1
    _, line = answer.stderr.splitlines()
    assert line.startswith("The packages of requirements.txt cannot be downloaded")
    assert "PIP_INDEX_URL" in line


def uv_that(checkout: Path, script: str) -> None:
    """Write a uv that does this, where `make tools` installs it."""
    uv = checkout / ".venvs/lock/bin/uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(f"#!/bin/sh\n{script}\n")
    uv.chmod(0o755)


def test_uv_installs_from_the_index_of_pip_where_it_is_there(checkout: Path) -> None:
    uv_that(checkout, 'echo "$*" >> uv-ran')
    python = pip_that(checkout, "echo pip >> pip-ran")
    index = "https://index.example.org/simple"
    for _ in range(2):
        assert bring_up(checkout, python, PIP_INDEX_URL=index).returncode == 0
    [options] = (checkout / "uv-ran").read_text().splitlines()
    (checkout / "requirements.txt").write_text("# What uv cannot install")
    assert f"--require-hashes --default-index {index} --python .venv/bin/python" in options
    assert not (checkout / "pip-ran").exists()
    (checkout / ".venvs/lock/bin/uv").write_text("#!/bin/sh\nexit 1\n")
    assert bring_up(checkout, python).returncode == 0
    assert (checkout / "pip-ran").read_text() == "pip\n"


def test_another_failure_is_shown_and_tried_again(checkout: Path) -> None:
    (checkout / "requirements.txt").write_text("package==1.0")
    fails = 'echo noise >&2; echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES" >&2; exit 1'
    for _ in range(2):
        answer = bring_up(checkout, pip_that(checkout, fails))
        _, reason, line = answer.stderr.splitlines()
        assert reason == "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"
        assert line.startswith("The packages of requirements.txt cannot be installed")
