"""A head leaves together with the first piece of its body."""

import pytest

from shared.hosting.http_server.heads import COPIED_BYTES, HeadJoiningTransport
from tests.unit.shared.hosting.wire import Wire

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"


@pytest.fixture
def wire() -> Wire:
    """Return what lies below the transport."""
    return Wire()


@pytest.mark.parametrize("size", [0, 4, COPIED_BYTES, COPIED_BYTES + 1])
def test_a_head_leaves_with_the_first_of_its_body(wire: Wire, size: int) -> None:
    joining = HeadJoiningTransport(wire)
    joining.write(HEAD)
    assert wire.sent == []
    joining.write(b"x" * size)
    assert wire.sent == [HEAD + b"x" * size]


def test_nothing_leaves_on_a_connection_that_is_cut(wire: Wire) -> None:
    joining = HeadJoiningTransport(wire)
    joining.write(HEAD)
    joining.abort()
    assert (wire.sent, joining.is_closing()) == ([], True)


def test_a_client_that_waits_for_leave_to_send_gets_it_at_once(wire: Wire) -> None:
    joining = HeadJoiningTransport(wire)
    joining.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    joining.write(HEAD)
    joining.write(b"body")
    assert wire.sent == [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + b"body"]


def test_data_after_the_end_of_a_connection_is_dropped(wire: Wire) -> None:
    joining = HeadJoiningTransport(wire)
    joining.write(HEAD)
    wire.abort()
    joining.write(b"body")
    joining.flush()
    assert wire.sent == []
