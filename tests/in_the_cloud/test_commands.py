"""Commands on a registry whose stores are those of the cloud."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters.cosmos.client import COSMOS_CONTAINERS
from tests.azure_local import stores
from tests.fakes.azurite import missing
from tests.support.terminal import Terminal


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Return the settings of a registry in the cloud, the same one for all tests."""
    if reason := missing():
        pytest.skip(reason)
    with stores(tmp_path_factory.mktemp("cloud")) as settings:
        yield settings


@pytest.fixture
def cloud(settings: dict[str, str], tmp_path: Path) -> Terminal:
    """Return a terminal for the registry in the cloud, with a folder that it does not need."""
    return Terminal(tmp_path / "nowhere", settings)


def test_accounts_organizations_and_tokens_are_stored_in_the_cloud(cloud: Terminal) -> None:
    cloud.run("account", "add", "kim")
    cloud.run("org", "add", "quartz", "--owner", "kim")
    assert [row["name"] for row in cloud.json("account", "list")] == ["kim"]
    assert "quartz" in cloud.run("org", "list")
    assert cloud.run("signin-link", "kim").startswith("http")
    assert not cloud.data.exists()


def test_upkeep_runs_in_the_cloud(cloud: Terminal) -> None:
    said = cloud.run("upkeep", "run", "process-outboxes")
    assert said.startswith("process-outboxes: checked ")


def test_a_healthy_registry_in_the_cloud_has_no_problem(
    cloud: Terminal, settings: dict[str, str]
) -> None:
    # The keys that Key Vault has in the cloud are in a folder here.
    printed = cloud.run("doctor", "--json", BALLROOM_DATA=settings["BALLROOM_DATA"])
    found = {each["what"]: each for each in json.loads(printed)}
    assert list(found) == [
        "versions",
        "settings",
        "address",
        "appeals",
        "contact",
        "operator",
        "confined process",
        "records",
        "blobs",
        "placement",
        "log",
        "signing keys",
    ]
    assert found["records"]["found"] == f"Cosmos DB has its {len(COSMOS_CONTAINERS)} containers."
    # What the operator does not publish is advice.
    wrong = [what for what, each in found.items() if not each["ok"]]
    assert wrong == ["appeals", "contact", "operator"]


def test_doctor_finds_what_was_not_deployed(cloud: Terminal, settings: dict[str, str]) -> None:
    elsewhere = settings["BALLROOM_BLOB_CONNECTION"].replace("devstoreaccount1;", "unknown;")
    result = cloud.invoke("doctor", "--json", BALLROOM_BLOB_CONNECTION=elsewhere)
    found = {each["what"]: each for each in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert not found["blobs"]["ok"]
    assert found["records"]["ok"]


@pytest.mark.parametrize(
    ("command", "way_out"),
    [
        (("backup", "monday"), "docs/run/backup.md"),
        (("restore", "monday"), "docs/run/backup.md"),
        (("keys", "rotate"), "infra/keys.sh"),
        (("keys", "rotate-release-keys"), "infra/keys.sh VAULT rotate-release-keys"),
        (("log", "rotate-key"), "infra/keys.sh VAULT rotate-log-key DAYS"),
    ],
)
def test_a_command_for_a_folder_says_how_it_is_done_in_the_cloud(
    cloud: Terminal, command: tuple[str, ...], way_out: str
) -> None:
    said = cloud.fail(*command)
    assert said.startswith("BALLROOM_COSMOS_ENDPOINT is set, so the registry is in the cloud")
    assert way_out in said
