"""What the tests of packages have in common."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

INSTALL_SECONDS = 600


@pytest.fixture(scope="session")
def build_python() -> Path:
    """Return the interpreter of the environment in which packages are built, as `make` does."""
    tools = ROOT / ".venvs" / "packaging"
    install = ["sh", ".ci/environment", "packaging/requirements.txt", str(tools), sys.executable]
    subprocess.run(install, cwd=ROOT, check=True, timeout=INSTALL_SECONDS)
    return tools / "bin" / "python"
