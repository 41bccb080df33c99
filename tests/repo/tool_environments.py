"""Tools with an environment of their own, because of what they bring along."""

import subprocess
import sys
from functools import cache

from tests.paths import ROOT

BOUND_SECONDS = 300.0  # The first run installs a hundred packages; each takes a few seconds.


@cache
def unavailable(tool: str, lock: str = "") -> str:
    """Bring the environment of a tool up to its lock, by default the one in its folder of tests;
    return why it cannot be, or an empty text."""
    lock = lock or f"tests/{tool}/requirements.txt"
    command = ["sh", ".ci/environment", lock, folder(tool)]
    try:
        installed = subprocess.run(
            [*command, sys.executable],
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=BOUND_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"{tool} could not be installed in time"
    lines = installed.stderr.strip().splitlines()
    return f"{tool} cannot be installed here: {lines[-1]}" if installed.returncode else ""


def folder(tool: str) -> str:
    """Return where the environment of a tool is."""
    return f".venvs/{tool}"
