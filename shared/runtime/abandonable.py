"""Blocking calls that a caller may stop waiting for."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


async def run_abandonable(work: Callable[[], T]) -> T:
    """Do the work in a thread of its own, and return what it returns.

    A caller that is cancelled leaves the thread behind, and the end of the process does not wait
    for it, as it does for the threads of `asyncio.to_thread`. So a name server or a mail server
    that does not answer holds up nobody else.
    """
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def report(set_outcome: Callable[[], None]) -> None:
        def deliver() -> None:
            if not done.cancelled():
                set_outcome()

        with suppress(RuntimeError):  # The loop has ended.
            loop.call_soon_threadsafe(deliver)

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # The caller gets it.
            report(partial(done.set_exception, error))
        else:
            report(partial(done.set_result, result))

    Thread(target=run, daemon=True, name="abandonable").start()
    return await done
