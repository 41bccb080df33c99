"""Machines of administrators, over one Azure of a test."""

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.deployment.machines import Machine, machine
from tests.deployment.tool_server import running_tool_server


@pytest.fixture(scope="session")
def tool_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the socket of the process that runs the tools of all machines."""
    with running_tool_server(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture
def new_machine(tmp_path: Path, tool_server: Path) -> Callable[[], Machine]:
    """Return what makes another machine for the same Azure."""
    numbers: Iterator[int] = count(1)

    def made() -> Machine:
        folder = tmp_path / f"machine-{next(numbers)}"
        folder.mkdir()
        return machine(folder, tmp_path / "azure.json", tool_server)

    return made


@pytest.fixture
def first(new_machine: Callable[[], Machine]) -> Machine:
    """Return the machine of the first administrator, with nothing done yet."""
    return new_machine()


SIGN_IN = "az login && azd auth login"
ENVIRONMENT = """
az group create --name rg-ballroom --location northeurope
azd env new ballroom
azd env set AZURE_LOCATION northeurope
azd env set AZURE_SUBSCRIPTION_ID "$(az account show --query id --output tsv)"
azd env set AZURE_RESOURCE_GROUP rg-ballroom
"""


@pytest.fixture
def signed_in(first: Machine) -> Machine:
    """Return a machine with an environment, where nothing is deployed."""
    first.does(SIGN_IN + ENVIRONMENT)
    return first


TEAM = """
azd env set BALLROOM_SIZE=team BALLROOM_ALERT_EMAIL=ops@example.org
azd env set BALLROOM_URL https://packages.example.org
azd env set BALLROOM_MORE_SETTINGS '{"BALLROOM_FOUNDING": "administrators"}'
azd up
infra/entra.sh https://packages.example.org
azd provision
"""


@pytest.fixture(scope="session")
def deployed_once(tmp_path_factory: pytest.TempPathFactory, tool_server: Path) -> Machine:
    """Return a machine that has deployed `team`, which no test changes."""
    folder = tmp_path_factory.mktemp("deployed")
    made = machine(folder, folder / "azure.json", tool_server)
    made.does(SIGN_IN + ENVIRONMENT + TEAM)
    return made


@pytest.fixture
def deployed(deployed_once: Machine, first: Machine) -> Machine:
    """Return a machine that has deployed `team`, with a domain, alerts, sign-in and a setting."""
    shutil.copy(deployed_once.file, first.file)
    shutil.copytree(deployed_once.project / ".azure", first.project / ".azure")
    return first
