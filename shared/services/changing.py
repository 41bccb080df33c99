"""Changing records that others change too: read, decide, write if nobody was faster, else again."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.domain.errors import Busy
from shared.ports import Stale

Result = TypeVar("Result")

ATTEMPTS = 8  # Each attempt that fails is another writer that succeeded.


async def until_fresh(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """Return what `attempt` returns, repeating it while it raises `Stale`; raise `Busy` at last."""
    for _ in range(ATTEMPTS):
        try:
            return await attempt()
        except Stale:
            continue
    raise Busy
