"""Turns of the event loop: how many requests it reads before work that is under way goes on.

A loop reads from every connection that has sent something before it continues a request that waited
for a thread or a store. With 32 busy connections that takes two milliseconds, and a push waits
twenty times. So while requests are under way, each turn reads few new ones, and the others wait in
the order in which they came.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol
from weakref import WeakKeyDictionary

from uvicorn.server import ServerState

REQUESTS_OF_A_TURN = 4  # Answers from memory take 50 µs each.


class PostponedReader(Protocol):
    """Something that was sent, and is not read yet."""

    def read_postponed(self) -> None:
        """Read it now, unless that happened before."""
        ...


class Turns:
    """Counts what the connections of a server read in one turn, and postpones the rest."""

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        """Begin turns by `call_soon` of the event loop."""
        self._call_soon = call_soon
        self._count = 0
        self._postponed = deque[PostponedReader]()
        self._is_scheduled = False

    def admits(self, reader: PostponedReader) -> bool:
        """Count a read of this turn; if there were enough, return False and postpone it."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._call_soon(self._begin)
        if self._count < REQUESTS_OF_A_TURN:
            self._count += 1
            return True
        self._postponed.append(reader)
        return False

    def _begin(self) -> None:
        self._count = min(len(self._postponed), REQUESTS_OF_A_TURN)
        self._is_scheduled = self._count > 0
        if self._is_scheduled:
            self._call_soon(self._begin)
        for _ in range(self._count):
            self._postponed.popleft().read_postponed()


_turns = WeakKeyDictionary[ServerState, Turns]()


def turns_of(state: ServerState, call_soon: Callable[[Callable[[], None]], object]) -> Turns:
    """Return the turns that all connections of a server share."""
    found = _turns.get(state)
    if found is None:
        found = _turns[state] = Turns(call_soon)
    return found
