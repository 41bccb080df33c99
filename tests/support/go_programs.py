"""Programs in Go that tests run, to read a log as the Go checksum database and torchwood do."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.paths import ROOT

_FOLDER = ROOT / "tests" / "clients" / "go"
_BUILD_SECONDS = 500  # The first one compiles the libraries.
_SECONDS = 60


@dataclass(frozen=True)
class GoPrograms:
    """The built programs of `tests/clients/go`."""

    folder: Path

    def run(self, program: str, *arguments: str) -> tuple[int, str]:
        """Return the exit code and what a program prints."""
        done = subprocess.run(
            [self.folder / program, *arguments],
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=_SECONDS,
        )
        return done.returncode, done.stdout + done.stderr


def build_go_programs(folder: Path) -> GoPrograms:
    """Build the programs into a folder; skip the test without Go, or without their modules."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no go here")
    environment = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [go, *arguments],
            cwd=_FOLDER,
            env=environment,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=_BUILD_SECONDS,
        )

    modules = run("mod", "download")
    if modules.returncode:
        pytest.skip(f"the modules of Go are not here: {modules.stderr.strip()}")
    built = run("build", "-o", str(folder), "./...")
    assert built.returncode == 0, built.stderr
    return GoPrograms(folder)
