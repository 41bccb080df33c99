"""A run of `ballroom evidence` that is killed at any file leaves no folder, and no obstacle."""

import subprocess
import sys
from pathlib import Path
from signal import SIGKILL

import pytest

from shared.adapters.evidence_folder import read_folder, write_folder
from tests.paths import ROOT

FILES = {"keys.json": b"[]\n", "rights.json": b"[1]\n", "SHA256SUMS": b"0  keys.json\n"}
SECONDS = 60
DYING = f"""
import os, sys
from pathlib import Path
from shared.adapters.evidence_folder import write_folder

left = int(sys.argv[2])
synchronize = os.fsync

def synchronize_or_die(file):
    global left
    synchronize(file)
    if not left:
        os.kill(os.getpid(), {int(SIGKILL)})
    left -= 1

os.fsync = synchronize_or_die
write_folder(Path(sys.argv[1]), {FILES!r})
"""


@pytest.mark.parametrize("written", range(len(FILES)))
def test_evidence_is_complete_or_absent(written: int, tmp_path: Path) -> None:
    target = tmp_path / "audit"
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(target), str(written)],
        cwd=ROOT,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == -SIGKILL
    assert not target.exists()
    write_folder(target, FILES)
    assert read_folder(target) == FILES
    assert [each.name for each in tmp_path.iterdir()] == ["audit"]
