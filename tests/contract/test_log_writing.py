"""The writer of the transparency log over each kind of stores, killed at each step."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.domain.transparency.checkpoints import checkpoint_of
from shared.domain.transparency.notes import NoteSigner
from shared.services.leases import Leases
from shared.services.transparency.log_writer import LEASE_LIFETIME, LogWriter
from shared.services.transparency.published_checkpoints import PublishedCheckpoints
from tests.contract.stores import Stores
from tests.fakes.system import FakeClock, FakeRandomness
from tests.fakes.transparency import FakeLeaves, FakeSeeds, Killed, NoCosigners, NoProofs
from tests.support.log_checker import ORIGIN, checked_log
from tests.support.port_doubles import Proceed, intercepted

pytestmark = pytest.mark.measured

SEED = b"s" * 32
BEFORE = 250  # So that the batch after it fills a tile.
ADDED = 10
CHANGES = {
    "add",
    "replace",
    "write_once",
    "publish_checkpoint",
    "delete_partials",
    "stage",
    "discard",
}


def killable(store: Any, changed: Callable[[], None]) -> Any:
    """Return a store that calls `changed` before and after each change."""

    async def change(_method: str, proceed: Proceed) -> Any:
        changed()
        answer = await proceed()
        changed()
        return answer

    return intercepted(store, change, [each for each in CHANGES if hasattr(store, each)])


class Dying:
    """Kills at a step, from 1 on; never with 0."""

    def __init__(self) -> None:
        self.left = 0

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


class WrittenLog:
    """A log over real stores, whose writers may die."""

    def __init__(self, stores: Stores, clock: FakeClock) -> None:
        self.stores = stores
        self.clock = clock
        self.leaves = FakeLeaves()
        self.randomness = FakeRandomness()

    def happens(self, count: int) -> None:
        first = len(self.leaves.entries)
        self.leaves.entries += [b"leaf %d" % number for number in range(first, first + count)]

    async def write(self, step: int = 0) -> bool:
        """Write as a new process, which is killed at a step; return whether it died."""
        dying = Dying()
        dying.left = step
        directory = killable(self.stores.directory, dying)
        files = killable(self.stores.log_files, dying)
        self.clock.advance(2 * LEASE_LIFETIME)  # That of a process that died has ended.
        writer = LogWriter(
            origin=ORIGIN,
            files=files,
            leaves=self.leaves,
            directory=directory,
            seeds=FakeSeeds([SEED]),
            cosigners=NoCosigners(),
            kept=PublishedCheckpoints(directory=directory),
            proofs=NoProofs(),
            leases=Leases(self.stores.work, self.clock, self.randomness),
            clock=self.clock,
        )
        try:
            await writer.write()
        except Killed:
            return True
        return False

    async def entries(self) -> list[bytes]:
        """Return the entries that the public sees, after the independent check of all files."""

        async def read(path: str) -> bytes | None:
            return await self.stores.log_files.read(f"log/{path}")

        return await checked_log(read, ORIGIN, NoteSigner(ORIGIN, SEED).verifier.public)


async def test_a_writer_that_dies_at_any_step_leaves_a_whole_log_and_one_history(
    stores: Stores, clock: FakeClock
) -> None:
    log = WrittenLog(stores, clock)
    log.happens(BEFORE)
    await log.write()
    checkpoints = dict[int, bytes]()
    step = 1
    while True:
        log.happens(ADDED)
        has_died = await log.write(step)
        seen = await log.entries()
        assert seen == log.leaves.entries[: len(seen)]
        assert len(seen) >= len(log.leaves.entries) - ADDED
        note = await stores.log_files.read("log/checkpoint")
        assert note is not None
        head = checkpoint_of(note).head
        assert checkpoints.setdefault(head.size, head.root) == head.root
        await log.write()
        assert await log.entries() == log.leaves.entries
        assert await stores.log_files.list_staged() == []
        if not has_died:
            break
        step += 1
    assert step > 10
