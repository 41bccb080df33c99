"""The processor time and memory that doubles take within the process of a test."""

import time
import tracemalloc
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class DoublesUsage:
    """Counts while doubles answer: their processor time, and the memory before them.

    What an answer itself takes remains with whoever asked.
    """

    seconds: float = 0
    before_bytes: int = 0  # The most that was traced outside of doubles, before the last of them.

    def reset(self) -> None:
        """Count anew."""
        self.seconds = 0
        self.before_bytes = 0

    @contextmanager
    def answering(self) -> Generator[None]:
        """Count what a block takes, which answers for a double."""
        if tracemalloc.is_tracing():
            self.before_bytes = max(self.before_bytes, tracemalloc.get_traced_memory()[1])
        started = time.thread_time()
        try:
            yield
        finally:
            self.seconds += time.thread_time() - started
            if tracemalloc.is_tracing():
                tracemalloc.reset_peak()


DOUBLES_USAGE = DoublesUsage()
