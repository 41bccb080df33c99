"""Interrupted uploads: nothing is stored, and no other request waits."""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shared.hosting.http_server.connection import ConnectionTimeouts
from tests.clients.recorded_registry import Served, served
from tests.support.archives import bala
from tests.support.server import Address, read_all
from tests.support.storage import one_machine
from tests.support.world import Template

pytestmark = one_machine("it is about the time-outs of the host")

PATH = "/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala"
SHORT = ConnectionTimeouts(sending_seconds=0.2)
ARCHIVE = bala(padding=100_000)


@pytest.fixture
def registry(template: Template, scratch: Path) -> Iterator[Served]:
    """Return a registry that soon gives up on a client that is silent."""
    with served(template, scratch / "data", timeouts=SHORT) as serving:
        yield serving


def head(registry: Served, *lines: str) -> bytes:
    """Return the head of Ann's upload."""
    pair = b64encode(f"ann:{registry.people.ann.token}".encode()).decode()
    common = [f"PUT {PATH} HTTP/1.1", "Host: registry.test", f"Authorization: Basic {pair}"]
    return "\r\n".join([*common, *lines, "", ""]).encode()


def sent(registry: Served, content: bytes) -> bytes:
    """Send bytes and no more, and return what comes until the connection is closed."""
    port = int(registry.url.rpartition(":")[2])
    with Address(port).connect() as connection:
        connection.sendall(content)
        return read_all(connection)


def is_there(registry: Served) -> bool:
    """Say whether the release is served."""
    return httpx.head(registry.url + PATH).status_code == 200


def test_half_an_upload_is_cut_off_and_stores_nothing(registry: Served) -> None:
    begun = head(registry, f"Content-Length: {len(ARCHIVE)}") + ARCHIVE[: len(ARCHIVE) // 2]
    assert sent(registry, begun) == b""
    assert not is_there(registry)
