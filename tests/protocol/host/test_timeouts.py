"""A client that stops talking is cut off without an answer, and never with a 408."""

import pytest

from shared.hosting.host import Host
from shared.hosting.http_server.connection import ConnectionTimeouts
from tests.support.sample_app import build_app
from tests.support.server import read_all, served_app
from tests.support.storage import one_machine

pytestmark = one_machine("it is about the host, over no store")

SHORT = ConnectionTimeouts(sending_seconds=0.2, reading_seconds=0.2)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /rest/x HTTP/1.1\r\nHost:",
        b"PUT /rest/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf of it",
    ],
)
def test_a_request_that_does_not_go_on_is_cut_off(begun: bytes) -> None:
    with served_app(Host(build_app()), timeouts=SHORT) as host, host.connect() as connection:
        connection.sendall(begun)
        assert read_all(connection) == b""
