"""No request is read as the body of another one (CWE-444).

Behind a proxy, the next request of a connection may be that of another client.
"""

from collections.abc import Generator

import pytest

from tests.support.registry_process import RegistryProcess, running_registry
from tests.support.server import Address, read_all
from tests.support.storage import one_machine

pytestmark = one_machine("it is about the host of one machine")

NEXT = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
LENGTH = len(NEXT)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Generator[RegistryProcess]:
    with running_registry(tmp_path_factory.mktemp("served") / "data", workers=1) as served:
        yield served


def test_a_client_that_waits_for_100_continue_gets_no_cached_answer_instead(
    registry: RegistryProcess,
) -> None:
    """It would then send its next request, which would be read as the body."""
    address = Address(registry.port)
    head = f"GET /index/config.json HTTP/1.1\r\nHost: x\r\nContent-Length: {LENGTH}\r\n".encode()
    for _ in range(2):  # The second one gets the answer of the first one.
        answers = address.exchange(head + b"\r\n" + b" " * LENGTH + NEXT)
        assert answers.count(b"HTTP/1.1 200 OK\r\n") == 2
    for _ in range(2):
        with address.connect() as connection:
            connection.sendall(head + b"Expect: 100-continue\r\n\r\n")
            assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(b" " * LENGTH + NEXT)
            assert read_all(connection).count(b"HTTP/1.1 200 OK\r\n") == 2
