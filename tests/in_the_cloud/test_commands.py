"""Commands on a registry whose stores are those of the cloud."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from shared.adapters.cosmos.client import COSMOS_CONTAINERS
from shared.bootstrap.build import existing_registry
from shared.domain.grants import Grant
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR, Principal
from shared.services.publishing.uploads import Upload
from shared.settings import Settings
from tests.azure_local import stores
from tests.fakes.azurite import missing
from tests.support.archives import bala
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
        "key ages",
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


def publish(settings: dict[str, str], *coordinates: str) -> None:
    """Publish packages of an organization of their own, and write the transparency log."""

    async def work() -> None:
        registry = existing_registry(Settings.model_validate(stripped(settings)))
        ann = await registry.identity.accounts.create_administrator("drill-ann", by=OPERATOR)
        await registry.organizations.organizations.create(parse_org("drills"), ann, by=OPERATOR)
        by = Principal(ann.id, "session", (Grant(),))
        for each in coordinates:
            await registry.publishing.releases.push(Upload(bala(each)), by=by)
        await registry.close()

    asyncio.run(work())


def stripped(settings: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix("BALLROOM_").lower(): value for name, value in settings.items()}


@pytest.mark.measured
def test_the_newest_snapshot_and_a_sample_of_archives_are_restored_to_a_folder(
    cloud: Terminal, settings: dict[str, str], tmp_path: Path
) -> None:
    assert cloud.fail("drill") == "There is no snapshot. Take one: ballroom snapshot take"
    publish(settings, "drills/one:1.0.0", "drills/two:1.0.0", "drills/three:1.0.0")
    keys = {"BALLROOM_DATA": settings["BALLROOM_DATA"]}
    cloud.run("upkeep", "run", "write-log", **keys)
    cloud.run("snapshot", "take")
    place = ("--scratch", str(tmp_path))
    found = json.loads(cloud.run("drill", *place, "--sample", "2", "--json"))
    assert (found["outcome"], found["problems"]) == ("whole", [])
    assert (found["packages"], found["releases"], found["archives"]) == (3, 3, 2)
    assert found["entries"] > 0
    assert list(tmp_path.iterdir()) == []
    # All are there as before: the drill changes nothing in the stores.
    cloud.run("upkeep", "run", "audit-archives")
    # One that the store lost is missed, whether it is in the sample or not.
    digest = hashlib.sha256(bala("drills/one:1.0.0")).hexdigest()
    blobs = BlobServiceClient.from_connection_string(settings["BALLROOM_BLOB_CONNECTION"])
    archives = blobs.get_container_client("archives")
    for name in archives.list_blob_names():
        if digest in name or name.endswith("one-any-1.0.0.bala"):
            archives.delete_blob(name)
    result = cloud.invoke("drill", *place, "--sample", "0")
    assert result.exit_code == 1, result.output
    assert "problem: drills/one:1.0.0: its archive is missing.\n" in result.stdout
