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


def test_pieces_after_the_first_are_sent_at_once(wire: Wire) -> None:
    joining = HeadJoiningTransport(wire)
    for piece in (HEAD, b"first", b"second", memoryview(b"third")):
        joining.write(piece)
    assert wire.sent == [HEAD + b"first", b"second", b"third"]


def test_a_head_without_a_body_leaves_with_the_end_of_the_answer(wire: Wire) -> None:
    joining = HeadJoiningTransport(wire)
    joining.write(HEAD)
    joining.flush()
    joining.flush()
    assert wire.sent == [HEAD]


def test_a_head_leaves_before_the_connection_is_closed(wire: Wire) -> None:
    joining = HeadJoiningTransport(wire)
    joining.write(HEAD)
    joining.close()
    assert (wire.sent, wire.closed) == ([HEAD], True)


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


def test_it_knows_what_the_wire_knows(wire: Wire) -> None:
    assert HeadJoiningTransport(wire).get_extra_info("peername") == ("127.0.0.1", 1)
    assert HeadJoiningTransport(wire).get_extra_info("sslcontext") is None


def test_data_after_the_end_of_a_connection_is_dropped(wire: Wire) -> None:
    joining = HeadJoiningTransport(wire)
    joining.write(HEAD)
    wire.abort()
    joining.write(b"body")
    joining.flush()
    assert wire.sent == []
