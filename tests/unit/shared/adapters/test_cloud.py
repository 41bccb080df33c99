"""How the stores of the cloud are connected to."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from azure.core.credentials_async import AsyncTokenCredential

from shared.adapters.cloud import (
    AzureClients,
    IdentityClients,
    StoreAddresses,
    check_cloud_stores,
    open_cloud,
)
from shared.adapters.cosmos.client import DATABASE
from shared.auth.secrets import Secret
from shared.bootstrap.migration import create_stores
from shared.domain.checks import DoctorCheck
from tests.fakes.system import FakeClock, FakeRandomness
from tests.paths import ROOT
from tests.support.cloud_stores import CloudInMemory, double_of
from tests.support.world import settings_of

COSMOS = "https://cosmos.example.org"
BLOBS = "https://blobs.example.org"
CLOUD = {
    "BALLROOM_COSMOS_ENDPOINT": COSMOS,
    "BALLROOM_BLOB_ENDPOINT": BLOBS,
    "BALLROOM_KEY_VAULT": "https://kv.example.org",
}
IMPORTED = """
import gc
import sys
import function_app
late = (
    "azure.core", "azure.cosmos", "azure.identity", "azure.storage", "cryptography", "httpx",
    "jinja2", "msal", "rapidfuzz", "snowballstemmer",
)
found = [name for name in sys.modules if name.startswith(late)]
print(found, gc.isenabled(), gc.get_freeze_count() > 0)
"""


class Watched(IdentityClients):
    """Connects as an app does, and shows the identity that it signs in with."""

    @property
    def identity(self) -> AsyncTokenCredential | None:
        """Return the identity, or None where it was not needed."""
        return self._identity


def watched(key: str = "", connection: str = "") -> Watched:
    """Return what connects, with or without keys."""
    return Watched(StoreAddresses(COSMOS, BLOBS, Secret(key), Secret(connection)))


async def test_both_clients_sign_in_with_one_identity_and_let_it_go() -> None:
    connected = watched()
    cloud = open_cloud(connected, FakeClock(), FakeRandomness("cloud"))
    cloud.cosmos.proxy("packages")
    cloud.blobs.container("archives")
    assert connected.identity is not None
    await cloud.close()
    assert connected.identity is None


async def test_with_keys_no_identity_is_needed() -> None:
    connection = f"AccountName=a;AccountKey=a2V5;BlobEndpoint={BLOBS}"
    connected = watched("a2V5", connection)
    cloud = open_cloud(connected, FakeClock(), FakeRandomness("cloud"))
    cloud.cosmos.proxy("packages")
    assert cloud.blobs.container("archives").url == f"{BLOBS}/archives"
    assert connected.identity is None
    await cloud.close()


@pytest.mark.parametrize("world", [{}, CLOUD], ids=["machine", "cloud"])
def test_the_app_starts_without_importing_what_its_first_request_needs(
    world: dict[str, str], tmp_path: Path
) -> None:
    if not world:  # On one machine the first start of all creates the stores.
        create_stores(settings_of(tmp_path))
    started = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        cwd=ROOT,
        env={"BALLROOM_DATA": str(tmp_path), **world},
        capture_output=True,
        text=True,
        check=True,
    )
    # What was imported is set aside, and collections run again.
    assert started.stdout.strip() == "[] True True"


async def findings(connections: AzureClients) -> dict[str, DoctorCheck]:
    """Return what was found, by what was looked at."""
    cloud = open_cloud(connections, FakeClock(), FakeRandomness("doctor"))
    try:
        return {each.what: each async for each in check_cloud_stores(cloud)}
    finally:
        await cloud.close()


@pytest.fixture
def connections(tmp_path: Path) -> CloudInMemory:
    """Return stores in which nothing is missing."""
    return CloudInMemory(tmp_path, FakeClock())


async def test_a_container_that_was_not_deployed_is_named(
    connections: CloudInMemory, tmp_path: Path
) -> None:
    del double_of(tmp_path, FakeClock()).containers[DATABASE, "stats"]
    found = (await findings(connections))["records"]
    assert found.found == "The container stats of Cosmos DB does not exist."
    assert found.way_out == "The templates make it: run azd up."


async def test_a_store_that_does_not_answer_in_time_is_found(connections: CloudInMemory) -> None:
    cloud = open_cloud(connections, FakeClock(), FakeRandomness("doctor"))
    found = [each async for each in check_cloud_stores(cloud, patience=timedelta(0))]
    await cloud.close()
    assert [each.found for each in found] == [
        "The container packages of Cosmos DB does not answer (there was no answer in time).",
        "The container archives of Blob Storage does not answer (there was no answer in time).",
    ]
