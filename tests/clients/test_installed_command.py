"""The command `ballroom` that a wheel installs serves a registry, and operates it."""

import os
import re
import shlex
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import httpx
import pytest

from shared.domain.software_version import SOFTWARE_VERSION
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.installed_command import build_wheel, unpack_wheel
from tests.support.registry_process import RegistryProcess, pulled, push, running_registry

pytestmark = pytest.mark.slow

BOUND_SECONDS = 60.0


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def ballroom(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(unpack_wheel(wheel, tmp_path_factory.mktemp("installed")))


def test_pip_installs_the_same_files_from_a_checkout(wheel: Path, tmp_path: Path) -> None:
    build = (sys.executable, "-m", "hatchling", "build", "--target", "wheel")
    command = (*build, "--directory", str(tmp_path))
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [checkout] = tmp_path.glob("*.whl")
    names = [set(zipfile.ZipFile(each).namelist()) for each in (wheel, checkout)]
    assert names[1] - names[0] == {
        "ballroom/app/docs/use/README.md",
        "ballroom/app/docs/run/README.md",
        "ballroom/app/docs/run/azure/README.md",
    }
    assert names[0] - names[1] == set()


def run(*command: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **settings}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND_SECONDS,
    )


def hostile_folder(folder: Path) -> Path:
    """Return a folder whose modules would be imported if the current folder were searched."""
    for name in ("shared", "functions", "orjson", "ballroom"):
        (folder / f"{name}.py").write_text("raise SystemExit('The current folder is imported.')")
    return folder


def page_at(registry: RegistryProcess, path: str) -> str:
    return httpx.get(f"{registry.url}{path}", timeout=BOUND_SECONDS, trust_env=False).text


@pytest.fixture(scope="module", params=["1", "2"], ids=["one-process", "two-workers"])
def served(
    request: pytest.FixtureRequest, ballroom: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryProcess]:
    folder = hostile_folder(tmp_path_factory.mktemp("served"))
    workers = int(request.param)
    with running_registry(
        folder / "data", workers=workers, command=[ballroom, "serve"]
    ) as registry:
        yield registry


def test_the_manual_shows_the_installed_command(served: RegistryProcess) -> None:
    page = page_at(served, "/docs/clients")
    assert "ballroom account add kim" in page
    assert "shared.cli" not in page


def test_public_pages_name_no_folder_of_the_machine(ballroom: str, served: RegistryProcess) -> None:
    for path in ("/", "/sign-in", "/docs/clients"):
        page = page_at(served, path)
        assert str(Path(ballroom).parent) not in page, path
        assert "ballroom account add" in page or "ballroom signin-link" in page


def test_a_release_is_pushed_and_pulled(served: RegistryProcess) -> None:
    archive = bala("acme/greet:1.0.0")
    assert push(served.url, served.token, archive).status_code == 204
    assert pulled(served.url, "acme/greet/1.0.0") == archive
    assert served.stop() == 0  # The last of these tests.


def test_what_was_pushed_is_there_after_a_kill(ballroom: str, tmp_path: Path) -> None:
    archive = bala("acme/greet:1.0.0")
    with running_registry(tmp_path / "data", workers=1, command=[ballroom, "serve"]) as registry:
        assert push(registry.url, registry.token, archive).status_code == 204
        registry.process.send_signal(signal.SIGKILL)
        registry.process.wait(BOUND_SECONDS)
    with running_registry(tmp_path / "data", workers=1, command=[ballroom, "serve"]) as registry:
        assert pulled(registry.url, "acme/greet/1.0.0") == archive


def test_the_printed_sign_in_command_runs_the_installed_command(
    ballroom: str, tmp_path: Path
) -> None:
    data = tmp_path / "Kim's data"
    created = run(ballroom, "account", "add", "kim", folder=tmp_path, BALLROOM_DATA=str(data))
    assert created.returncode == 1
    assert str(data) in created.stderr  # There is no registry yet; nothing was created.
    with running_registry(data, workers=1, command=[ballroom, "serve"]):
        pass
    created = run(ballroom, "account", "add", "kim", folder=tmp_path, BALLROOM_DATA=str(data))
    [command] = re.findall(r"^  (.*signin-link kim)$", created.stdout, re.MULTILINE)
    assert shlex.quote(ballroom) in command
    linked = run("sh", "-c", command, folder=Path("/"))
    assert "/sign-in/link#" in linked.stdout


