"""How many requests a turn of the event loop reads while others are under way."""

import asyncio
from collections import deque
from typing import Protocol

REQUESTS_OF_A_TURN = 4  # Answers from memory take 50 µs each.


class PostponedReader(Protocol):
    """Something that was sent, and is not read yet."""

    def read_postponed(self) -> None:
        """Read it now, unless that happened before."""
        ...


class Turns:
    """Counts what the connections of a server read in one turn of the loop; postpones the rest.

    A loop reads from every connection that has sent something before it continues a request that
    waited for a thread or a store. With 32 busy connections that takes two milliseconds, and a push
    waits twenty times. So while requests are under way, each turn reads few new ones, and the
    others wait in the order in which they came.
    """

    def __init__(self) -> None:
        self._count = 0
        self._postponed = deque[PostponedReader]()

    def admits(self, reader: PostponedReader) -> bool:
        """Count a read; if there were enough since the last turn, return False and postpone it."""
        if self._count == REQUESTS_OF_A_TURN:
            self._postponed.append(reader)
            return False
        self._add(1)
        return True

    def _begin(self) -> None:
        self._count = 0
        first = [
            self._postponed.popleft() for _ in range(min(len(self._postponed), REQUESTS_OF_A_TURN))
        ]
        self._add(len(first))
        for reader in first:
            reader.read_postponed()

    def _add(self, count: int) -> None:
        """Count reads; once there were enough, the next turn counts anew. Not each turn does: the
        loop would wait for the interpreter once more for each request."""
        self._count += count
        if self._count == REQUESTS_OF_A_TURN:
            asyncio.get_running_loop().call_soon(self._begin)
