"""Of too many connections those are closed that their clients use least."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Any, cast

import pytest

from shared.domain.client_addresses import parse_networks
from shared.hosting.http_server.connection import Connection
from shared.hosting.http_server.server import (
    FAILED_TO_START,
    ConnectionLimits,
    bind,
    create_server,
    listen,
    slow_readers,
    surplus_connections,
)
from shared.hosting.requests import Receive, Scope, Send
from shared.hosting.responses import send_answer
from shared.hosting.triggers import StartRefused
from tests.support.server import START_SECONDS, Address, read_all

LIMITS = ConnectionLimits(
    connections=5,
    connections_of_address=2,
    waiting_bytes=100,
    waiting_bytes_of_one=10,
    proxies=parse_networks("10.0.0.0/8"),
)


@dataclass(eq=False)
class Peer:
    """What is asked of a connection."""

    address: str = "192.0.2.1"
    received_at: float = 0.0
    is_answering: bool = False
    blocked_since: float | None = None
    pending_bytes: int = 0

    @property
    def closing_order(self) -> tuple[bool, float]:
        return self.is_answering, self.received_at


def closed(*peers: Peer) -> list[Peer]:
    return cast("list[Peer]", surplus_connections(cast(Any, peers), LIMITS))


def test_up_to_the_limits_all_stay() -> None:
    assert closed(Peer(), Peer()) == []
    assert closed(*(Peer(f"192.0.2.{n}") for n in range(5))) == []


def test_the_longest_idle_connections_of_an_address_are_closed() -> None:
    peers = [Peer(received_at=at) for at in (3, 1, 2, 4)]
    assert closed(*peers, Peer("192.0.2.2")) == [peers[1], peers[2]]


def test_connections_that_wait_for_an_answer_are_closed_last() -> None:
    waiting = [Peer(received_at=0, is_answering=True) for _ in range(2)]
    idle = Peer(received_at=9)
    assert closed(*waiting, idle) == [idle]


def test_a_network_of_ipv6_is_one_address() -> None:
    peers = [Peer(f"2001:db8::{n}", received_at=n) for n in range(3)]
    assert closed(*peers) == [peers[0]]


def test_this_machine_and_proxies_have_only_the_total_limit() -> None:
    peers = [Peer(["127.0.0.1", "::1", "10.1.2.3", ""][n % 4], received_at=n) for n in range(5)]
    assert closed(*peers) == []
    assert closed(*peers, Peer("10.1.2.3", received_at=9)) == [peers[0]]


def cut(*peers: Peer) -> list[Connection]:
    """Return which of them wait too long for too much."""
    return slow_readers(cast(Any, peers), LIMITS)


def test_slow_readers_stay_while_little_waits_for_them() -> None:
    assert (
        cut(Peer(blocked_since=1, pending_bytes=60), Peer(blocked_since=2, pending_bytes=40)) == []
    )
    assert cut(Peer(pending_bytes=1000)) == []


def test_the_slow_readers_that_are_stuck_longest_are_closed() -> None:
    peers = [Peer(blocked_since=at, pending_bytes=60) for at in (2, 1, 3)]
    assert cut(*peers) == [peers[1], peers[0]]


def test_a_reader_of_a_small_answer_is_not_closed_for_readers_of_large_ones() -> None:
    patient = Peer(blocked_since=1, pending_bytes=9)
    greedy = [Peer(blocked_since=at, pending_bytes=60) for at in (5, 4)]
    assert cut(patient, *greedy) == [greedy[1]]


def test_the_second_of_two_processes_on_a_port_is_refused_when_it_listens() -> None:
    with bind("127.0.0.1", 0) as first, bind("127.0.0.1", first.getsockname()[1]) as second:
        listen(first)
        with pytest.raises(StartRefused):
            listen(second)


@pytest.mark.parametrize("host", ["192.0.2.1", "fe80::1%none"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(StartRefused, match=f"Cannot listen on port 8080 of {host}"):
        bind(host, 8080)


async def idle(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    """Only start and stop, as an application of ASGI."""
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


# --- The end of a server -------------------------------------------------------------------------


class SlowApp:
    """Answers when a test allows it."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.allowed = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await idle(scope, receive, send)
            return
        self.asked.set()
        while not self.allowed.is_set():
            await asyncio.sleep(0)
        start = {
            "type": "http.response.start",
            "status": 404,
            "headers": [(b"content-length", b"0")],
        }
        await send_answer((start, {"type": "http.response.body", "body": b""}), send)


def test_a_server_that_stops_accepts_nobody_and_answers_what_was_asked() -> None:
    app = SlowApp()
    with bind("127.0.0.1", 0) as bound:
        listen(bound)
        address = Address(bound.getsockname()[1])
        server = create_server(app)
        thread = threading.Thread(target=server.run, args=(bound,))
        thread.start()
        assert server.ready.wait(START_SECONDS)
        with address.connect() as waiting, address.connect() as quiet:
            waiting.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert app.asked.wait(START_SECONDS)
            server.should_exit = True
            assert read_all(quiet) == b""
            with pytest.raises(ConnectionRefusedError):
                address.connect()
            app.allowed.set()
            answer = read_all(waiting)
        thread.join(START_SECONDS)
    assert not thread.is_alive()
    assert answer.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert b"\r\nconnection: close\r\n" in answer


def test_a_process_whose_application_does_not_start_ends() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        await send({"type": "lifespan.startup.failed", "message": "there is no disk"})

    with bind("127.0.0.1", 0) as bound, pytest.raises(SystemExit) as ended:
        create_server(app).run(bound)
    assert ended.value.code == FAILED_TO_START
