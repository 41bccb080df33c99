"""docs/run/self-hosting.md: the units of systemd are valid, a backup is restored."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.settings import Settings
from tests.crash.small_disks import MIB, PAGE, small_disk
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.debian import require_packages
from tests.support.terminal import Terminal
from tests.support.world import Template, World

pytestmark = pytest.mark.slow

MACHINE = ROOT / "infra" / "machine"
UNITS = ("ballroom.service", "ballroom-backup.service", "ballroom-backup.timer")
SECONDS = 120
DATA = "/var/lib/ballroom"
BACKUPS = "/var/backups/ballroom"


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Return a folder with the units, whose programs lie in this checkout."""
    require_packages(["systemd"])
    for name in UNITS:
        text = (MACHINE / name).read_text().replace("/opt/ballroom/", f"{ROOT}/")
        text = text.replace(f"{ROOT}/.venv/bin/python", sys.executable)
        (tmp_path / name).write_text(text.replace("/opt/ballroom", str(ROOT)))
    return tmp_path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("systemd-analyze") or "", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def test_the_units_are_valid(units: Path) -> None:
    done = analyze("verify", "--man=no", *(str(units / name) for name in UNITS))
    # The message about a file that others may read is about the folder of this test.
    ours = [line for line in done.stderr.splitlines() if "ballroom" in line]
    assert (done.returncode, ours) == (0, [])


def test_the_service_reads_settings_that_there_are() -> None:
    named = re.findall(r"^#? ?([A-Z_]+)=", (MACHINE / "ballroom.env").read_text(), re.MULTILINE)
    known = {f"BALLROOM_{name}".upper() for name in Settings.model_fields} | {"WORKERS"}
    assert named
    assert set(named) <= known


