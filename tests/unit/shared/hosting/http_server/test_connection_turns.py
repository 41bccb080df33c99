"""While requests are under way, a turn of the event loop reads few others, in their order."""

import asyncio

from shared.hosting.http_server.connection import (
    Connection,
    ConnectionTimeouts,
    ServerState,
)
from shared.hosting.http_server.turns import REQUESTS_OF_A_TURN
from shared.hosting.requests import Receive, Scope, Send
from shared.hosting.responses import CachedAnswer
from tests.support.waiting import let_tasks_run
from tests.unit.shared.hosting.noting_transport import NotingTransport

CLIENTS = 2 * REQUESTS_OF_A_TURN + 1
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class App:
    """Has every answer at hand, and counts the requests."""

    def __init__(self) -> None:
        self.asked = 0

    def cached_answer(self, scope: Scope) -> CachedAnswer:
        del scope
        self.asked += 1
        return CachedAnswer(b"HTTP/1.1 204 No Content\r\n", [], b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError


class Clients:
    """Some clients of one server."""

    def __init__(self) -> None:
        self.app = App()
        self.state = ServerState(self.app)

    def connect(self) -> Connection:
        made = Connection(self.state)
        made.connection_made(NotingTransport())
        return made

    def work(self) -> asyncio.Task[None]:
        """Have a request under way that ends when it is cancelled."""
        task = asyncio.create_task(asyncio.sleep(60))
        self.state.tasks.add(task)
        task.add_done_callback(self.state.tasks.discard)
        return task


async def test_all_are_read_at_once_while_nothing_is_under_way() -> None:
    clients = Clients()
    for _ in range(CLIENTS):
        clients.connect().data_received(REQUEST)
    assert clients.app.asked == CLIENTS


async def test_each_turn_reads_some_while_a_request_is_under_way() -> None:
    clients = Clients()
    task = clients.work()
    read = list[int]()
    connections = [clients.connect() for _ in range(CLIENTS)]
    for connection in connections:
        connection.data_received(REQUEST)
    while len(read) < 3:
        read.append(clients.app.asked)
        await asyncio.sleep(0)
    assert read == [REQUESTS_OF_A_TURN, 2 * REQUESTS_OF_A_TURN, CLIENTS]
    task.cancel()


async def test_a_turn_counts_those_that_waited() -> None:
    clients = Clients()
    task = clients.work()
    for _ in range(CLIENTS):
        clients.connect().data_received(REQUEST)
    await asyncio.sleep(0)
    clients.connect().data_received(REQUEST)
    assert clients.app.asked == 2 * REQUESTS_OF_A_TURN
    await asyncio.sleep(0)
    assert clients.app.asked == CLIENTS + 1
    task.cancel()


def waiting() -> tuple[Clients, Connection]:
    """Return a client whose request was postponed, and its server."""
    clients = Clients()
    clients.work()
    for _ in range(REQUESTS_OF_A_TURN):
        clients.connect().data_received(REQUEST)
    connection = clients.connect()
    connection.data_received(REQUEST)
    assert clients.app.asked == REQUESTS_OF_A_TURN
    return clients, connection


async def test_what_a_waiting_client_sends_next_is_read_with_it() -> None:
    clients, connection = waiting()
    connection.data_received(REQUEST)
    assert clients.app.asked == REQUESTS_OF_A_TURN + 2
    await asyncio.sleep(0)
    assert clients.app.asked == REQUESTS_OF_A_TURN + 2


async def test_the_end_of_a_client_is_read_after_its_request() -> None:
    clients, connection = waiting()
    connection.eof_received()
    assert clients.app.asked == REQUESTS_OF_A_TURN + 1


async def test_a_server_that_stops_answers_a_request_that_waits_for_its_turn() -> None:
    clients, connection = waiting()
    connection.shut_down()
    assert clients.app.asked == REQUESTS_OF_A_TURN + 1
    assert connection.transport.is_closing()


async def test_a_client_that_is_lost_is_not_answered() -> None:
    clients, connection = waiting()
    connection.connection_lost(None)
    await let_tasks_run()
    assert clients.app.asked == REQUESTS_OF_A_TURN


async def test_a_client_that_was_idle_is_not_blamed_while_its_request_waits() -> None:
    clients, _ = waiting()
    connection = clients.connect()
    timeouts = ConnectionTimeouts()
    connection.received_at -= 2 * timeouts.sending_seconds
    connection.data_received(REQUEST)
    assert not connection.has_timed_out(asyncio.get_running_loop().time(), timeouts)
