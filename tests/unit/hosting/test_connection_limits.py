"""Of too many connections those are closed that their clients use least."""

from dataclasses import dataclass
from typing import Any, cast

from shared.domain.addresses import parse_networks
from shared.hosting.connection import Connection
from shared.hosting.connection_limits import ConnectionLimits, slow_readers, surplus

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
    heard_at: float = 0.0
    is_answering: bool = False
    stuck_since: float | None = None
    pending_bytes: int = 0

    @property
    def precedence(self) -> tuple[bool, float]:
        return self.is_answering, self.heard_at


def closed(*peers: Peer) -> list[Peer]:
    """Return which of them are closed."""
    return cast("list[Peer]", surplus(cast(Any, peers), LIMITS))


def test_up_to_the_limits_all_stay() -> None:
    assert closed(Peer(), Peer()) == []
    assert closed(*(Peer(f"192.0.2.{n}") for n in range(5))) == []


def test_of_one_address_the_longest_idle_are_closed() -> None:
    peers = [Peer(heard_at=at) for at in (3, 1, 2, 4)]
    assert closed(*peers, Peer("192.0.2.2")) == [peers[1], peers[2]]


def test_who_waits_for_an_answer_is_closed_last() -> None:
    waiting = [Peer(heard_at=0, is_answering=True) for _ in range(2)]
    idle = Peer(heard_at=9)
    assert closed(*waiting, idle) == [idle]


def test_a_network_of_ipv6_is_one_address() -> None:
    peers = [Peer(f"2001:db8::{n}", heard_at=n) for n in range(3)]
    assert closed(*peers) == [peers[0]]


def test_this_machine_and_proxies_are_bounded_by_the_whole_alone() -> None:
    peers = [Peer(["127.0.0.1", "::1", "10.1.2.3", ""][n % 4], heard_at=n) for n in range(5)]
    assert closed(*peers) == []
    assert closed(*peers, Peer("10.1.2.3", heard_at=9)) == [peers[0]]


def cut(*peers: Peer) -> list[Connection]:
    """Return which of them wait too long for too much."""
    return slow_readers(cast(Any, peers), LIMITS)


def test_slow_readers_stay_while_little_waits_for_them() -> None:
    assert cut(Peer(stuck_since=1, pending_bytes=60), Peer(stuck_since=2, pending_bytes=40)) == []
    assert cut(Peer(pending_bytes=1000)) == []


def test_of_slow_readers_those_are_closed_that_are_stuck_longest() -> None:
    peers = [Peer(stuck_since=at, pending_bytes=60) for at in (2, 1, 3)]
    assert cut(*peers) == [peers[1], peers[0]]


def test_whoever_waits_for_little_is_not_closed_for_those_who_wait_for_much() -> None:
    patient = Peer(stuck_since=1, pending_bytes=9)
    greedy = [Peer(stuck_since=at, pending_bytes=60) for at in (5, 4)]
    assert cut(patient, *greedy) == [greedy[1]]
