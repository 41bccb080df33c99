"""Programs of npm that tests use, installed beside the environments where that is possible."""

import shutil
import subprocess
from pathlib import Path

from shared.adapters.data_folder import lock_path
from shared.runtime.private_files import hold_file_lock
from tests.paths import ROOT


def missing(package: str, file: str) -> str:
    """Return why a file of the package, `name@version`, cannot be had; nothing when it is there."""
    wanted = folder_of(package) / file
    npm = shutil.which("npm")
    if npm is None:
        return "" if wanted.exists() else f"there is no npm to install {package} with"
    folder_of(package).mkdir(parents=True, exist_ok=True)
    with hold_file_lock(lock_path(folder_of(package))):  # Several processes may want it at once.
        return "" if wanted.exists() else _install(npm, package, wanted)


def folder_of(package: str) -> Path:
    """Return the folder that the package, `name@version`, is installed in."""
    return ROOT / ".venvs" / package.removeprefix("@").replace("/", "-").replace("@", "-")


def _install(npm: str, package: str, wanted: Path) -> str:
    options = ["--silent", "--no-audit", "--no-fund", "--prefix", str(folder_of(package))]
    done = subprocess.run([npm, "install", *options, package], check=False, capture_output=True)
    if done.returncode == 0 and wanted.exists():
        return ""
    shutil.rmtree(folder_of(package), ignore_errors=True)
    return f"npm could not install {package}"
