"""A connection knows when its client has gone quiet, and answers at once what is ready."""

import asyncio
import re
import socket
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.hosting.http_server.connection import (
    MAX_PIPELINED_REQUESTS,
    Connection,
    ConnectionTimeouts,
    Phase,
    ServerState,
)
from shared.hosting.requests import Receive, Scope, Send
from shared.hosting.responses import (
    AnswerMessages,
    CachedAnswer,
    encode_head,
    send_answer,
)
from tests.support.server import Address, read_all, served_app
from tests.unit.shared.hosting.noting_transport import NotingTransport

TIMEOUTS = ConnectionTimeouts(sending_seconds=30, reading_seconds=60, idle_seconds=120)


class Transport:
    """A transport whose client takes what waits as a test says."""

    pending = 1_000_000

    def get_write_buffer_size(self) -> int:
        return self.pending

    def pause_reading(self) -> None:
        """Do nothing."""

    def resume_reading(self) -> None:
        """Do nothing."""


def connection(phase: Phase | None = None, *, more_body: bool = True, done: bool = False) -> Any:
    """Return a connection as its server holds it, with a request whose body is half there."""
    made = cast(Any, Connection.__new__(Connection))
    made.loop = SimpleNamespace(time=lambda: 0.0)
    made.transport = Transport()
    made.scope = None
    made.request = SimpleNamespace(more_body=more_body, is_complete=done, expects_continue=False)
    made._phase = phase or made._phase
    return made


def stalls(made: Connection, at: float) -> bool:
    return made.has_timed_out(at, TIMEOUTS)


@pytest.mark.parametrize(("more_body", "read_paused"), [(True, True), (False, False)])
def test_a_client_is_not_blamed_while_it_waits_for_us(more_body: bool, read_paused: bool) -> None:
    made = connection(more_body=more_body)
    made.is_reading_paused = read_paused
    assert not stalls(made, 1000)


def test_a_client_is_not_blamed_while_it_waits_for_100_continue() -> None:
    made = connection(Phase.TAKEN)
    made.request.expects_continue = True
    assert not any(stalls(made, at) for at in range(20))
    made.request.expects_continue = False
    assert not stalls(made, 20)
    assert stalls(made, 26)


def test_a_client_has_its_whole_time_when_it_is_read_again() -> None:
    made = connection(Phase.TAKEN)
    made.pause_reading()
    assert not stalls(made, 100)
    made.loop.time = lambda: 100.0
    made.resume_reading()
    assert not stalls(made, 101)
    assert stalls(made, 131)


def test_between_two_requests_the_keep_alive_time_counts() -> None:
    made = connection(done=True)
    made.idle_since = 0.0
    assert not stalls(made, 1000)
    assert not made.has_idled(120, TIMEOUTS)
    assert made.has_idled(121, TIMEOUTS)
    # The next request has begun, and does not go on.
    made.idle_since = None
    assert stalls(made, 1000)
    assert not made.has_idled(1000, TIMEOUTS)


def test_a_head_that_begins_with_the_request_before_it_is_no_silence_between_requests() -> None:
    made = connection(Phase.HEAD)
    made.request = None
    made.idle_since = 0.0
    assert not made.has_idled(1000, TIMEOUTS)
    assert stalls(made, 31)


def test_a_client_that_does_not_take_its_answer_has_stalled() -> None:
    made = connection(more_body=False)
    made.blocked_since = 100.0
    assert not stalls(made, 160)
    assert stalls(made, 161)
    made.blocked_since = None
    assert not stalls(made, 1000)


def test_a_client_that_takes_its_answer_slowly_has_not_stalled() -> None:
    made = connection(more_body=False)
    made.blocked_since = 0.0
    assert not stalls(made, 0)
    for minute in range(1, 6):
        made.transport.pending -= 61 * TIMEOUTS.least_rate
        assert not stalls(made, 61 * minute)
    assert stalls(made, 61 * 7)


def test_a_head_that_comes_byte_by_byte_has_stalled_in_the_end() -> None:
    made = connection(Phase.HEAD)
    made.request = None
    assert not any(hears(made, at) for at in range(20))
    assert hears(made, 21)


def test_a_body_that_comes_byte_by_byte_has_stalled() -> None:
    made = connection(Phase.TAKEN)
    assert not any(hears(made, at) for at in range(6))
    assert hears(made, 6)


def test_a_body_that_comes_slower_than_it_may_began_fast_or_not() -> None:
    made = connection(Phase.TAKEN)
    assert not any(hears(made, at, 1_000_000) for at in range(100))
    assert any(hears(made, at) for at in range(100, 112))


def test_a_body_has_a_longest_time() -> None:
    made = connection(Phase.TAKEN)
    assert not any(hears(made, at, 1_000_000) for at in range(901))
    assert hears(made, 901, 1_000_000)


