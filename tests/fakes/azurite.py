"""Azurite, Microsoft's emulator of Blob Storage, served on loopback while tests need it."""

import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.support import npm

PACKAGE = "azurite@3.35.0"
PROGRAM = "node_modules/.bin/azurite-blob"

# The account that the emulator has by itself; its key is published and opens nothing else.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

STARTED_WITHIN = 60  # Seconds; it takes half of one on a quiet machine.

# The shell reads until we close the pipe, or the system does because we were killed.
UNTIL_WE_END = '"$@" & read -r _; kill $!; wait'


def missing() -> str:
    """Return why Azurite cannot run here, or an empty text; install it where that is possible."""
    return npm.missing(PACKAGE, PROGRAM)


@contextmanager
def azurite() -> Generator[str]:
    """Run an emulator with nothing in it; lend its connection string."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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
        _wait_for(f"http://127.0.0.1:{port}/")
        yield (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT};"
        )
    finally:
        server.communicate(timeout=STARTED_WITHIN)


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + STARTED_WITHIN
    while time.monotonic() < deadline:
        try:
            urlopen(address, timeout=1)  # noqa: S310 - loopback.
        except HTTPError:
            return  # It refuses what names no account, and so it is there.
        except OSError:
            time.sleep(0.05)
    message = "Azurite did not start"
    raise TimeoutError(message)
