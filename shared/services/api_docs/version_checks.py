"""Compares the API of an archive that nobody published with that of the version before it."""

import asyncio
from datetime import timedelta
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from shared.confined.jobs import ConfinedEnded, ConfinedUnavailable
from shared.confined.release_files import ReleaseRequest
from shared.domain.api_docs.records import ApiVerdict
from shared.domain.archives.bala import Bala
from shared.ports.confined_tasks import ConfinedTasks
from shared.runtime.lru_cache import LruCache
from shared.services.api_docs.api_docs_generation import JobInputs, checked_verdict, job_folder

PATIENCE = timedelta(seconds=15)  # The largest sources take about ten.
MAX_AT_ONCE = 2  # Each has an archive in memory while it waits for the confined process.
MAX_REMEMBERED = 1_000  # Archives whose results are remembered for repeated questions.


class VersionUnchecked(Exception):
    """The comparison could not be made in time; the next one may be."""


class Compared(Struct, frozen=True):
    """What a comparison said; the verdict is None if one of the versions cannot be read whole.

    `waits` says that the version before is not documented yet; `versions` are those that the
    package has, whatever became of them.
    """

    verdict: ApiVerdict | None = None
    waits: bool = False
    versions: tuple[str, ...] = ()


class VersionChecks(Struct, frozen=True):
    """Compares archives in the confined process, in the share of its time of all tasks that people
    ask for. Nothing is stored; a process remembers what it said, for who asks again."""

    inputs: JobInputs
    confined: ConfinedTasks
    patience: timedelta = PATIENCE
    _at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_AT_ONCE))
    _known: LruCache[str, Compared] = field(
        default_factory=lambda: LruCache[str, Compared](MAX_REMEMBERED)
    )

    async def compare(self, content: bytes | memoryview, bala: Bala) -> Compared:
        """Compare an archive whose package the caller may read.

        There is no verdict if no version before it is documented. Raises `VersionUnchecked`, at
        once while others are compared.
        """
        if self._at_once.locked():
            raise VersionUnchecked
        return await self._in_turn(content, bala)

    async def compare_within(
        self, content: bytes | memoryview, bala: Bala, patience: timedelta
    ) -> Compared:
        """Compare an archive as `compare` does, in its turn; raise `VersionUnchecked` where that
        takes longer."""
        try:
            return await asyncio.wait_for(self._in_turn(content, bala), patience.total_seconds())
        except TimeoutError:
            raise VersionUnchecked from None

    async def _in_turn(self, content: bytes | memoryview, bala: Bala) -> Compared:
        try:
            async with self._at_once, job_folder() as folder:
                return await self._checked(content, bala, folder)
        except ConfinedUnavailable:
            raise VersionUnchecked from None

    async def _checked(self, content: bytes | memoryview, bala: Bala, folder: Path) -> Compared:
        request, survey = await self.inputs.write_unpublished(content, bala, folder)
        versions = tuple(each.version for each in survey.entries) if survey else ()
        if not (request.before and request.before_is_complete):
            return Compared(waits=request.has_unknown_history, versions=versions)
        key = f"{bala.digest} {request.before_pieces}"
        known = self._known.get(key) or await self._compare(request, folder)
        self._known.put(key, known)
        return replace(known, versions=versions)

    async def _compare(self, request: ReleaseRequest, folder: Path) -> Compared:
        try:
            running = self.confined.run("check", folder, None)
            parts = await asyncio.wait_for(running, self.patience.total_seconds())
        except ConfinedEnded:  # The archive would end the process again.
            return Compared()
        except (ConfinedUnavailable, TimeoutError):
            raise VersionUnchecked from None
        result = next((each.result for each in parts if each.name == "comparison"), None)
        if result is None or any(each.refused for each in parts):
            return Compared()
        try:
            return Compared(checked_verdict(request, result))
        except ValueError:  # Whatever the confined process wrote is checked.
            return Compared()
