"""A disk that can only be read, as after a fault: what cannot go on says so in one line."""

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.crash.small_disks import MIB, small_disk
from tests.paths import ROOT
from tests.support.processes import free_port
from tests.support.terminal import Terminal
from tests.support.world import Template

MOUNT_IT = "Its disk can only be read: mount it to write, or name a folder on another disk."


@pytest.fixture
def terminal(template: Template, tmp_path: Path) -> Generator[Terminal]:
    """Return a terminal for a registry that was served, on such a disk."""
    with small_disk(tmp_path / "disk", 32 * MIB) as disk:
        data = disk.root / "data"
        shutil.copytree(template.folder, data)
        (data / "processes").mkdir()
        (data / "processes" / "1").touch()  # Of the last process that served it.
        disk.make_read_only()
        yield Terminal(data)


def test_a_start_says_that_the_disk_can_only_be_read(terminal: Terminal) -> None:
    settings = {"PORT": str(free_port()), "BALLROOM_DATA": str(terminal.data)}
    refused = subprocess.run(
        [sys.executable, "-m", "shared.localhost"],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert line.startswith(f"{terminal.data}/")
    assert line.endswith(f" cannot be opened: Read-only file system. {MOUNT_IT}")


@pytest.mark.parametrize("command", [("account", "list"), ("keys", "rotate")], ids=" ".join)
def test_a_command_says_so_too(terminal: Terminal, command: tuple[str, ...]) -> None:
    assert terminal.fail(*command).endswith(f"Read-only file system. {MOUNT_IT}")


def test_a_backup_calls_no_whole_database_damaged(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal.fail("backup", str(tmp_path / "backup"))
    assert said.startswith(f"{terminal.data / 'ballroom.db'} cannot be opened to write")
    assert "damaged" not in said
    # What it says instead is possible.
    copy = Path(shutil.copytree(terminal.data, tmp_path / "copy"))
    Terminal(copy).run("backup", str(tmp_path / "backup"))
    assert (
        Terminal(tmp_path / "restored").invoke("restore", str(tmp_path / "backup")).exit_code == 0
    )
