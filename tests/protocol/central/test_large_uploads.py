"""Uploads above the limit get a response that explains it, however large they are."""

import socket
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import httpx
import pytest

from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.okhttp import FORM
from tests.protocol.central.answers import refused
from tests.support.registry_process import RegistryProcess, fresh_connections, running_registry
from tests.support.server import Address
from tests.support.storage import one_machine

pytestmark = one_machine("it is about the host of one machine")

LIMIT = 100_000
MIB = 1024 * 1024
# Above the limit, above what the host takes, and far more than a connection holds on its way.
SIZES = [LIMIT + 1, LIMIT + 2 * MIB, 48 * MIB]
MAVEN = "2.0/maven/acme/greet/1.0.0/greet-1.0.0.bala"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Generator[RegistryProcess]:
    folder: Path = tmp_path_factory.mktemp("served") / "data"
    with running_registry(folder, workers=1, BALLROOM_MAX_ARCHIVE_BYTES=str(LIMIT)) as served:
        yield served


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    async with fresh_connections() as client:
        yield client


@pytest.mark.parametrize("size", SIZES)
async def test_bal_shows_the_limit(
    registry: RegistryProcess, http: httpx.AsyncClient, size: int
) -> None:
    with pytest.raises(ClientFailure) as shown:
        await registry.java(http).send_archive("acme/greet:1.0.0", b"x" * size)
    assert "this registry takes 100,000 at most" in (shown.value.reason or "")


@pytest.mark.parametrize("size", SIZES)
async def test_maven_clients_get_the_status_and_the_limit(
    registry: RegistryProcess, http: httpx.AsyncClient, size: int
) -> None:
    headers = {"Authorization": f"Bearer {registry.token}"}
    url = f"{registry.url}/{MAVEN}"
    answer = await http.put(url, content=b"x" * size, headers=headers)
    assert answer.status_code == 413
    assert "100,000 at most" in answer.text


async def test_any_other_body_is_refused_in_the_words_of_its_operation(
    registry: RegistryProcess, http: httpx.AsyncClient
) -> None:
    url = f"{registry.base}/packages/resolve-dependencies"
    answer = await http.post(url, content=b" " * 8 * MIB)
    assert "body of the request has 8,388,608 bytes" in refused(answer, 413)


async def test_a_connection_goes_on_after_a_body_that_was_too_large(
    registry: RegistryProcess,
) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        await test_bal_shows_the_limit(registry, http, SIZES[1])
        with pytest.raises(ClientFailure, match="is not a zip archive"):
            await registry.java(http).send_archive("acme/greet:1.0.0", b"x")


def head_of_upload(registry: RegistryProcess) -> bytes:
    """Return the head of a push that is too large, by a client that waits for leave to send it."""
    head = (
        "POST /2.0/registry/packages HTTP/1.1\r\nHost: registry.test\r\nExpect: 100-continue\r\n"
        f"Authorization: Bearer {registry.token}\r\nContent-Type: {FORM['Content-Type']}\r\n"
        f"Content-Length: {SIZES[-1]}\r\n\r\n"
    )
    return head.encode()


def test_a_client_that_expects_100_continue_is_refused_at_once(registry: RegistryProcess) -> None:
    answer = Address(registry.port).exchange(head_of_upload(registry)).decode()
    assert answer.startswith("HTTP/1.1 400 ")
    assert "100,000 at most" in answer


def test_a_client_that_sends_its_body_without_leave_gets_the_whole_answer(
    registry: RegistryProcess,
) -> None:
    """As Caddy does: it passes `Expect` on, and does not wait."""
    with socket.create_connection(("127.0.0.1", registry.port), timeout=30) as client:
        client.sendall(head_of_upload(registry) + b"x" * SIZES[-1])  # A reset would raise an error.
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"100,000 at most" in answer


def test_what_follows_an_answer_that_closes_the_connection_is_no_request(
    registry: RegistryProcess,
) -> None:
    """A client that got no leave may send its next request, which nobody may read as a body or
    answer."""
    head = (
        "POST /2.0/registry/packages HTTP/1.1\r\nHost: registry.test\r\nExpect: 100-continue\r\n"
        f"Content-Type: {FORM['Content-Type']}\r\nContent-Length: 10000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", registry.port), timeout=30) as client:
        client.sendall(head.encode())
        first = client.recv(65536)
        client.sendall(b"GET /health/live HTTP/1.1\r\nHost: registry.test\r\n\r\n")
        rest = b"".join(iter(lambda: client.recv(65536), b""))
    assert (first + rest).count(b"HTTP/1.1 ") == 1
