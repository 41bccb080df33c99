"""What an application sends becomes one whole answer, whose head leaves with its body."""

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from shared.hosting.http_server.connection import (
    MAX_PIPELINED_REQUESTS,
    Connection,
    ConnectionTimeouts,
    ServerState,
)
from shared.hosting.http_server.served_request import (
    COPIED_BYTES,
    MOST_BODY_BYTES_WAITING,
    InvalidAnswer,
    ServedRequest,
)
from shared.hosting.requests import ASGIApp, Message, Receive, Scope, Send
from shared.telemetry.log import Event, log
from tests.support.logs import capture_logs
from tests.support.waiting import let_tasks_run
from tests.unit.shared.hosting.noting_transport import NotingTransport, answers_to

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
PUT = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def piece(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


def length(number: int) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % number


@pytest.fixture
def transport() -> NotingTransport:
    """Return what lies below the connection."""
    return NotingTransport()


@pytest.fixture(autouse=True)
def logged() -> Generator[list[dict[str, Any]]]:
    """Collect events instead of writing them."""
    with capture_logs() as events:
        yield events


def served(transport: NotingTransport, method: str = "GET") -> ServedRequest:
    """Return a request that was read from its transport, whose client waits for 100 Continue."""
    connection = Connection(ServerState(_never_called))
    connection.connection_made(transport)
    scope = {"type": "http", "method": method}
    return ServedRequest(scope, connection, keep_alive=True, expects_continue=True)


async def _never_called(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotImplementedError


def sending(*messages: Message) -> ASGIApp:
    """Return an application that sends these messages."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        for message in messages:
            await send(message)

    return app


async def sent_by(app: ASGIApp) -> bytes:
    """Return what an application sends to a client that stays connected."""
    transport = NotingTransport()
    state = ServerState(app)
    connection = Connection(state)
    connection.connection_made(transport)
    connection.data_received(GET)
    await asyncio.gather(*state.tasks)
    return b"".join(transport.sent)


# --- The head ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 4, COPIED_BYTES, COPIED_BYTES + 1])
async def test_a_head_leaves_with_the_first_of_its_body(
    transport: NotingTransport, size: int
) -> None:
    made = served(transport)
    await made.send(start(length(size)))
    assert transport.sent == []
    await made.send(piece(b"x" * size))
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size
    assert transport.sent == [head + b"x" * size]


async def test_a_head_without_a_body_leaves_at_the_end_of_its_answer(
    transport: NotingTransport,
) -> None:
    made = served(transport, "HEAD")
    await made.send(start(length(4)))
    await made.send(piece(b""))
    assert transport.sent == [HEAD]


async def test_nothing_leaves_on_a_connection_that_is_cut(transport: NotingTransport) -> None:
    made = served(transport)
    await made.send(start(length(4)))
    transport.abort()
    made.close()
    assert (transport.sent, transport.is_closing()) == ([], True)


async def test_a_client_that_expects_100_continue_gets_it_at_once(
    transport: NotingTransport,
) -> None:
    made = served(transport, "PUT")
    made.add_body(b"sent")
    made.end_body()
    assert await made.receive() == {"type": "http.request", "body": b"sent", "more_body": False}
    await made.send(start(length(4)))
    await made.send(piece(b"body"))
    assert transport.sent == [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + b"body"]


async def test_a_client_gets_no_100_continue_after_its_answer_has_begun(
    transport: NotingTransport,
) -> None:
    made = served(transport, "PUT")
    await made.send(start(length(4)))
    made.add_body(b"sent")
    await made.receive()
    assert transport.sent == []


async def test_data_after_the_end_of_a_connection_is_dropped(transport: NotingTransport) -> None:
    made = served(transport)
    await made.send(start(length(4)))
    transport.abort()
    await made.send(piece(b"body"))
    assert transport.sent == []


async def test_an_answer_that_fails_after_its_head_ends_the_connection() -> None:
    assert await sent_by(sending(start(length(4)))) == HEAD
    assert await sent_by(sending(start(length(4)), piece(b"bo", more=True))) == HEAD + b"bo"


@pytest.mark.parametrize("header", [(b"x y", b"a"), (b"x:", b"a"), (b"x", b"a\r\ny: b")])
async def test_a_header_that_is_not_one_line_is_not_sent(
    transport: NotingTransport, header: tuple[bytes, bytes]
) -> None:
    with pytest.raises(InvalidAnswer):
        await served(transport).send(start(header))
    assert await answers_to(sending(start(header)), GET) == b""


@pytest.mark.parametrize(("status", "line"), [(404, b"404 Not Found"), (599, b"599 ")])
async def test_every_status_has_a_line(status: int, line: bytes) -> None:
    answer = await answers_to(sending(start(length(0), status=status), piece(b"")), GET)
    assert answer.startswith(b"HTTP/1.1 " + line + b"\r\n")


async def test_the_server_adds_its_headers(transport: NotingTransport) -> None:
    state = ServerState(_never_called)
    state.update_default_headers()
    connection = Connection(state)
    connection.connection_made(transport)
    made = ServedRequest({"method": "GET"}, connection, keep_alive=True, expects_continue=False)
    await made.send(start(length(0)))
    await made.send(piece(b""))
    assert b"\r\ndate: " in transport.sent[0]
    assert b" GMT\r\nserver: ballroom\r\ncontent-length: 0\r\n\r\n" in transport.sent[0]


# --- The length of a body ------------------------------------------------------------------------


async def test_a_body_of_unknown_length_is_sent_in_chunks() -> None:
    messages = start(), piece(b"one", more=True), piece(b"", more=True), piece(b"x" * 16)
    answer = await sent_by(sending(*messages))
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    assert answer == head + b"3\r\none\r\n10\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n"


async def test_chunks_have_no_length() -> None:
    headers = [(b"Transfer-Encoding", b"Chunked"), length(9)]
    answer = await answers_to(sending(start(*headers), piece(b"one")), GET)
    assert answer.endswith(b"\r\n\r\n3\r\none\r\n0\r\n\r\n")


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_has_no_length(status: int) -> None:
    answer = await sent_by(sending(start(status=status), piece(b"")))
    assert answer.partition(b"\r\n")[2] == b"\r\n"


@pytest.mark.parametrize("body", [b"long", b"s"])
async def test_a_body_of_another_length_than_was_said_ends_the_connection(
    body: bytes, logged: list[dict[str, Any]]
) -> None:
    answer = await answers_to(sending(start(length(2)), piece(body)), GET + GET)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"long" not in answer
    assert "application.failed" in [each["event"] for each in logged]


@pytest.mark.parametrize(
    "messages",
    [
        [piece(b"")],
        [start(length(0)), start(length(0))],
        [start(length(0)), piece(b""), piece(b"")],
    ],
)
async def test_messages_in_another_order_are_no_answer(
    transport: NotingTransport, messages: list[Message]
) -> None:
    *first, last = messages
    made = served(transport)
    for message in first:
        await made.send(message)
    with pytest.raises(InvalidAnswer):
        await made.send(last)


# --- Applications that fail ----------------------------------------------------------------------


async def fail(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    raise ZeroDivisionError


@pytest.mark.parametrize("app", [fail, sending()])
async def test_an_application_without_an_answer_is_an_error_of_the_server(
    app: ASGIApp, logged: list[dict[str, Any]]
) -> None:
    answer = await answers_to(app, GET + GET)
    assert answer.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert answer.endswith(b"\r\nconnection: close\r\n\r\nInternal Server Error")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert logged[0]["event"].startswith("application.")


async def test_an_application_that_is_cancelled_still_answers(transport: NotingTransport) -> None:
    running = asyncio.ensure_future(served(transport).run(_waiting))
    await asyncio.sleep(0)
    running.cancel()
    await running
    assert transport.sent[0].startswith(b"HTTP/1.1 500 ")


async def _waiting(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    await asyncio.Event().wait()


# --- The end of a connection ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", [b"HTTP/1.0\r\nHost: x", b"HTTP/1.1\r\nHost: x\r\nConnection: close"]
)
async def test_a_connection_ends_after_an_answer_where_the_client_says_so(line: bytes) -> None:
    sent = b"GET / " + line + b"\r\n\r\n"
    answer = await answers_to(sending(start(length(4)), piece(b"body")), sent + GET)
    assert answer == HEAD[:-2] + b"connection: close\r\n\r\nbody"


async def test_a_client_of_http_1_0_gets_no_leave_to_send() -> None:
    sent = PUT.replace(b"1.1", b"1.0") + b"Expect: 100-continue\r\n\r\nbody"
    assert not (await answers_to(reading, sent)).startswith(b"HTTP/1.1 100")
    assert (await answers_to(reading, sent.replace(b"1.0", b"1.1"))).startswith(b"HTTP/1.1 100")


async def reading(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    """Answer when the body is read."""
    while (await receive()).get("more_body"):
        pass
    await send(start(length(0)))
    await send(piece(b""))


async def test_every_request_that_nobody_waits_for_any_more_is_told(
    transport: NotingTransport,
) -> None:
    told = list[Any]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        told.append((await receive())["type"])
        told.append((await receive())["type"])

    state = ServerState(app)
    connection = Connection(state)
    connection.connection_made(transport)
    connection.data_received(GET * 3)
    await asyncio.sleep(0)
    connection.connection_lost(None)
    await asyncio.gather(*state.tasks)
    assert told == ["http.request", "http.disconnect"]
    assert transport.sent == []
    assert not state.connections


class Secure(NotingTransport):
    """A transport as over TLS, which is not ended on one side."""

    def can_write_eof(self) -> bool:
        return False


async def answering(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    """Answer a little later, whatever the body is."""
    await asyncio.sleep(0)
    await send(start(length(0)))
    await send(piece(b""))


@pytest.mark.parametrize("app", [answering, reading])
@pytest.mark.parametrize("kind", [NotingTransport, Secure])
async def test_a_request_whose_broken_body_was_refused_has_no_second_answer(
    kind: type[NotingTransport], app: ASGIApp, logged: list[dict[str, Any]]
) -> None:
    transport = kind()
    state = ServerState(app)
    connection = Connection(state)
    connection.connection_made(transport)
    lines = b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\nno size\r\n"
    connection.data_received(b"PUT / HTTP/1.1\r\nHost: x\r\n" + lines)
    await asyncio.wait_for(asyncio.gather(*state.tasks), 1)
    answer = b"".join(transport.sent)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert logged == []
    connection.connection_lost(None)


async def test_a_client_has_time_to_read_its_last_answer_however_late_that_came(
    transport: NotingTransport,
) -> None:
    state = ServerState(sending(start(length(0)), piece(b"")))
    connection = Connection(state)
    connection.connection_made(transport)
    connection.data_received(PUT + b"Connection: close\r\n\r\n")
    timeouts = ConnectionTimeouts()
    connection.received_at -= 2 * timeouts.sending_seconds
    await asyncio.gather(*state.tasks)
    assert transport.has_ended
    assert not connection.has_timed_out(asyncio.get_running_loop().time(), timeouts)
    connection.connection_lost(None)


# --- Clients that are faster or slower than the application --------------------------------------


class Paused(NotingTransport):
    """A transport that notes whether it is read."""

    is_read = True

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True


async def test_a_client_is_not_read_while_a_request_waits_for_its_turn() -> None:
    transport = Paused()
    state = ServerState(sending(start(length(0)), piece(b"")))
    connection = Connection(state)
    connection.connection_made(transport)
    connection.data_received(GET)
    assert transport.is_read
    connection.data_received(GET * (MAX_PIPELINED_REQUESTS - 1))
    assert not transport.is_read
    while state.tasks:
        await asyncio.gather(*state.tasks)
        await asyncio.sleep(0)
    assert transport.is_read
    assert len(transport.sent) == MAX_PIPELINED_REQUESTS


async def test_a_client_is_not_read_while_much_of_its_body_waits() -> None:
    transport = Paused()
    made = served(transport, "PUT")
    made.add_body(b"x" * MOST_BODY_BYTES_WAITING)
    assert transport.is_read
    made.add_body(b"x")
    assert not transport.is_read
    assert len((await made.receive())["body"]) == MOST_BODY_BYTES_WAITING + 1
    assert transport.is_read


async def test_an_answer_waits_until_its_client_reads(transport: NotingTransport) -> None:
    state = ServerState(sending(start(length(4)), piece(b"bo", more=True), piece(b"dy")))
    connection = Connection(state)
    connection.connection_made(transport)
    connection.data_received(GET)
    connection.pause_writing()
    assert connection.blocked_since is not None
    await let_tasks_run()
    assert transport.sent == []
    connection.resume_writing()
    await asyncio.gather(*state.tasks)
    assert b"".join(transport.sent) == HEAD + b"body"


async def test_a_failure_that_cannot_be_logged_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(level: str, event: str, fields: Event) -> None:
        raise OSError(level, event, fields)

    monkeypatch.setattr(log, "sink", refuse)
    transport = NotingTransport()
    state = ServerState(_never_called)
    connection = Connection(state)
    connection.connection_made(transport)
    connection.data_received(GET)
    await asyncio.gather(*state.tasks, return_exceptions=True)
    assert b"".join(transport.sent).startswith(b"HTTP/1.1 500 ")
    assert transport.is_closing()
