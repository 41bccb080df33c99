"""The trees of other commits, to measure beside this one."""

import hashlib
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT


@dataclass(frozen=True)
class Tree:
    """The files of a commit, and an interpreter with the packages that its tests need."""

    root: Path
    python: Path


@contextmanager
def checked_out(revision: str) -> Generator[Tree]:
    """Yield the tree of a commit; its packages are installed below `.venvs`, once for a lock."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        archive = subprocess.run(
            ["git", "archive", revision], cwd=ROOT, capture_output=True, check=True
        ).stdout
        subprocess.run(["tar", "--extract", "--directory", folder], input=archive, check=True)
        yield Tree(root, _interpreter_of(root))


def _interpreter_of(root: Path) -> Path:
    packages = (root / "tests" / "requirements.txt").read_bytes()
    environment = ROOT / ".venvs" / f"revision-{hashlib.sha256(packages).hexdigest()[:12]}"
    lock = environment.with_suffix(".txt")  # The stamp of an environment has the path of its lock.
    lock.write_bytes(packages)
    subprocess.run(["sh", ".ci/environment", str(lock), str(environment)], cwd=ROOT, check=True)
    return environment / "bin" / "python"