def test_a_rate_is_not_measured_while_we_do_not_read() -> None:
    made = connection(Phase.TAKEN)
    assert not hears(made, 0)
    made.is_reading_paused = True
    assert not any(hears(made, at, 0) for at in range(1, 20))
    made.is_reading_paused = False
    assert not any(hears(made, at) for at in range(20, 24))
    assert hears(made, 26)


def hears(made: Any, at: float, count: int = 1) -> bool:
    """Let some bytes come, and tell whether the client has stalled."""
    made.received_at = at
    made._received += count
    return stalls(made, at)


# --- Answers at once ---------------------------------------------------------------------------


class App:
    """Has everything below /ready in its cache, and makes the rest."""

    def cached_answer(self, scope: Scope) -> CachedAnswer | None:
        if not scope["raw_path"].startswith(b"/ready"):
            return None
        body = b"ready " + scope["raw_path"]
        start, _ = _answer(200, body, body)
        sent = b"" if scope["method"] == "HEAD" else body
        return CachedAnswer(encode_head(start), [(b"x-number", b"7")], sent)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["raw_path"] == b"/late":
            await send_answer(await _late(receive), send)
        elif scope["raw_path"] == b"/missing":
            await send_answer(_answer(404, b"", b""), send)
        else:
            body = b"made " + scope["raw_path"]
            await send_answer(_answer(200, body, body), send)


def _answer(status: int, content: bytes, sent: bytes) -> AnswerMessages:
    headers = [(b"content-length", b"%d" % len(content)), (b"x-of", b"us")]
    start = {"type": "http.response.start", "status": status, "headers": headers}
    return start, {"type": "http.response.body", "body": sent}


async def _late(receive: Receive) -> AnswerMessages:
    """Answer after several looks of the server at its connections, or when this one is lost."""
    try:
        async with asyncio.timeout(0.5):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return _answer(200, b"made late", b"made late")
    return _answer(500, b"", b"")


async def _live(receive: Receive, send: Send) -> None:
    for phase in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{phase}.complete"})


@pytest.fixture(scope="module")
def address() -> Generator[Address]:
    """Serve the application."""
    with served_app(App()) as served:
        yield served


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    head = "\r\n".join([f"{line} HTTP/1.1", "Host: x", *headers])
    return head.encode() + b"\r\n\r\n" + body


LAST = request("GET /missing", "Connection: close")


def bodies(answer: bytes) -> list[str]:
    """Return which answers came, in their order."""
    words = answer.replace(b"HTTP/1.1", b"\r\nHTTP/1.1").decode().split("\r\n")
    return [word for word in words if word.startswith(("ready", "made"))]


def test_a_ready_answer_is_a_complete_answer(address: Address) -> None:
    answer = address.exchange(request("GET /ready") + LAST)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    for line in (b"x-of: us", b"x-number: 7", b"server: ballroom", b"date: ", b"content-length: "):
        assert b"\r\n" + line in head
    assert body.startswith(b"ready ")


def test_answers_come_in_the_order_of_their_requests(address: Address) -> None:
    paths = ("/ready/1", "/2", "/ready/3", "/ready/4", "/5")
    together = b"".join(request(f"GET {path}") for path in paths)
    answer = address.exchange(together + LAST)
    # The third is ready, but not its turn.
    assert [body.split()[1] for body in bodies(answer)] == [*paths]
    assert answer.count(b" 404 Not Found") == 1


def test_a_head_gets_no_body(address: Address) -> None:
    answer = address.exchange(request("HEAD /ready") + LAST)
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert b"content-length: 12" in head
    assert rest.startswith(b"HTTP/1.1 404")


def test_a_body_that_nobody_asked_for_is_passed_over(address: Address) -> None:
    sent = request("GET /ready", "Content-Length: 4", body=b"GET ")
    answer = address.exchange(sent + request("GET /made") + LAST)
    assert bodies(answer) == ["ready /ready", "made /made"]