def test_the_command_reads_the_settings_and_executes_nothing(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    settings = tmp_path / "ballroom.env"
    settings.write_text(
        "# A comment\n\n"
        "BALLROOM_URL=https://ballroom.example.org\n"
        f"BALLROOM_SMTP_PASSWORD=a$(touch {ran})`touch {ran}`; touch {ran}\n"
        'BALLROOM_MAIL_FROM="Kim \\"K\\" \\d <kim@example.org>"\n'
        "BALLROOM_OIDC_CLIENT_SECRET='a\\b\"c'\n"
        "BALLROOM_SMTP_USER=a\\$b  \n"
    )
    assert given_to_a_command(tmp_path, settings) == {
        "BALLROOM_COMMAND": "ballroom",
        "BALLROOM_DATA": "/var/lib/ballroom",
        "BALLROOM_URL": "https://ballroom.example.org",
        "BALLROOM_SMTP_PASSWORD": f"a$(touch {ran})`touch {ran}`; touch {ran}",
        "BALLROOM_MAIL_FROM": 'Kim "K" \\d <kim@example.org>',
        "BALLROOM_OIDC_CLIENT_SECRET": 'a\\b"c',
        "BALLROOM_SMTP_USER": "a$b",
    }
    assert not ran.exists()


@pytest.mark.parametrize("line", ["export BALLROOM_URL=x", "BALLROOM_URL", "BALLROOM_URL=a\\"])
def test_a_line_that_systemd_reads_otherwise_is_named(tmp_path: Path, line: str) -> None:
    settings = tmp_path / "ballroom.env"
    settings.write_text(f"WORKERS=2\n{line}\n")
    done = run_command(tmp_path, settings)
    assert done.returncode == 1
    assert f"{settings}, line 2: write " in done.stderr


def given_to_a_command(folder: Path, settings: Path) -> dict[str, str]:
    """Return the settings that a command finds in its environment."""
    done = run_command(folder, settings)
    assert done.returncode == 0, done.stderr
    return {name: each for name, each in json.loads(done.stdout).items() if "BALLROOM" in name}


def run_command(folder: Path, settings: Path) -> subprocess.CompletedProcess[str]:
    """Run `ballroom` with a program that prints its environment, and without another user."""
    inner = folder / ".venv/bin/ballroom"
    runuser = folder / "runuser"
    inner.parent.mkdir(parents=True)
    program = f"#!{sys.executable}\nimport json, os; print(json.dumps(dict(os.environ)))\n"
    inner.write_text(program)
    runuser.write_text('#!/bin/sh\nshift 3\nexec "$@"\n')
    text = (MACHINE / "ballroom.py").read_text().replace("/opt/ballroom", str(folder))
    command = folder / "ballroom"
    command.write_text(text.replace("/etc/ballroom/ballroom.env", str(settings)))
    for each in (inner, runuser, command):
        each.chmod(0o755)
    return subprocess.run(
        [sys.executable, str(command), "doctor"],
        env={"PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def back_up(data: Path, backups: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(MACHINE / "backup.sh")],
        cwd=ROOT,
        env={
            **os.environ,
            "BALLROOM_DATA": str(data),
            "BALLROOM_BACKUPS": str(backups),
            "BALLROOM_PYTHON": sys.executable,
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def names(backups: Path) -> list[str]:
    # Beside each backup is its list of revocations, and in the folder the mark of a drill.
    names = (folder.name for folder in backups.iterdir() if folder.name != ".drilled")
    return sorted(each for each in names if not each.endswith(".revocations.jsonl"))


def test_only_the_newest_backups_remain_and_the_new_one_was_restored(
    template: Template, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    backups = tmp_path / "backups"
    shutil.copytree(template.folder, data)
    for day in ("20260101T033000Z", "20260102T033000Z", "20260103T033000Z"):
        (backups / day).mkdir(parents=True)
    (backups / "by-hand").mkdir()
    done = back_up(data, backups, BALLROOM_BACKUPS_KEPT="2")
    assert done.returncode == 0, done.stderr
    oldest, newest, *others = names(backups)
    assert oldest == "20260103T033000Z"
    assert re.fullmatch(r"\d{8}T\d{6}Z", newest)
    assert (backups / newest / "ballroom.db").is_file()
    assert others == ["by-hand"]


def test_backups_from_before_the_clock_was_set_back_are_the_oldest(
    template: Template, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    backups = tmp_path / "backups"
    shutil.copytree(template.folder, data)
    for day in ("20260101T033000Z", "20981231T033000Z", "20991231T033000Z"):
        (backups / day).mkdir(parents=True)
    done = back_up(data, backups, BALLROOM_BACKUPS_KEPT="2")
    assert done.returncode == 0, done.stderr
    earlier, newest = names(backups)
    assert earlier == "20260101T033000Z"
    assert (backups / newest / "ballroom.db").is_file()
    assert "The drill took" in done.stdout
    assert f"{backups / newest} of " in done.stdout


def test_old_backups_end_as_well_where_their_folder_is_a_link(
    template: Template, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    backups = tmp_path / "backups"
    link = tmp_path / "link"
    shutil.copytree(template.folder, data)
    (backups / "20260101T033000Z").mkdir(parents=True)
    link.symlink_to(backups)
    assert back_up(data, link, BALLROOM_BACKUPS_KEPT="1").returncode == 0
    [kept] = names(backups)
    assert kept > "20260101T033000Z"


def test_one_mount_holds_the_data_and_the_backups() -> None:
    """Nobody can link a file of one mount into another one, also where both are of one disk."""
    text = (MACHINE / "ballroom-backup.service").read_text()
    [writable] = re.findall(r"^ReadWritePaths=(.*)$", text, re.MULTILINE)
    read_only = re.findall(r"^ReadOnlyPaths=(.*)$", text, re.MULTILINE)
    assert writable == "/var"
    assert read_only
    for folder in (Path(DATA), Path(BACKUPS)):
        assert folder.is_relative_to(writable)
        for each in " ".join(read_only).split():
            assert not folder.is_relative_to(each.removeprefix("-")), (folder, each)


# What the Filesystem Hierarchy Standard 3.0 has in /var, and what Debian, Ubuntu and Red Hat add.
_ELSEWHERE = {
    "debian": "crash lib/php local mail metrics snap www",
    "red hat": "adm agentx db empty ftp kerberos nis preserve",
    "standard": "account cache games lib/private lib/systemd log mail opt spool yp",
}


def test_the_backup_writes_nothing_else_in_the_mount() -> None:
    text = (MACHINE / "ballroom-backup.service").read_text()
    read_only = " ".join(re.findall(r"^ReadOnlyPaths=(.*)$", text, re.MULTILINE)).split()
    # A folder that a system lacks does not stop the backup.
    assert all(each.startswith("-/var/") for each in read_only)
    folders = [Path(each.removeprefix("-")) for each in read_only]
    elsewhere = " ".join(_ELSEWHERE.values()).split()
    assert {Path("/var", each) for each in elsewhere} == set(folders)
    assert "PrivateTmp=yes" in text.splitlines()  # /var/tmp
    found = subprocess.run(
        ["find", "/var", "-xdev", "-type", "d", "-perm", "-0002", "-print"],
        capture_output=True,
        text=True,
        check=False,  # It may not look into some.
        timeout=SECONDS,
    )
    private = Path("/var", "tmp")
    for writable in map(Path, found.stdout.splitlines()):
        assert any(writable.is_relative_to(each) for each in (*folders, private)), writable


# Makes mounts of the folders that are named, each its own, and runs the command behind "--".
_MOUNTED = """
while [ "$1" != -- ]; do mount --bind "$1" "$1" || exit 99; shift; done
shift
exec "$@"
"""


# Stands for the command of the operator. While it checks a backup, the script runs once more.
TWICE = """#!/bin/sh
case $1 in
    backup) mkdir "$2"; echo "$BALLROOM_RUN" >"$2/made-by" ;;
    doctor)
        if [ "$BALLROOM_RUN" = first ]; then
            BALLROOM_RUN=second "$BALLROOM_SCRIPT" >"$BALLROOM_SAID" 2>&1 && exit 1
        fi ;;
esac
exit 0
"""


def test_a_second_run_does_not_touch_the_backup_of_the_first(tmp_path: Path) -> None:
    operate = tmp_path / "operate"
    operate.write_text(TWICE)
    operate.chmod(0o700)
    said = tmp_path / "said"
    done = back_up(
        tmp_path / "data",
        tmp_path / "backups",
        BALLROOM_OPERATE=str(operate),
        BALLROOM_RUN="first",
        BALLROOM_SCRIPT=str(MACHINE / "backup.sh"),
        BALLROOM_SAID=str(said),
    )
    assert done.returncode == 0, done.stderr
    [made] = (tmp_path / "backups").glob("*/made-by")
    assert made.read_text() == "first\n"
    assert "Another run backs up to" in said.read_text()


@pytest.mark.parametrize(
    ("mounts", "is_linked"), [pytest.param(["."], True), pytest.param(["data", "backups"], False)]
)
async def test_a_backup_says_that_two_mounts_of_one_disk_let_it_link_nothing(
    world: World, scratch: Path, mounts: list[str], *, is_linked: bool
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    backups = scratch / "backups"
    backups.mkdir()
    folders = [str(scratch / each) for each in mounts]
    command = [sys.executable, "-m", "shared.cli", "backup", str(backups / "first")]
    done = subprocess.run(
        [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            _MOUNTED,
            "sh",
            *folders,
            "--",
            *command,
        ],
        cwd=ROOT,
        env={**os.environ, "BALLROOM_DATA": str(scratch / "data")},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    if done.returncode == 99 or "unshare failed" in done.stderr:
        pytest.skip("this machine lets nobody make a namespace of mounts")
    assert done.returncode == 0, done.stderr
    [archive] = (backups / "first" / "archives").rglob("sha256/*/*/*")
    assert (archive.stat().st_nlink == 2) is is_linked
    said = done.stderr.count("are two mounts of one disk")
    assert said == (0 if is_linked else 1)


@pytest.mark.parametrize("kept", ["0", "-1", "many"])
def test_no_backup_is_made_to_be_deleted_at_once(tmp_path: Path, kept: str) -> None:
    done = back_up(tmp_path / "data", tmp_path / "backups", BALLROOM_BACKUPS_KEPT=kept)
    assert (done.returncode, "BALLROOM_BACKUPS_KEPT" in done.stderr) == (2, True)


def test_a_backup_of_a_registry_with_a_transparency_log_has_no_problems(
    template: Template, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(template.folder, data)
    Terminal(data).run("upkeep", "run", "write-log")
    assert list((data / "transparency").rglob("checkpoint"))
    done = back_up(data, tmp_path / "backups")
    assert done.returncode == 0, done.stderr
    assert "The backup has problems" not in done.stderr
    [whole] = names(tmp_path / "backups")
    assert (tmp_path / "backups" / whole).is_dir()


async def test_a_backup_with_a_damaged_archive_is_kept_and_what_is_wrong_is_beside_it(
    world: World, scratch: Path, tmp_path: Path
) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    data = scratch / "data"
    backups = tmp_path / "backups"
    [archive] = (data / "archives").rglob("sha256/*/*/*")
    archive.chmod(0o600)
    archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    for day in ("20260101T033000Z", "20260102T033000Z", "20260103T033000Z"):
        (backups / day).mkdir(parents=True)
    (backups / "20260103T033000Z.problems").touch()
    done = back_up(data, backups, BALLROOM_BACKUPS_KEPT="1")
    assert done.returncode == 0, done.stderr
    # The newest one without problems stays beside the one that is kept.
    whole, newest, problems = names(backups)
    assert whole == "20260102T033000Z"
    assert problems == f"{newest}.problems"
    assert problems in done.stderr
    assert "acme/greet:1.0.0" in (backups / problems).read_text()


@dataclass(frozen=True)
class Night:
    """A night of a machine on which commands only note that they ran."""

    folder: Path

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    def run(self, weekday: int, drill: str = "exit 0") -> list[str]:
        """Run the nightly job on a day of the week; return the commands that it ran."""
        ran = self.folder / "ran"
        ran.write_text("")
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        date = f'[ "$2" != +%u ] || {{ echo {weekday}; exit; }}\nexec {shutil.which("date")} "$@"'
        operate = (
            f'echo "$1" >>{ran}\n[ "$1" != backup ] || mkdir "$2"\n[ "$1" != drill ] || {drill}'
        )
        for name, text in (("date", date), ("operate", operate)):
            (programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (programs / name).chmod(0o755)
        path = f"{programs}:{os.environ['PATH']}"
        done = back_up(self.folder, self.backups, PATH=path, BALLROOM_OPERATE="operate")
        assert done.returncode == 0, done.stderr
        for each in self.backups.glob("2*Z*"):  # Names are to the second, and nights are longer.
            each.rename(each.with_name(f"{int(each.name[:4]) - 1}{each.name[4:]}"))
        return ran.read_text().split()


PROVEN = ["backup", "restore", "doctor", "upkeep"]


def test_a_drill_is_made_the_first_time_and_then_on_sundays(tmp_path: Path) -> None:
    night = Night(tmp_path)
    assert night.run(weekday=1) == [*PROVEN, "drill"]
    assert night.run(weekday=2) == PROVEN
    assert night.run(weekday=7) == [*PROVEN, "drill"]
    assert night.run(weekday=1) == PROVEN
    assert not list(night.backups.glob("*.problems"))


def test_a_drill_that_finds_problems_is_made_again_every_night(tmp_path: Path) -> None:
    night = Night(tmp_path)
    assert night.run(weekday=7, drill="{ echo It is damaged.; exit 1; }") == [*PROVEN, "drill"]
    [problems] = night.backups.glob("*.problems")
    assert problems.read_text() == "It is damaged.\n"
    assert night.run(weekday=1) == [*PROVEN, "drill"]
    assert night.run(weekday=2) == PROVEN


def test_a_backup_of_a_damaged_database_gets_no_name(template: Template, tmp_path: Path) -> None:
    data = tmp_path / "data"
    backups = tmp_path / "backups"
    shutil.copytree(template.folder, data)
    (data / "ballroom.db").write_bytes(b"no database" * 1000)
    done = back_up(data, backups)
    assert done.returncode != 0
    assert names(backups) == []


@pytest.mark.parametrize("share", [0, 0.5, 1.2], ids=["at once", "in the backup", "in the drill"])
def test_a_full_disk_costs_no_earlier_backup_and_leaves_nothing_half(
    template: Template, tmp_path: Path, share: float
) -> None:
    data = tmp_path / "data"
    shutil.copytree(template.folder, data)
    with small_disk(tmp_path / "disk", 64 * MIB) as disk:
        backups = disk.root / "backups"
        before = disk.free_bytes()
        assert back_up(data, backups).returncode == 0
        size_bytes = before - disk.free_bytes()
        earlier = names(backups)
        disk.fill(leaving_pages=int(size_bytes * share) // PAGE)
        full = back_up(data, backups, BALLROOM_BACKUPS_KEPT="1")
        assert full.returncode != 0
        assert "disk" in full.stderr or "No space left" in full.stderr
        assert "Traceback" not in full.stderr
        assert names(backups) == earlier
        disk.free()
        again = back_up(data, backups, BALLROOM_BACKUPS_KEPT="1")
        assert again.returncode == 0, again.stderr
        # Doctor calls the space that is free on so small a disk a problem.
        newest, problems = names(backups)
        assert newest > earlier[0]
        assert problems == f"{newest}.problems"
