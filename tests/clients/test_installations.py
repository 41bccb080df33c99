"""Each kind of installation is driven by its document alone: the commands of
docs/run/self-hosting.md are run as they are, in the folders where the document has them.

What takes a machine of its own, such as Docker, is told apart, with the tests that come nearest.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from tests.paths import ROOT, docs
from tests.support.installed_command import build_wheel, unpack_wheel
from tests.support.processes import answers, free_port, run_commands, running_program

pytestmark = pytest.mark.slow

PAGE = docs("run/self-hosting")
BLOCKS = [
    dedent(block) for block in re.findall(r"^ *```sh\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE)
]
SECONDS = 120

FOLLOWED = ('git clone "$REPOSITORY" ballroom', ".venv/bin/ballroom doctor", "pipx install")
ELSEWHERE = {
    "docker load": "takes Docker; tests/packaging/test_image.py runs the image's files without it",
    "./dist/ballroom-": "test_single_file.py builds the file and serves with it",
    "mv .ballroom .ballroom-newer": "tests/compatibility/test_upgrades.py goes back",
    "cd packaging/compose": "takes Docker; test_compose.py reads the files",
    "docker compose stop": "takes Docker; test_compose.py reads the files",
    "helm install": "takes a cluster; test_chart.py renders the objects",
    "kubectl": "takes a cluster; test_chart.py renders the objects",
    "apt-get install": "takes root on a machine of its own",
    "install -D": "takes root; test_machine_service.py checks the units and runs the command",
    "systemctl": "takes systemd; test_machine_service.py checks the units and runs the backup",
    "ballroom account list": "the command of the service; test_machine_service.py runs it",
    "cd /opt/ballroom": "takes the service on a machine of its own",
    "BALLROOM_DATA=data": "tests of the host serve `application` by uvicorn",
}


def test_every_command_of_the_page_is_followed_or_said_to_be_followed_elsewhere() -> None:
    known = (*FOLLOWED, *ELSEWHERE)
    assert [each for each in BLOCKS if not each.startswith(known)] == []
    assert [each for each in known if not any(have.startswith(each) for have in BLOCKS)] == []


def block(beginning: str) -> str:
    """Return the one block of the page that begins so."""
    (found,) = (each for each in BLOCKS if each.startswith(beginning))
    return found


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(folder), **more}


def run(commands: str, folder: Path, **more: str) -> str:
    """Run commands as somebody with a fresh environment; return what they print."""
    return run_commands(commands, folder, environment(folder, **more))


@contextmanager
def served(command: str, folder: Path, **more: str) -> Generator[str]:
    """Run the command that serves until the block ends, and return the address."""
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    with running_program(
        ["/bin/sh", "-c", f"exec {command}"],
        lambda: answers(f"{url}/health/ready"),
        root=folder,
        environment=environment(folder, PORT=port, **more),
        in_own_group=True,
    ):
        yield url


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone whose environment has the packages of this one, as `make run` installs them.

    It is made by the first block of the page without its last line, which serves.
    """
    if not shutil.which("make") or not shutil.which("git"):
        pytest.skip("make or git is not here")
    folder = tmp_path_factory.mktemp("clone")
    origin = folder / "origin"
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in tracked.stdout.splitlines():
        if (ROOT / name).is_file():
            (origin / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, origin / name)
    author = "git -c user.name=a -c user.email=a@example.org"
    run(f"git init -q && git add -A && {author} commit -qm All", origin)
    *cloning, serving = block(FOLLOWED[0]).splitlines()
    assert serving == "make run"
    run("\n".join(cloning), folder, REPOSITORY=str(origin))
    made = folder / "ballroom"
    run(f"{sys.executable} -m venv --without-pip .venv", made)
    [site] = (made / ".venv/lib").glob("python*/site-packages")
    (site / "installed.pth").write_text(sysconfig.get_path("purelib"))
    run("cksum < requirements.txt > .venv/.installed-requirements.txt", made)
    return made


def test_a_clone_is_served_and_operated_by_its_commands(clone: Path) -> None:
    with served("make run", clone) as url:
        # Pages and commands print what works in the folder of the clone.
        assert ".venv/bin/ballroom signin-link" in httpx.get(f"{url}/sign-in", trust_env=False).text
        printed = run(block(FOLLOWED[1]), clone, PORT=url.rpartition(":")[2])
        [command] = re.findall(r"^  (.*signin-link kim)$", printed, re.MULTILINE)
        link = re.search(rf"{url}/sign-in/link#\w+", run(command, Path("/")))
        assert link
        assert httpx.get(link[0], trust_env=False).status_code == 200
    assert (clone.parent / "ballroom-backup" / "ballroom.db").is_file()


def test_a_clone_takes_the_commands_of_earlier_versions(clone: Path) -> None:
    for spelling in (
        ".venv/bin/ballroom",
        ".venv/bin/ballroom admin",
        ".venv/bin/python -m shared.cli",
    ):
        printed = run(f"{spelling} account add --help", clone)
        assert "Usage: .venv/bin/ballroom account add " in printed, spelling


def test_the_command_of_a_clone_runs_from_any_folder_and_by_a_link(
    clone: Path, tmp_path: Path
) -> None:
    run("sh .ci/environment requirements.txt .venv", clone)
    (tmp_path / "ballroom").symlink_to(clone / ".venv/bin/ballroom")
    assert run(f"{tmp_path}/ballroom --version", Path("/")).startswith("ballroom ")


def test_a_wheel_is_served_and_operated_by_its_commands(tmp_path: Path) -> None:
    """pipx is not run: the wheel is unpacked beside the packages of this environment."""
    installed = unpack_wheel(build_wheel(tmp_path), tmp_path / "installed")
    path = f"{installed.parent}:{os.environ['PATH']}"
    install, serve = block("pipx install").splitlines()
    assert install.startswith("pipx install ./dist/ballroom-")
    with served(serve, tmp_path, PATH=path) as url:
        assert "ballroom signin-link" in httpx.get(f"{url}/sign-in", trust_env=False).text
        run("ballroom doctor\nballroom account list\nballroom completion bash", tmp_path, PATH=path)


def test_the_upgrade_after_a_roll_back_pulls_again(tmp_path: Path) -> None:
    if not shutil.which("git"):
        pytest.skip("git is not here")
    upgrade = [each for each in block("cd /opt/ballroom").splitlines() if each.startswith("git ")]
    (back,) = re.findall(r"\*\*Roll back\*\*: run `(.*?)`", PAGE)
    author = "git -c user.name=a -c user.email=a@example.org"

    def follow(*commands: str) -> str:
        here = "\n".join(commands).replace("/var/backups/ballroom", str(tmp_path))
        return run(here, tmp_path / "clone")

    def publish(version: str) -> None:
        run(f"{author} commit -q --allow-empty -m {version}", tmp_path / "origin")

    (tmp_path / "origin").mkdir()
    run("git init -q -b main", tmp_path / "origin")
    publish("first")
    run("git clone -q origin clone", tmp_path)
    publish("second")
    follow(*upgrade)
    follow(back)
    publish("third")
    follow(*upgrade)
    assert follow("git log -1 --format=%s").strip() == "third"
    assert (
        follow(f"git log -1 --format=%s {(tmp_path / 'previous-commit').read_text()}") == "first\n"
    )
