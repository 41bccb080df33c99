"""Work that no request waits for. What was gathered in memory is written later, and written again
after a failure."""

import asyncio
from datetime import timedelta

import pytest

from shared.domain.errors.base import Refusal, Unavailable
from shared.runtime.background_tasks import BackgroundTasks, DelayedFlush
from tests.support.logs import capture_logs


async def fail(error: Exception) -> None:
    raise error


async def test_work_that_fails_unexpectedly_is_logged_and_breaks_no_close() -> None:
    error = KeyError("x")
    done = list[str]()

    async def work() -> None:
        await asyncio.sleep(0)
        done.append("work")

    tasks = BackgroundTasks()
    with capture_logs() as events:
        tasks.start(fail(error))
        tasks.start(work())
        await tasks.close()
        await asyncio.sleep(0)
    assert done == ["work"]
    assert [(each["event"], each["log_level"], each["exc_info"]) for each in events] == [
        ("background.failed", "error", error)
    ]
    assert len(tasks) == 0


async def test_work_that_is_canceled_is_no_failure() -> None:
    tasks = BackgroundTasks()
    with capture_logs() as events:
        tasks.start(asyncio.sleep(60))
        await asyncio.sleep(0)
        await tasks.cancel()
        await asyncio.sleep(0)
    assert events == []
    assert len(tasks) == 0


class Store:
    """Fails with the first of its failures that is left, and sets an event when it wrote."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = [*failures]
        self.has_written = asyncio.Event()

    async def write(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.has_written.set()


def flush_of(store: Store, refusals: list[Refusal]) -> DelayedFlush:
    return DelayedFlush(
        store.write,
        has_more=lambda: not store.has_written.is_set(),
        after=timedelta(0),
        on_delay=refusals.append,
    )


async def test_a_refused_flush_is_told_and_repeated() -> None:
    refusal = Unavailable("busy", "The store is busy.")
    store = Store(refusal)
    refusals: list[Refusal] = []
    flush_of(store, refusals).start()
    async with asyncio.timeout(5):
        await store.has_written.wait()
    assert refusals == [refusal]


@pytest.mark.parametrize("error", [KeyError("x"), OSError("The disk is full.")])
async def test_a_flush_that_failed_unexpectedly_is_logged_and_repeated(error: Exception) -> None:
    store = Store(error)
    refusals: list[Refusal] = []
    with capture_logs() as events:
        flush_of(store, refusals).start()
        async with asyncio.timeout(5):
            await store.has_written.wait()
    assert [each["event"] for each in events] == ["flush.failed"]
    assert events[0]["log_level"] == "error"
    assert not refusals


async def test_later_values_are_flushed_after_an_unexpected_failure() -> None:
    store = Store(KeyError("x"))
    flush = flush_of(store, [])
    with capture_logs():
        flush.start()
        async with asyncio.timeout(5):
            await store.has_written.wait()
            await asyncio.sleep(0)  # The task ends, since nothing waits.
            store.has_written.clear()
            flush.start()
            await store.has_written.wait()
