"""The queue of releases to document: the process that took a push documents it after its answer,
and after those of the pushes that follow at once.

The event feed is what is durable: the task `generate-api-docs` does what a crash left out.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import timedelta

from msgspec import Struct

from shared.confined.jobs import ConfinedUnavailable
from shared.domain.api_docs.records import ApiDocsRecord
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import Refusal
from shared.domain.packages import Release
from shared.domain.release_states import State
from shared.ports.metadata import MetadataStore
from shared.runtime.lru_cache import LruCache
from shared.services.api_docs.api_docs_generation import (
    ApiDocsGeneration,
    GenerationFailure,
    delete_abandoned_jobs,
)
from shared.services.record_batches import RECORDS_AT_ONCE, package_batches

QUEUE_LENGTH = 1_000  # Releases; the task documents what does not fit.
# Documenting begins after this time without another push. It takes as much processor time as a
# push: who publishes many releases waits for the answer to each push, while nobody reads the
# documentation yet.
PUSHES_END_AFTER = timedelta(milliseconds=100)
# Documenting begins after this time even while pushes continue.
LONGEST_WAIT = timedelta(seconds=2)
FIRST_PAUSE = timedelta(seconds=1)  # The pause before a failed release is documented again.
LONGEST_PAUSE = timedelta(minutes=1)


class _Pushed(Struct, frozen=True):
    """A release that was pushed, and when, in seconds of a clock that nobody sets."""

    coordinate: Coordinate
    at_s: float


class ApiDocsQueue:
    """Documents releases one after another: those that a reader asks for first, and the others once
    no push follows.

    Nothing is lost if the process ends: the task `generate-api-docs` does what is left.
    """

    def __init__(
        self,
        generation: ApiDocsGeneration,
        metadata: MetadataStore,
        *,
        on_failure: GenerationFailure,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_failure` is called with an error that the task may have, too."""
        self._generation = generation
        self._metadata = metadata
        self._on_failure = on_failure
        self._sleep = sleep
        self._monotonic = monotonic
        self._wanted = OrderedDict[str, Coordinate]()
        self._pushed = deque[_Pushed]()
        # Releases that failed, which come after all others because they may fail again.
        self._repeated = OrderedDict[str, Coordinate]()
        self._renewed = LruCache[str, bool](QUEUE_LENGTH)
        # Waiting releases that are documented already, and are documented again.
        self._outdated = set[str]()
        self._awaited = dict[str, asyncio.Future[None]]()  # By releases for which readers wait.
        self._is_enabled = False
        self._working: asyncio.Task[None] | None = None
        self._wait_for_pushes: asyncio.Future[None] | None = None

    def enable(self) -> None:
        """Document releases as they are added, as a process that serves clients does; delete what
        killed processes left."""
        delete_abandoned_jobs()
        self._is_enabled = True

    def add(self, coordinate: Coordinate) -> None:
        """Document a release that was just pushed; never waits."""
        if len(self._pushed) < QUEUE_LENGTH:
            self._pushed.append(_Pushed(coordinate, self._monotonic()))
        self._start()

    def want(self, coordinate: Coordinate) -> None:
        """Document a release that a reader waits for; never waits itself."""
        if coordinate.key not in self._repeated and len(self._wanted) < QUEUE_LENGTH:
            self._wanted[coordinate.key] = coordinate
            if self._wait_for_pushes is not None:
                self._wait_for_pushes.cancel()
        self._start()

    def renew(self, coordinate: Coordinate, changed: Iterable[Coordinate]) -> None:
        """Document a release again, since releases that it refers to came or went: at most once in
        a process for the same ones."""
        reason = "|".join((coordinate.key, *sorted(each.key for each in changed)))
        if self._renewed.peek(reason) is None:
            self._renewed.put(reason, True)
            self.want(coordinate)
            if coordinate.key in self._wanted:
                self._outdated.add(coordinate.key)

    async def wait_for(self, coordinate: Coordinate, patience: timedelta) -> None:
        """Document a release that a reader waits for, and wait until it is done, at most for
        `patience`. Do not wait if too many are wanted, so that it is left to the task."""
        self.want(coordinate)
        key = coordinate.key
        if self._working is None or not (key in self._wanted or key in self._repeated):
            return
        done = self._awaited.setdefault(key, asyncio.get_running_loop().create_future())
        await asyncio.wait({done}, timeout=patience.total_seconds())

    async def drain(self) -> int:
        """Document what was added, at once; stop if that has to be repeated later. Return how many
        releases were documented."""
        count = 0
        while await self._document_next():
            count += 1
        return count

    async def close(self) -> None:
        """Stop; what was added and not documented waits for the task."""
        self._is_enabled = False
        if self._working is not None:
            self._working.cancel()
            with suppress(asyncio.CancelledError):
                await self._working
        self._end()  # A task that was cancelled before its first step did not call it.

    def _start(self) -> None:
        if self._is_enabled and self._working is None:
            self._working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        """Document what is added until nothing is left; repeat with longer and longer pauses, as
        long as nothing can be documented."""
        pause = FIRST_PAUSE
        try:
            while self._wanted or self._pushed or self._repeated:
                await self._let_pushes_end()
                if await self._document_next():
                    pause = FIRST_PAUSE
                else:
                    await self._sleep(pause.total_seconds())
                    pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            self._end()

    def _end(self) -> None:
        self._working = None
        for key in list(self._awaited):
            self._wake_readers(key)

    async def _let_pushes_end(self) -> None:
        """Wait until no push follows, unless a reader waits or the oldest release has waited
        enough."""
        while self._pushed and not self._wanted:
            pushes_end = self._pushed[-1].at_s + PUSHES_END_AFTER.total_seconds()
            longest = self._pushed[0].at_s + LONGEST_WAIT.total_seconds()
            left_s = min(pushes_end, longest) - self._monotonic()
            if left_s <= 0:
                return
            waiting = asyncio.ensure_future(self._sleep(left_s))
            self._wait_for_pushes = waiting
            try:
                await asyncio.wait({waiting})
            finally:
                self._wait_for_pushes = None
                waiting.cancel()
            if not waiting.cancelled():
                waiting.result()

    async def _document_next(self) -> bool:
        """Document one release; return False if there is none, or if it has to be repeated."""
        coordinate = self._next()
        if coordinate is None:
            return False
        try:
            await self._document(coordinate)
        except ConfinedUnavailable:
            self._repeated[coordinate.key] = coordinate
            return False
        self._wake_readers(coordinate.key)
        return True

    def _wake_readers(self, key: str) -> None:
        """End the wait of readers for a release."""
        done = self._awaited.pop(key, None)
        if done is not None:
            done.set_result(None)

    def _next(self) -> Coordinate | None:
        if self._wanted:
            return self._wanted.popitem(last=False)[1]
        if self._pushed:
            return self._pushed.popleft().coordinate
        return self._repeated.popitem(last=False)[1] if self._repeated else None

    async def _document(self, coordinate: Coordinate) -> None:
        # Read before the release is documented, so that one that is renewed meanwhile is documented
        # again.
        is_outdated = coordinate.key in self._outdated
        self._outdated.discard(coordinate.key)
        try:
            found = await self._metadata.find(coordinate)
            if found.release is not None and is_outdated:
                await self._generation.make(found.release)
            elif found.release is not None:
                await self._generation.update(found.release)
        except ConfinedUnavailable:
            if is_outdated:
                self._outdated.add(coordinate.key)
            raise
        except (Refusal, OSError) as error:  # A store failed, or the folder of the job.
            self._on_failure(coordinate, str(error))


