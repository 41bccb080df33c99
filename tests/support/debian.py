"""What tests need of Debian: installed where that is possible, named in the skip where not."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache

import pytest

_SECONDS = 300  # A slow mirror is no failure, one that hangs is a skip.


def require_packages(packages: Sequence[str]) -> None:
    """Install the packages that are missing, or skip the test with the reason."""
    if reason := install_packages(packages):
        pytest.skip(reason)


def install_packages(packages: Sequence[str]) -> str:
    """Install the packages that are missing; return why that cannot be, or nothing."""
    missing = [name for name in packages if not _is_installed(name)]
    reason = _install(tuple(missing)) if missing else ""
    return f"{reason}: {' '.join(missing)}" if reason else ""


def _is_installed(package: str) -> bool:
    query = shutil.which("dpkg-query")
    if query is None:
        return False
    command = [query, "--show", "--showformat=${db:Status-Status}", package]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    return answer.stdout == "installed"


@cache
def _install(packages: tuple[str, ...]) -> str:
    """Install packages, once a run; return why that cannot be."""
    apt = shutil.which("apt-get")
    if apt is None:
        return "this is no Debian, and these packages are missing"
    if os.geteuid() != 0:
        return "only root can install the missing packages"
    install = [apt, "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    try:
        # A new machine has no list of packages, or an old one that names files which are gone.
        is_installed = _succeeds(install) or (_succeeds([apt, "update"]) and _succeeds(install))
    except subprocess.TimeoutExpired:
        return "the mirror did not answer in time for the missing packages"
    return "" if is_installed else "apt-get cannot install the missing packages"


def _succeeds(command: Sequence[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, env=environment, capture_output=True, check=False, timeout=_SECONDS
    )
    return done.returncode == 0
