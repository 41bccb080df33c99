"""How the stores of the cloud are connected to."""

import subprocess
import sys

from azure.identity.aio import DefaultAzureCredential

from shared.adapters.cloud import Addresses, Connected, open_cloud
from shared.auth.secret import Secret
from shared.bootstrap import cloud_world
from shared.settings import Settings
from tests.fakes.clock import FakeClock
from tests.fakes.randomness import FakeRandomness
from tests.paths import ROOT

COSMOS, BLOBS = "https://cosmos.example.org", "https://blobs.example.org"
CLOUD = {
    "BALLROOM_COSMOS_ENDPOINT": COSMOS,
    "BALLROOM_BLOB_ENDPOINT": BLOBS,
    "BALLROOM_KEY_VAULT": "https://kv.example.org",
}
IMPORTED = """
import sys
import function_app
late = ("azure.core", "azure.cosmos", "azure.identity", "azure.keyvault", "azure.storage")
print([name for name in sys.modules if name.startswith(late)])
"""


class Watched(Connected):
    """Connects as an app does, and shows the identity that it signs in with."""

    @property
    def identity(self) -> DefaultAzureCredential | None:
        """Return the identity, or None where it was not needed."""
        return self._identity


def watched(key: str = "", connection: str = "") -> Watched:
    """Return what connects, with or without keys."""
    return Watched(Addresses(COSMOS, BLOBS, Secret(key), Secret(connection)))


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


async def test_a_world_that_was_never_asked_is_closed_without_opening() -> None:
    settings = Settings.model_validate(
        {"cosmos_endpoint": COSMOS, "blob_endpoint": BLOBS, "link_key": "k" * 32}
    )
    await cloud_world(settings, FakeClock()).close()


def test_the_app_starts_without_importing_what_its_first_request_needs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        cwd=ROOT,
        env=CLOUD,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
