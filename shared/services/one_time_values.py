"""One-time values of the work store, such as the code of a sign-in link."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from shared.domain.errors.base import Unavailable
from shared.ports.work import WorkStore


@asynccontextmanager
async def put_back_if_unavailable(
    work: WorkStore, kind: str, key: str, value: str, *, until_ms: int
) -> AsyncGenerator[None]:
    """Store a value that was taken again, until that time, if the block raises `Unavailable`: its
    caller is asked to repeat, and the repeat takes the value once more.

    If that fails too, the value stays used up.
    """
    try:
        yield
    except Unavailable:
        with suppress(Unavailable):
            await work.put(kind, key, value, until_ms)
        raise
