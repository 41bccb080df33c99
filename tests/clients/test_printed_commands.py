"""Every command that the start and the operator's commands print runs as it is printed, in each
shell and from any folder."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.paths import ROOT
from tests.support.debian import install_packages
from tests.support.registry_process import RegistryProcess, running_registry
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

BOUND_SECONDS = 60.0
SHELLS = {"sh": "dash", "bash": "bash", "zsh": "zsh"}  # By the Debian packages that have them.
PUBLIC = "https://registry.test"
FOLDER = "Kim's data, *new*; $HOME"  # Signs that a shell or curl takes for its own.
COMMAND = re.compile(
    r"^ +(?:Sign in +run: )?((?:curl |BALLROOM_DATA=)(?:.*\\\n)*.*)$", re.MULTILINE
)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    """Return a shell, or skip with the reason why it is not there."""
    if not shutil.which(request.param) and (reason := install_packages([SHELLS[request.param]])):
        pytest.skip(reason)
    return str(shutil.which(request.param))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    """Return a registry that the tests of all shells share."""
    with running_registry(tmp_path_factory.mktemp("shared") / FOLDER, workers=1) as registry:
        yield registry


@pytest.fixture(scope="module")
def start_commands(registry: RegistryProcess) -> list[str]:
    """Return the commands of the start message: a push and a pull."""
    return commands_in(printed_by(registry))


def printed_by(registry: RegistryProcess) -> str:
    """Return the start message once it was read: a thread reads what the registry writes."""
    eventually(lambda: COMMAND.search(registry.output.text) is not None)
    return registry.output.text


def commands_in(text: str) -> list[str]:
    return COMMAND.findall(text)


def run(shell: str, command: str, folder: Path) -> str:
    """Run a command as somebody who pastes it elsewhere; return what it prints."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(
        [shell, "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND_SECONDS,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def test_the_commands_of_the_start_push_the_sample_and_pull_it(
    registry: RegistryProcess, start_commands: list[str], shell: str, elsewhere: Path
) -> None:
    push, pull = start_commands
    assert run(shell, push, elsewhere) == ""  # To push the same bytes again succeeds as well.
    page = httpx.get(f"{registry.url}/packages/acme/greet", trust_env=False)
    assert page.status_code == 200
    run(shell, pull, elsewhere)
    [pulled] = elsewhere.iterdir()
    assert pulled.name.endswith(".bala")
    assert pulled.read_bytes() == (registry.data / "greet.bala").read_bytes()


def test_a_push_that_is_refused_prints_the_reason(
    registry: RegistryProcess, start_commands: list[str], elsewhere: Path
) -> None:
    push, _ = start_commands
    sample = registry.data / "greet.bala"
    archive = sample.read_bytes()
    sample.write_bytes(b"no archive")
    try:
        refused = run("bash", f"{push} || true", elsewhere)
    finally:
        sample.write_bytes(archive)
    assert refused.startswith('{"message":')


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    """Return a registry whose data is where that of a clone is."""
    folder = tmp_path_factory.mktemp("clone") / ".ballroom"
    with running_registry(folder, workers=1) as registry:
        yield registry


def test_the_commands_of_the_readme_do_the_same_in_the_folder_of_the_clone(
    clone: RegistryProcess, shell: str
) -> None:
    section = (ROOT / "README.md").read_text("utf-8").partition("## Push and pull")[2]
    [commands] = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[:1]
    run(shell, commands.replace("http://127.0.0.1:7071", clone.url), clone.data.parent)
    [pulled] = clone.data.parent.glob("*.bala")
    assert pulled.read_bytes() == (clone.data / "greet.bala").read_bytes()
    pulled.unlink()


@pytest.fixture(scope="module")
def public_command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the command that the start of a public registry prints, while it runs."""
    folder = tmp_path_factory.mktemp("public") / FOLDER
    with running_registry(folder, workers=1, BALLROOM_URL=PUBLIC) as registry:
        yield commands_in(printed_by(registry))[0]


def test_the_command_of_a_public_start_prints_a_link_of_its_address(
    public_command: str, shell: str, elsewhere: Path
) -> None:
    assert f"{PUBLIC}/sign-in/link#" in run(shell, public_command, elsewhere)


def operate(registry: RegistryProcess, *command: str) -> str:
    """Run a command of the operator in the clone, and return the one that it prints."""
    environment = {**os.environ, "BALLROOM_DATA": str(registry.data), "PORT": str(registry.port)}
    printed = subprocess.run(
        [sys.executable, "packaging/ballroom/__main__.py", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    [found] = commands_in(printed)
    return found


@pytest.fixture(scope="module")
def account_command(registry: RegistryProcess) -> str:
    """Return what a new account prints."""
    return operate(registry, "account", "add", "kim")


def test_the_command_after_a_new_account_signs_it_in_where_this_start_listens(
    registry: RegistryProcess, account_command: str, shell: str, elsewhere: Path
) -> None:
    link = f"{registry.url}/sign-in/link#"
    assert link in run(shell, account_command, elsewhere)


@pytest.fixture(scope="module")
def restore_command(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Return what a backup prints, and the folder of the registry, which has stopped."""
    folder = tmp_path_factory.mktemp("backup")
    with running_registry(folder / "data", workers=1) as registry:
        return operate(registry, "backup", os.path.relpath(folder / "b 1", ROOT)), registry.data


def test_the_command_after_a_backup_names_it_by_its_whole_path(
    restore_command: tuple[str, Path], shell: str, elsewhere: Path
) -> None:
    restore, data = restore_command
    shutil.rmtree(data)
    assert "Restored" in run(shell, restore, elsewhere)


def test_an_installed_command_is_printed_by_its_name(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = "ballroom"
    with running_registry(
        data, workers=1, BALLROOM_URL=PUBLIC, BALLROOM_COMMAND=command
    ) as registry:
        assert "Sign in    run: ballroom signin-link admin\n" in printed_by(registry)
