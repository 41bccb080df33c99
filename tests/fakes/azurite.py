"""Azurite, Microsoft's emulator of Blob Storage, served on loopback while tests need it."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.support import npm
from tests.support.processes import free_port
from tests.support.waiting import BOUND_SECONDS, eventually

PACKAGE = "azurite@3.35.0"
PROGRAM = "node_modules/.bin/azurite-blob"

# The account that the emulator has by itself; its key is published and opens nothing else.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

# The shell reads until we close the pipe, or the system does because we were killed.
UNTIL_WE_END = '"$@" & read -r _; kill $!; wait'


def missing() -> str:
    """Return why Azurite cannot run here, or an empty text; install it where that is possible."""
    return npm.missing(PACKAGE, PROGRAM)


def blob_endpoint(connection: str) -> str:
    """Return the address of the account that a connection string names."""
    return dict(part.split("=", 1) for part in connection.split(";") if part)["BlobEndpoint"]


@contextmanager
def azurite() -> Generator[str]:
    """Run an emulator with nothing in it; lend its connection string."""
    port = free_port()
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence"]
    quiet = ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    # In a group of its own: Ctrl-C is for who started it, who may want to store something yet.
    server = subprocess.Popen(
        ["/bin/sh", "-c", UNTIL_WE_END, "sh", npm.folder_of(PACKAGE) / PROGRAM, *options, *quiet],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        eventually(lambda: _answers(f"http://127.0.0.1:{port}/"))
        yield (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT};"
        )
    finally:
        server.communicate(timeout=BOUND_SECONDS)


def _answers(address: str) -> bool:
    try:
        urlopen(address, timeout=1)  # noqa: S310 - loopback.
    except HTTPError:
        return True  # It refuses what names no account, and so it is there.
    except OSError:
        return False
    return True
