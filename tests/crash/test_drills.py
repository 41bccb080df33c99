"""A recovery drill on a disk that is full, or that fills up in the middle."""

import shutil
from pathlib import Path

import pytest

from tests.crash.small_disks import MIB, PAGE, small_disk
from tests.support.terminal import Terminal
from tests.support.world import Template

pytestmark = pytest.mark.measured


@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.95])
def test_a_drill_on_a_full_disk_says_so_and_leaves_nothing(
    template: Template, tmp_path: Path, share: float
) -> None:
    terminal = Terminal(tmp_path / "data")
    shutil.copytree(template.folder, terminal.data)
    backup = tmp_path / "backups" / "monday"
    backup.parent.mkdir()
    terminal.run("backup", str(backup))
    with small_disk(tmp_path / "disk", 64 * MIB) as disk:
        size_bytes = sum(each.stat().st_size for each in backup.rglob("*") if each.is_file())
        disk.fill(leaving_pages=int(size_bytes * share) // PAGE)
        line = terminal.fail("drill", str(backup), "--scratch", str(disk.root))
        assert line.startswith(f"The disk of {disk.root}")
        assert " is full" in line
        assert [each.name for each in disk.root.iterdir()] == [disk.ballast.name]
        disk.free()
        assert "nothing is wrong." in terminal.run(
            "drill", str(backup), "--scratch", str(disk.root)
        )
