"""The registry as it is in the cloud, on this machine: `make run-azure-local`.

The local host runs the Functions over a double of Cosmos DB and over Azurite, Microsoft's emulator
of Blob Storage. What is stored is gone with it; Settings.toml and the keys are in BALLROOM_DATA.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from shared.adapters.cloud import IdentityClients, StoreAddresses
from shared.adapters.data_folder import DataFolder
from shared.adapters.system import SystemClock, SystemRandomness
from shared.auth.secrets import Secret
from shared.auth.signing_keys import SigningKeyFolder
from shared.bootstrap.keys import key_files
from tests.fakes.azurite import azurite, blob_endpoint, missing
from tests.fakes.cosmos.serving import BeforeAnswer, served
from tests.paths import ROOT
from tests.support.cloud_stores import ANY_KEY, account, make_containers

DATA = Path(".ballroom-azure")  # Not the folder of `make run`, which holds other Settings.toml.


def main() -> int | str:
    """Serve until a signal; return the exit code, or what stands in the way."""
    if reason := missing():
        return f"The registry needs Azurite here, and {reason}."
    data = Path(os.environ.get("BALLROOM_DATA", DATA))
    with stores(data) as settings:
        return _serve({**os.environ, **settings})


@contextmanager
def stores(data: Path, before: BeforeAnswer | None = None) -> Generator[dict[str, str]]:
    """Run both stores, empty; lend the settings of a registry over them."""
    double = account(SystemClock())
    double.requests = deque(maxlen=0)  # Nobody looks at them, and there are many.
    with azurite() as connection, served(double, before) as address:
        addresses = StoreAddresses(address, "", Secret(ANY_KEY), Secret(connection))
        asyncio.run(make_containers(IdentityClients(addresses)))
        yield {
            "BALLROOM_DATA": str(data),
            "BALLROOM_COSMOS_ENDPOINT": address,
            "BALLROOM_COSMOS_KEY": ANY_KEY,
            "BALLROOM_BLOB_ENDPOINT": blob_endpoint(connection),
            "BALLROOM_BLOB_CONNECTION": connection,
            "BALLROOM_LINK_KEY": _link_key(data),
        }


def _serve(environment: Mapping[str, str]) -> int:
    host = subprocess.Popen([sys.executable, "-m", "shared.localhost"], cwd=ROOT, env=environment)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: host.terminate())
    return host.wait()


def _link_key(data: Path) -> str:
    """Return the key of the folder, where the other keys of the registry are files as well."""
    for file in key_files(DataFolder(data).keys):
        file.make_missing()
    keys = SigningKeyFolder(DataFolder(data).keys, SystemClock(), SystemRandomness()).load()
    return ",".join(key.reveal() for key in keys.keys)


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
