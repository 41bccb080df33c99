"""docs/run/recovery.md and the first commands of docs/run/backup.md are followed as they are.

Only folders and names of snapshots are other ones, and `ballroom` is this checkout.
"""

import asyncio
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.compatibility.fixtures import HERE, unpack_folder
from tests.paths import ROOT, docs
from tests.support.archives import bala
from tests.support.processes import run_commands
from tests.support.registry_process import pulled, running_registry
from tests.support.world import Template

pytestmark = pytest.mark.slow

SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", docs("run/recovery"), re.S | re.M))
GREET = bala("acme/greet:1.0.0")


def blocks(section: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", SECTIONS[section], re.S | re.M)


@dataclass(frozen=True)
class Machine:
    """A data folder with acme/greet:1.0.0, its backup, and a shell that has `ballroom`."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def backup(self) -> Path:
        return self.folder / "backup"

    @property
    def archive(self) -> Path:
        [archive] = (self.data / "archives" / "sha256").glob("*/*/*")
        return archive

    def follow(self, commands: str) -> str:
        """Run commands on this machine; return what they print."""
        environment = {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "BALLROOM_DATA": str(self.data),
            "BACKUP": str(self.backup),
            "BALLROOM_LOG_LEVEL": "error",
        }
        return run_commands(commands, self.folder, environment)

    def pull(self) -> bytes:
        """Start the registry, and return the archive of the release."""
        with running_registry(self.data, workers=1) as registry:
            return pulled(registry.url, "acme/greet/1.0.0")


@pytest.fixture
def machine(template: Template, tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)

    async def publish() -> None:
        async with template.world(machine.data) as world:
            await world.push(GREET)

    asyncio.run(publish())
    program = tmp_path / "bin" / "ballroom"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m shared.cli "$@"\n')
    program.chmod(0o755)
    # The backup page begins with these; the first is that of the backup.
    first, _, _ = re.findall(r"```sh\n(.*?)```", docs("run/backup"), re.S)[0].splitlines()
    machine.follow(first.replace("/var/backups/ballroom/monday", str(machine.backup)))
    return machine


def test_each_loss_has_a_section_for_one_machine_and_the_cloud() -> None:
    assert list(SECTIONS) == [
        "The database is lost or damaged",
        "An archive is lost or damaged",
        "The keys are lost",
        "The disk or the machine is lost",
        "An upgrade was interrupted",
        "Something was deleted by mistake",
        "Objectives",
        "Recovery drills",
    ]
    for section in SECTIONS.values():
        assert "on one machine" in section.lower()
        assert "on Azure" in section or "**On Azure" in section


def test_a_backup_that_the_first_page_makes_is_restored_by_it(machine: Machine) -> None:
    _, restore, one = re.findall(r"```sh\n(.*?)```", docs("run/backup"), re.S)[0].splitlines()
    shutil.rmtree(machine.data)
    machine.follow(restore.replace("/var/backups/ballroom/monday", str(machine.backup)))
    machine.archive.unlink()
    machine.follow(one.replace("/var/backups/ballroom/monday", str(machine.backup)))
    assert machine.archive.read_bytes() == GREET


def test_a_damaged_database_is_replaced_by_that_of_a_backup(machine: Machine) -> None:
    away, restore, _ = blocks("The database is lost or damaged")
    (machine.data / "ballroom.db").write_bytes(b"no database" * 1000)
    machine.follow(away)
    assert "Restored" in machine.follow(restore)
    assert machine.pull() == GREET


def test_a_lost_database_is_restored_from_a_snapshot(machine: Machine) -> None:
    _, _, snapshot = blocks("The database is lost or damaged")
    machine.follow("ballroom snapshot take")
    for file in machine.data.glob("ballroom.db*"):
        file.unlink()
    [name] = [each.name for each in (machine.data / "snapshots").iterdir()]
    assert "Restored" in machine.follow(snapshot.replace("20261120T020500123Z", name))
    assert machine.pull() == GREET


@pytest.mark.parametrize("content", [None, GREET[:-1] + b"x", b""])
def test_an_archive_is_brought_back(machine: Machine, content: bytes | None) -> None:
    [restore] = blocks("An archive is lost or damaged")
    machine.archive.chmod(0o600)
    archive = machine.archive
    archive.unlink()
    if content is not None:
        archive.write_bytes(content)
    assert "is back" in machine.follow(restore)
    assert machine.archive.read_bytes() == GREET
    assert "is here" in machine.follow(restore)
    assert machine.pull() == GREET


def test_keys_are_copied_from_a_backup_and_made_anew(machine: Machine) -> None:
    copy, rotate, _ = blocks("The keys are lost")
    before = {each.name for each in (machine.data / "keys").iterdir()}
    shutil.rmtree(machine.data / "keys")
    machine.follow(copy)
    assert {each.name for each in (machine.data / "keys").iterdir()} == before
    machine.follow(rotate)
    # Those that sign releases and the log are rotated by commands of their own.
    rotated = {each.name for each in (machine.data / "keys").glob("*.key")}
    assert rotated
    assert not before & rotated
    assert machine.pull() == GREET


def test_a_lost_disk_is_restored(machine: Machine) -> None:
    [restore] = blocks("The disk or the machine is lost")
    shutil.rmtree(machine.data)
    assert "Restored" in machine.follow(restore)
    assert machine.pull() == GREET


def test_an_upgrade_is_taken_back(machine: Machine) -> None:
    [back] = blocks("An upgrade was interrupted")
    shutil.rmtree(machine.data)
    [old] = (HERE / "backups").glob("10-*.tar.xz")
    unpack_folder(old, machine.data)  # A backup is a registry; a restore would upgrade it.
    assert machine.pull() == GREET  # The start upgrades, and keeps a copy.
    assert "Restored" in machine.follow(back)
    assert not (machine.data / "upgrades").exists()
    assert machine.pull() == GREET


def test_what_was_deleted_is_shown_from_a_backup(machine: Machine) -> None:
    undo, look = blocks("Something was deleted by mistake")
    machine.follow('ballroom package hold acme/greet:1.0.0 --reason "by mistake"')
    machine.follow(undo)
    assert machine.pull() == GREET
    machine.follow('ballroom package remove acme/greet:1.0.0 --reason "by mistake" --yes')
    shown = machine.follow(look)
    # A restore applies what was removed since; the archive is still there.
    assert "removed acme/greet:1.0.0" in shown
    [digest] = re.findall(r"[0-9a-f]{64}", shown)
    kept = Path(f"{machine.data}-earlier") / "archives" / "sha256"
    assert (kept / digest[:2] / digest[2:4] / digest).read_bytes() == GREET


def test_a_backup_is_drilled(machine: Machine) -> None:
    [drill] = blocks("Recovery drills")
    drilled = machine.follow(drill.replace("/var/backups/ballroom", str(machine.folder)))
    assert f"{machine.backup} of " in drilled
    assert drilled.endswith("nothing is wrong.\n")
