"""How many connections one process keeps, and how much of its answers may wait for slow readers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.domain.addresses import Networks, is_shared, neighbourhood
from shared.hosting.connection import Connection


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one process keeps open."""

    connections: int = 1000
    connections_of_address: int = 200
    waiting_bytes: int = 128 * 1024 * 1024  # Of answers, all connections together.
    waiting_bytes_of_one: int = 2 * 1024 * 1024  # An archive has one or two pieces on the way.
    proxies: Networks = ()  # Whose connections are many clients', as are those of this machine.


def surplus(connections: Sequence[Connection], limits: ConnectionLimits) -> list[Connection]:
    """Return the connections to close: those that waited longest for their client."""
    if len(connections) <= min(limits.connections, limits.connections_of_address):
        return []
    ordered = sorted(connections, key=lambda each: each.precedence)
    counts = Counter(_counted_as(each.address, limits.proxies) for each in connections)
    surplus: list[Connection] = []
    for each in ordered:
        address = _counted_as(each.address, limits.proxies)
        is_of_many = address != "" and counts[address] > limits.connections_of_address
        if is_of_many or len(connections) - len(surplus) > limits.connections:
            counts[address] -= 1
            surplus.append(each)
    return surplus


def slow_readers(connections: Sequence[Connection], limits: ConnectionLimits) -> list[Connection]:
    """Return the connections to close so that less waits for them.

    Those come first that have more than one may have, so that large answers that somebody asks for
    and does not read take no archive from others; then those that are stuck longest.
    """
    stuck = [each for each in connections if each.stuck_since is not None]
    waiting = sum(each.pending_bytes for each in stuck)
    slow: list[Connection] = []
    most = limits.waiting_bytes_of_one
    for each in sorted(stuck, key=lambda each: (each.pending_bytes <= most, each.stuck_since)):
        if waiting <= limits.waiting_bytes:
            break
        waiting -= each.pending_bytes
        slow.append(each)
    return slow


@lru_cache(maxsize=4_096)
def _counted_as(address: str, proxies: Networks) -> str:
    """Return what an address is counted as, or an empty text for one that is not counted."""
    return "" if is_shared(address, proxies) else neighbourhood(address)