class DocumentedRelease(Struct, frozen=True):
    """A release that was just documented."""

    release: Release
    record: ApiDocsRecord


class ApiDocsBackfill(Struct, frozen=True):
    """Documents packages as the operator asks for it."""

    generation: ApiDocsGeneration
    metadata: MetadataStore

    async def document(self, package: Package) -> list[DocumentedRelease]:
        """Document every release of a package, again if it is documented already."""
        releases = [
            each
            for each in await oldest_first(self.metadata, package)
            if each.state is not State.REMOVED
        ]
        return [DocumentedRelease(each, await self.generation.make(each)) for each in releases]

    async def document_missing(self) -> list[DocumentedRelease]:
        """Document every release that is not documented, or by an older generator."""
        found = list[DocumentedRelease]()
        async for heads in package_batches(self.metadata, RECORDS_AT_ONCE):
            for head in heads:
                for release in await oldest_first(self.metadata, head.package):
                    if record := await self.generation.update(release):
                        found.append(DocumentedRelease(release, record))
        return found


async def oldest_first(metadata: MetadataStore, package: Package) -> list[Release]:
    """Return the releases in the order of versions: each is compared with the one before."""
    releases = await metadata.releases(package)
    return sorted(releases, key=lambda each: each.coordinate.version.precedence)