def test_a_body_may_come_later_than_its_answer(address: Address) -> None:
    with address.connect() as connection:
        connection.sendall(request("GET /ready", "Content-Length: 4"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        connection.sendall(b"late" + LAST)
        assert read_all(connection).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("tokens", ["close", "CLOSE", "close, keep-alive", "x ,\tClose"])
@pytest.mark.parametrize("path", ["/ready", "/made"])
def test_a_client_that_names_close_alone_or_among_others_is_answered_and_left(
    address: Address, path: str, tokens: str
) -> None:
    answer = address.exchange(request(f"GET {path}", f"Connection: {tokens}") + LAST)
    assert bodies(answer) == [f"made {path}"]
    assert answer.count(b"HTTP/1.1 ") == answer.count(b"\r\nconnection: close\r\n") == 1


def test_a_client_that_sends_many_requests_without_reading_answers_is_disconnected(
    address: Address,
) -> None:
    answer = address.exchange(request("GET /made") * (2 * MAX_PIPELINED_REQUESTS) + LAST)
    assert b" 404 Not Found" not in answer


# --- The time between two requests -------------------------------------------------------------


@pytest.fixture(scope="module")
def hasty() -> Generator[Address]:
    """Serve the application, and wait for no further request."""
    with served_app(App(), timeouts=ConnectionTimeouts(idle_seconds=0)) as served:
        yield served


@pytest.mark.parametrize("path", ["/ready", "/made"])
def test_a_connection_is_closed_when_no_request_follows(hasty: Address, path: str) -> None:
    assert len(bodies(hasty.exchange(request(f"GET {path}")))) == 1


@pytest.mark.parametrize("first", ["/ready", "/made"])
def test_a_request_is_answered_however_long_that_takes(hasty: Address, first: str) -> None:
    together = request(f"GET {first}") + request("GET /late")
    assert bodies(hasty.exchange(together)) == [f"{first[1:]} {first}", "made late"]


@pytest.mark.parametrize("path", ["/ready", "/made"])
@pytest.mark.parametrize(
    ("header", "body"),
    [("Content-Length: 4", b"late"), ("Transfer-Encoding: chunked", b"4\r\nlate\r\n0\r\n\r\n")],
)
async def test_the_keep_alive_time_begins_after_the_body_of_a_request_that_was_answered_before(
    path: str, header: str, body: bytes
) -> None:
    state = ServerState(App())
    made = Connection(state)
    made.connection_made(NotingTransport())
    made.data_received(request(f"GET {path}", header))
    await asyncio.gather(*state.tasks)
    made.data_received(body[:2])
    assert stalls(made, made.loop.time() + 31)
    made.data_received(body[2:])
    now = made.loop.time()
    assert not any(stalls(made, now + seconds) for seconds in range(1000))
    assert not made.has_idled(now + 119, TIMEOUTS)
    assert made.has_idled(now + 121, TIMEOUTS)


# --- Half-closed connections -------------------------------------------------------------------


def after_the_last_byte(address: Address, sent: bytes) -> bytes:
    """Return what a client gets that sends this and closes its sending half."""
    with address.connect() as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return read_all(connection)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["/late"], ["made late"]),
        (["/late", "/2", "/ready/3"], ["made late", "made /2", "made /ready/3"]),
        (["/1", "/late"], ["made /1", "made late"]),
    ],
)
def test_a_client_that_sends_nothing_more_gets_its_answers(
    address: Address, paths: list[str], expected: list[str]
) -> None:
    sent = b"".join(request(f"GET {path}") for path in paths)
    assert bodies(after_the_last_byte(address, sent)) == expected


def test_a_request_that_ends_too_early_is_not_answered_but_those_before_it_are(
    address: Address,
) -> None:
    cut = request("PUT /made", "Content-Length: 4", body=b"cut")
    assert bodies(after_the_last_byte(address, request("GET /late") + cut)) == ["made late"]
    assert after_the_last_byte(address, request("PUT /late", "Content-Length: 4")) == b""
    assert after_the_last_byte(address, request("GET /late")[:-2]) == b""


@pytest.mark.parametrize("end", ["\r\n ", "\r\n\t", "\n ", "\r", "\n", "\r\r\n", "\0"])
@pytest.mark.parametrize("path", ["/ready", "/made"])
def test_no_header_has_more_than_one_line(address: Address, path: str, end: str) -> None:
    """The keys of cached answers separate headers by a line break."""
    answer = address.exchange(request(f"GET {path}", f"Accept: text/html{end}host:other"))
    statuses = re.findall(rb"^HTTP/1.1 (\d+)", answer, re.MULTILINE)
    assert statuses == [b"400"]


# --- Bodies that end badly ---------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["identity", "xchunked", "chunked, gzip", ""])
def test_nothing_is_answered_at_once_that_the_parser_refuses(address: Address, coding: str) -> None:
    answer = address.exchange(request("GET /ready", f"Transfer-Encoding: {coding}") + LAST)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("path", ["/ready", "/made"])
def test_a_request_that_is_answered_is_not_answered_again_for_its_broken_body(
    address: Address, path: str
) -> None:
    with address.connect() as connection:
        connection.sendall(request(f"PUT {path}", "Transfer-Encoding: chunked"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")
        connection.sendall(b"no size\r\n" + LAST)
        assert read_all(connection) == b""


def test_a_request_with_a_broken_body_behind_another_is_not_answered(address: Address) -> None:
    broken = request("PUT /made", "Transfer-Encoding: chunked", body=b"no size\r\n")
    assert bodies(address.exchange(request("GET /late") + broken)) == ["made late"]
