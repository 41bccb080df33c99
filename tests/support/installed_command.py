"""The command `ballroom` as a wheel installs it, beside the packages of this environment."""

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.paths import ROOT


def clone_command(folder: Path) -> Path:
    """Write the command of this clone with this interpreter into a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "ballroom"
    program = ROOT / "packaging" / "ballroom" / "__main__.py"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {program} "$@"\n')
    script.chmod(0o755)
    return script


def build_wheel(target: Path) -> Path:
    """Build the wheel into a folder and return its path."""
    command = [sys.executable, "packaging/build.py", "wheel", str(target)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = target.glob("*.whl")
    return wheel


def unpack_wheel(wheel: Path, target: Path) -> Path:
    """Unpack a wheel as pip does; return a script that runs its command."""
    site = target / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    script = target / "bin" / "ballroom"
    script.parent.mkdir()
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.append({str(site)!r})\n"
        "from ballroom.__main__ import main\nmain()\n"
    )
    script.chmod(0o755)
    return script
