"""Programs of npm that tests use, installed beside the environments where that is possible."""

import shutil
import subprocess
from pathlib import Path

from shared.adapters.data_folder import lock_path
from shared.runtime.private_files import hold_file_lock
from tests.paths import ROOT


def missing(package: str, file: str) -> str:
    """Return why a file of the package, `name@version`, cannot be had; nothing when it is there."""
    folder = folder_of(package)
    folder.mkdir(parents=True, exist_ok=True)
    with hold_file_lock(lock_path(folder)):  # Several processes may want it at once.
        return "" if (folder / file).exists() else _install(package, folder / file)


def folder_of(package: str) -> Path:
    """Return the folder that the package, `name@version`, is installed in."""
    return ROOT / ".venvs" / package.removeprefix("@").replace("/", "-").replace("@", "-")


def _install(package: str, file: Path) -> str:
    npm = shutil.which("npm")
    if npm is None:
        return f"there is no npm to install {package} with"
    options = ["--silent", "--no-audit", "--no-fund", "--prefix", str(folder_of(package))]
    done = subprocess.run([npm, "install", *options, package], check=False, capture_output=True)
    return "" if done.returncode == 0 and file.exists() else f"npm could not install {package}"
