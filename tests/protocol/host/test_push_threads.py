"""How often a push is handed to a thread on one machine.

While readers keep the event loop busy, a thread waits for the interpreter each time that it begins,
waits for the disk or makes a call of the system, and a push waits for each of its threads.
"""

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.archives import bala
from tests.support.storage import one_machine
from tests.support.world import World

pytestmark = one_machine("its stores are files of the same machine")

# Reading the archive, writing it to the disk, and the commits of the release, of the search and of
# the events. What else a push writes is on the disk with the next of these commits.
THREADS = {"bala": 1, "asyncio": 1, "ballroom-writing": 2, "search-writing": 1}


async def test_a_push_waits_for_five_threads(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    handed = Counter[str]()
    submit = ThreadPoolExecutor.submit

    def counting(executor: ThreadPoolExecutor, *work: Any, **named: Any) -> Future[Any]:
        handed[str(executor._thread_name_prefix).partition("_")[0]] += 1
        return submit(executor, *work, **named)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", counting)
    await world.push(bala("acme/greet:1.1.0", padding=10_000))
    assert handed == THREADS
