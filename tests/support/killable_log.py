"""A log over stores in memory, with writers that can be killed at each of their steps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast

from shared.domain.entities import Entity, Place
from shared.domain.transparency.log_states import PLACE_OF_STATE, LogState
from shared.domain.transparency.notes import NoteSigner
from shared.ports.directory import DirectoryStore
from shared.ports.transparency import Cosigners, ProofKeeper
from shared.services.leases import Leases
from shared.services.transparency.log_writer import LogWriter
from tests.fakes.stores import FakeDirectory, FakeWork
from tests.fakes.system import FakeClock, FakeRandomness
from tests.fakes.transparency import (
    FakeKeeper,
    FakeLeaves,
    FakeLogFiles,
    FakeSeeds,
    Killed,
    NoCosigners,
    NoProofs,
)
from tests.support.log_checker import ORIGIN, checked_log

SEED = b"s" * 32

E = TypeVar("E", bound=Entity)


@dataclass
class KillableDirectory(FakeDirectory):
    """Calls `changed` before and after each swap of the state."""

    changed: Callable[[str], None] = lambda _: None

    async def add(self, entity: E, *others: Entity, replacing: Entity | None = None) -> E:
        self.changed("before add")
        added = await super().add(entity, *others, replacing=replacing)
        self.changed("after add")
        return added

    async def replace(self, entity: E) -> E:
        self.changed("before swap")
        replaced = await super().replace(entity)
        self.changed("after swap")
        return replaced


@dataclass
class LaggingDirectory(FakeDirectory):
    """Reads an old state, and writes as any other."""

    old: LogState | None = None

    async def get(self, kind: type[E], place: Place) -> E | None:
        return cast("E | None", self.old)


@dataclass
class LogOfTest:
    """The stores of a log, which outlive its writers."""

    leaves: FakeLeaves = field(default_factory=FakeLeaves)
    files: FakeLogFiles = field(default_factory=FakeLogFiles)
    directory: KillableDirectory = field(default_factory=KillableDirectory)
    work: FakeWork = field(default_factory=FakeWork)
    clock: FakeClock = field(default_factory=FakeClock)
    randomness: FakeRandomness = field(default_factory=FakeRandomness)
    seeds: FakeSeeds = field(default_factory=lambda: FakeSeeds([SEED]))
    kept: FakeKeeper = field(default_factory=FakeKeeper)
    cosigners: Cosigners = field(default_factory=NoCosigners)
    proofs: ProofKeeper = field(default_factory=NoProofs)

    def writer(self, origin: str = ORIGIN, directory: DirectoryStore | None = None) -> LogWriter:
        """Return the writer of a new process."""
        return LogWriter(
            origin=origin,
            files=self.files,
            leaves=self.leaves,
            directory=directory or self.directory,
            seeds=self.seeds,
            cosigners=self.cosigners,
            kept=self.kept,
            proofs=self.proofs,
            leases=Leases(self.work, self.clock, self.randomness),
            clock=self.clock,
        )

    def happens(self, count: int) -> None:
        """Let so many events happen, each with its leaf."""
        start = len(self.leaves.entries)
        self.leaves.entries += [b"leaf %d" % number for number in range(start, start + count)]

    async def state(self) -> LogState:
        found = await self.directory.get(LogState, PLACE_OF_STATE)
        assert found is not None
        return found

    def kill_at(self, step: int) -> None:
        """Let the process die at the change of this number, from 1 on."""
        left = step

        def changed(name: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed(name)

        self.files.changed = self.directory.changed = changed

    def let_live(self) -> None:
        self.files.changed = self.directory.changed = lambda _: None

    def free_lease(self) -> None:
        """Let the lease of a process that died expire."""
        self.work.leases.clear()

    async def entries(self, folder: str = "log", origin: str = ORIGIN) -> list[bytes]:
        """Return the entries that the public sees, after the independent check of all files."""

        async def read(path: str) -> bytes | None:
            return self.files.published.get(f"{folder}/{path}")

        public = NoteSigner(origin, SEED).verifier.public
        return await checked_log(read, origin, public)
