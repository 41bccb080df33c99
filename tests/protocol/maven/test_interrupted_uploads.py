"""An interrupted upload stores nothing."""

from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from shared.hosting.http_server.connection import ConnectionTimeouts
from tests.clients.recorded_registry import served
from tests.support.archives import bala
from tests.support.server import Address
from tests.support.storage import one_machine
from tests.support.world import Template

pytestmark = one_machine("it is about the time-outs of the host")

PATH = "/2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala"
SHORT = ConnectionTimeouts(sending_seconds=0.2)
ARCHIVE = bala(padding=100_000)


def test_half_an_upload_is_cut_off_and_stores_nothing(template: Template, scratch: Path) -> None:
    with served(template, scratch / "data", timeouts=SHORT) as registry:
        head = (
            f"PUT {PATH} HTTP/1.1\r\nHost: registry.test\r\n"
            f"Authorization: Bearer {registry.people.ann.token}\r\n"
            f"Content-Length: {len(ARCHIVE)}\r\n\r\n"
        )
        begun = head.encode() + ARCHIVE[: len(ARCHIVE) // 2]
        assert Address(int(registry.url.rpartition(":")[2])).exchange(begun) == b""
        assert asked_until_answered(registry.url + PATH).status_code == 404


def asked_until_answered(url: str) -> httpx.Response:
    """Return the answer to a HEAD, which a busy machine may send too late for the host as well."""
    for _ in range(50):
        with suppress(httpx.TransportError):
            return httpx.head(url)
    pytest.fail("The host cut every request off.")
