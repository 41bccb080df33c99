"""The virtual environment is made once, and a machine that cannot make it hears why."""

import os
import shutil
import subprocess
import sys
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


PRETENDS_VENV = 'if [ "$2" = venv ]; then mkdir -p .venv/bin && cp "$0" .venv/bin/python; fi\n'


def pip_that(checkout: Path, script: str) -> str:
    """Write a Python whose pip does this."""
    is_install = 'case "$*" in *"pip install"*) '
    return stand_in(checkout, f"{PRETENDS_VENV}{is_install}{script};; esac")


def lock_of(checkout: Path, packages: int) -> None:
    lines = [f"package{number}==1.0" for number in range(packages)]
    (checkout / "requirements.txt").write_text("\n".join(lines))


def test_an_installation_says_how_long_it_takes_and_how_far_it_is(checkout: Path) -> None:
    lock_of(checkout, 45)
    collects = (
        "for each in $(seq 45); do echo Collecting package$each; done; "
        "echo Installing collected packages: all"
    )
    answer = bring_up(checkout, pip_that(checkout, collects))
    assert answer.returncode == 0
    first, *progress = answer.stderr.splitlines()
    assert first.startswith("Installing 45 pinned packages of requirements.txt")
    assert "one to three minutes" in first
    assert [each.strip() for each in progress] == [
        "20 of 45 downloaded",
        "40 of 45 downloaded",
        "installing them",
    ]


@pytest.mark.parametrize(
    "reason",
    [
        "WARNING: Retrying: NewConnectionError('[Errno -3] Temporary failure in name resolution')",
        "WARNING: Retrying: ProxyError('Cannot connect to proxy.')",
        "WARNING: Retrying: ReadTimeoutError('Read timed out.')",
    ],
)
def test_without_a_network_one_sentence_says_so(checkout: Path, reason: str) -> None:
    lock_of(checkout, 1)
    fails = f'echo "{reason}" >&2; echo "ERROR: No matching distribution" >&2; exit 1'
    answer = bring_up(checkout, pip_that(checkout, fails))
    assert answer.returncode == 1
    _, line = answer.stderr.splitlines()
    assert line.startswith("The packages of requirements.txt cannot be downloaded")
    assert "PIP_INDEX_URL" in line


@pytest.mark.slow
def test_an_index_that_does_not_answer_is_one_sentence_for_the_real_pip(checkout: Path) -> None:
    (checkout / "requirements.txt").write_text(f"package==1.0 --hash=sha256:{'0' * 64}")
    closed = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
    answer = bring_up(checkout, sys.executable, **closed)
    assert answer.returncode == 1
    _, line = answer.stderr.splitlines()
    assert "the package index does not answer" in line


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
    assert f"--require-hashes --default-index {index} --python .venv/bin/python" in options
    assert not (checkout / "pip-ran").exists()


def test_pip_installs_what_uv_cannot(checkout: Path) -> None:
    uv_that(checkout, "exit 1")
    assert bring_up(checkout, pip_that(checkout, "echo pip >> pip-ran")).returncode == 0
    assert (checkout / "pip-ran").read_text() == "pip\n"


def test_another_failure_is_shown_and_tried_again(checkout: Path) -> None:
    lock_of(checkout, 1)
    fails = 'echo noise >&2; echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES" >&2; exit 1'
    for _ in range(2):
        answer = bring_up(checkout, pip_that(checkout, fails))
        _, reason, line = answer.stderr.splitlines()
        assert reason == "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"
        assert line.startswith("The packages of requirements.txt cannot be installed")