def test_options_of_serve_go_before_variables(ballroom: str, tmp_path: Path) -> None:
    done = run(
        ballroom,
        "serve",
        "--host",
        "::",
        "--data",
        "there",
        folder=tmp_path,
        BALLROOM_HOST="127.0.0.1",
    )
    assert done.returncode == 1
    assert "BALLROOM_URL" in done.stderr


def test_the_version_is_that_of_the_registry(ballroom: str, tmp_path: Path) -> None:
    done = run(ballroom, "--version", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"ballroom {SOFTWARE_VERSION}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion(ballroom: str, tmp_path: Path, shell: str) -> None:
    done = run(ballroom, "completion", shell, folder=tmp_path)
    assert done.returncode == 0
    assert f"_BALLROOM_COMPLETE={shell}_complete" in done.stdout


def test_completions_know_the_commands_of_operators(ballroom: str, tmp_path: Path) -> None:
    done = run(
        ballroom,
        folder=tmp_path,
        _BALLROOM_COMPLETE="bash_complete",
        COMP_WORDS="ballroom tok",
        COMP_CWORD="1",
    )
    assert done.stdout == "plain,token\n"


def test_examples_of_help_texts_name_the_installed_command(ballroom: str, tmp_path: Path) -> None:
    on_the_path = f"{Path(ballroom).parent}:{os.environ['PATH']}"
    done = run(ballroom, "account", "add", "--help", folder=tmp_path, PATH=on_the_path)
    assert "  ballroom account add kim" in done.stdout
    done = run(ballroom, "account", "add", "--help", folder=tmp_path)
    assert f"  {ballroom} account add kim" in done.stdout
    done = run("bin/ballroom", "account", "add", "--help", folder=Path(ballroom).parents[1])
    assert "  bin/ballroom account add kim" in done.stdout


def test_commands_of_earlier_versions_work_and_are_printed_nowhere(
    ballroom: str, tmp_path: Path
) -> None:
    done = run(ballroom, "admin", "account", "add", "--help", folder=tmp_path)
    assert done.returncode == 0
    assert f"Usage: {ballroom} account add" in done.stdout
    listed = run(ballroom, "--help", folder=tmp_path)
    assert "  account " in listed.stdout
    assert "admin " not in listed.stdout


def test_health_says_whether_the_registry_is_ready(ballroom: str, tmp_path: Path) -> None:
    with running_registry(tmp_path / "data", workers=1, command=[ballroom, "serve"]) as registry:
        done = run(ballroom, "health", folder=tmp_path, PORT=str(registry.port))
        assert (done.returncode, done.stdout) == (0, "The registry is ready.\n")
    done = run(ballroom, "health", folder=tmp_path, PORT=str(registry.port))
    assert done.returncode == 1
    assert "does not answer" in done.stderr


def test_the_wheel_adds_one_package_and_requires_the_versions_of_the_lock(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [metadata] = [each for each in names if each.endswith(".dist-info/METADATA")]
        required = Parser().parsestr(archive.read(metadata).decode()).get_all("Requires-Dist")
    assert {each.split("/")[0] for each in names} == {"ballroom", metadata.split("/")[0]}
    assert f"{metadata.split('/')[0]}/licenses/docs/run/third-party.md" in names
    assert "ballroom/app/docs/run/third-party.md" in names
    assert required is not None
    azure = "extra == 'azure'"
    wanted = ["; ".join(filter(None, (pin, marker))) for pin, marker in pinned("requirements.txt")]
    wanted += [
        f"{pin}; ({marker}) and {azure}" if marker else f"{pin}; {azure}"
        for pin, marker in pinned("infra/requirements.txt")
    ]
    assert sorted(each.replace('"', "'") for each in required) == sorted(wanted)


def pinned(lock: str) -> list[tuple[str, str]]:
    """Return the pins of a lock with their markers."""
    text = (ROOT / lock).read_text("utf-8")
    return re.findall(r"^(\S+==\S+)(?: ; (.*?))? \\$", text, re.MULTILINE)


def test_the_same_commit_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    assert build_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_the_notes_of_a_release_are_those_of_the_changelog(tmp_path: Path) -> None:
    command = [sys.executable, "packaging/build.py", "notes", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    notes = (tmp_path / "notes.md").read_text()
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert notes.strip() in changelog.split(f"## {SOFTWARE_VERSION} (")[1]
    assert len(notes) > 500
    assert "\n## " not in notes
