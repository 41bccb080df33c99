"""Small Java programs that tests run, for what the language of the clients computes."""

import shutil
import subprocess
from collections.abc import Sequence

import pytest

from tests.paths import ROOT

_FOLDER = ROOT / "tests" / "java"
_SECONDS = 60  # A virtual machine starts and compiles one file in about two.


def run_java(
    program: str, arguments: Sequence[str] = (), *, lines: Sequence[str] = ()
) -> list[str]:
    """Return the lines that a program of `tests/java` prints, or skip the test without Java."""
    java = shutil.which("java")
    if java is None:
        pytest.skip("there is no java here to compare with")
    done = subprocess.run(
        [java, "-Dfile.encoding=UTF-8", str(_FOLDER / program), *arguments],
        input="\n".join(lines),
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]
