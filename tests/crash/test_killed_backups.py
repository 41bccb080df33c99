"""Backups and restores that are killed, or whose disk fills up, leave nothing that looks whole."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.adapters.data_folder import DataFolder
from tests.crash.recovery import explained
from tests.crash.small_disks import small_disk
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.processes import free_port
from tests.support.terminal import Terminal
from tests.support.world import Template

SECONDS = 60
AMID = 8  # A call that is made while archives are copied.

# Copies a folder in children that end as `kill -9` does, each before the next call of the file
# system, until one ends by itself; prints how each ended, and how a repeat did.
PROGRAM = """
import json, os, sys
from pathlib import Path
from shared.adapters.backup import backup, restore
CALLS = {"open", "os.link", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "sqlite3.connect"}
copy = {"backup": backup, "restore": restore}[sys.argv[1]]
source, root, first, held = Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5:]

def run(target, number):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    seen = 0
    def count(event, arguments):
        nonlocal seen
        if event in CALLS and any(str(each).startswith(str(root)) for each in arguments[:2]):
            seen += 1
            if seen == number:
                os._exit(9)
    sys.addaudithook(count)
    copy(source, target)
    os._exit(0)

number, code = first, 9
while code == 9:
    target = root / str(number) / "target"
    target.parent.mkdir()
    for name in held:
        (target / name).parent.mkdir(parents=True)
        (target / name).write_text("00")
    code = run(target, number)
    found, whole = target.exists(), (target / "ballroom.db").exists()
    again = 0 if whole or first > 1 else run(target, 0)
    print(json.dumps([number, code, found, whole, again]))
    number += 1
    if first > 1:
        break
"""


def killed(command: str, source: Path, root: Path, *held: str, at: int = 1) -> list[list[int]]:
    """Copy a folder below `root` in processes that are killed, from a call on, or at one alone;
    return for each its number, its exit code, whether the target exists and is whole, and the exit
    code of a repeat."""
    root.mkdir()
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM, command, str(source), str(root), str(at), *held],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=SECONDS,
        text=True,
    ).stdout
    return [json.loads(line) for line in printed.splitlines()]


@pytest.fixture
def terminal(template: Template, tmp_path: Path) -> Terminal:
    """Return the terminal of an operator whose registry has a release."""
    data = tmp_path / "data"

    async def publish() -> None:
        async with template.world(data) as world:
            await world.push(bala("acme/greet:1.0.0"))

    asyncio.run(publish())
    return Terminal(data)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "holds_keys"), [("backup", False), ("restore", False), ("restore", True)]
)
def test_a_copy_that_is_killed_at_any_call_is_absent_or_whole_and_is_repeated(
    terminal: Terminal, tmp_path: Path, command: str, holds_keys: bool
) -> None:
    source = tmp_path / "source"
    terminal.run("backup", str(source))
    held = ("keys/001.key",) if holds_keys else ()
    ended = killed(command, source, tmp_path / "killed", *held)
    assert len(ended) > 10
    for number, _, found, whole, again in ended:
        with explained(f"killed before call {number}"):
            target = tmp_path / "killed" / str(number) / "target"
            assert again == 0
            assert found in (whole, holds_keys)
            assert (target / "keys" / "001.key").exists() == holds_keys
            assert "Restored" in Terminal(target.parent / "new").run("restore", str(target))
    assert ended[-1][1] == 0


@pytest.mark.parametrize("command", ["backup", "restore"])
@pytest.mark.parametrize("is_mount", [True, False])
def test_a_full_disk_is_named_and_leaves_nothing(
    terminal: Terminal, tmp_path: Path, command: str, is_mount: bool
) -> None:
    source = tmp_path / "source"
    terminal.run("backup", str(source))
    for kib in (64, 200, 256, 300):  # The databases take some 400.
        root = tmp_path / f"disk{kib}"
        with small_disk(root, kib * 1024) as disk:
            # Beside the place where a disk is mounted there is another disk.
            target = disk.root if is_mount else disk.root / "target"
            registry, named = (
                (terminal, target) if command == "backup" else (Terminal(target), source)
            )
            assert registry.fail(command, str(named)) == (
                f"The disk of {target} is full, and nothing is left of the copy. Make room there, "
                "or name a folder on another disk, and run this again."
            )
            assert list(disk.root.iterdir()) == []


def test_a_start_beside_a_restore_that_was_killed_makes_no_empty_registry(
    terminal: Terminal, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    target = tmp_path / "restored" / str(AMID) / "target"
    terminal.run("backup", str(source))
    assert killed("restore", source, tmp_path / "restored", at=AMID) == [[AMID, 9, False, False, 0]]
    refused = subprocess.run(
        [sys.executable, "-m", "shared.localhost"],
        cwd=ROOT,
        env={**os.environ, "BALLROOM_DATA": str(target), "PORT": str(free_port())},
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS,
    )
    assert refused.returncode == 1
    assert refused.stderr == (
        f"{target} has no registry yet: a restore to it did not end. Run the restore again, or "
        f"delete {target}.partial to begin with an empty registry.\n"
    )
    assert not DataFolder(target).database.exists()
    Terminal(target).run("restore", str(source))
    assert not target.with_name("target.partial").exists()
