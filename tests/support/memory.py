"""How much memory something takes that is kept."""

import tracemalloc
from collections.abc import Callable


def memory_taken(make: Callable[[], object]) -> int:
    """Return how many bytes of memory what `make` returns takes, or keeps elsewhere."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    kept = make()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    del kept
    return taken
