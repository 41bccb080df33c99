"""The confined process: runs the jobs of services in a child, and starts, replaces and stops it."""

import asyncio
import json
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from shared.confined.budget import DEADLINE_FACTOR, DEADLINE_SECONDS, LEAST_SECONDS, Budget
from shared.confined.child import (
    START_SECONDS,
    Begun,
    Child,
    ChildEnded,
    Done,
    Failed,
    Finished,
    Line,
    Refused,
)
from shared.confined.jobs import (
    ConfinedEnded,
    ConfinedUnavailable,
    Exceeded,
    Json,
    Order,
    PartResult,
)
from shared.runtime.private_files import try_file_lock
from shared.telemetry.log import log

__all__ = ["Budget", "ConfinedProcess", "ConfinedUnavailable", "Delays", "Exceeded", "PartResult"]

IDLE_BYTES = 64 * 1024 * 1024  # A child that holds more after a job is replaced.
# Results of the parts of one job that this process holds in memory.
RESULTS_BYTES = 8 * 1024 * 1024
# Tasks that anybody may ask for, again and again; all of them together get a share of the time.
ON_DEMAND = frozenset({"check", "compare", "secrets-on-demand"})
# Seconds in which no task on demand runs, for each one that one took: they have a quarter.
REST_FACTOR = 3
_POLL_SECONDS = 0.05
# Characters of the name of a part in the log, because it comes from an untrusted author.
_LOGGED_CHARACTERS = 500


class Delays(Struct, frozen=True):
    """When a child is stopped, and how long one is not started after a failure; in seconds."""

    look: float = 0.25
    idle: float = 60
    first_pause: float = 1
    longest_pause: float = 60


class ConfinedProcess:
    """Runs one job at a time on this machine, in a child of this process.

    `folder` is the same for all serving processes of the machine, which take turns; `tasks` is the
    module with the table of tasks.
    """

    def __init__(
        self,
        folder: Path,
        budget: Budget,
        *,
        tasks: str = "shared.confined.tasks",
        delays: Delays | None = None,
    ) -> None:
        self._folder = folder
        self._budget = budget
        self._tasks = tasks
        self._delays = delays or Delays()
        self._turn = asyncio.Lock()
        self._resting: BinaryIO | None = None
        self._child: Child | None = None
        self._watch: asyncio.Task[None] | None = None
        self._idle_since = 0.0
        self._pause = 0.0
        self._paused_until = 0.0
        self._closed = False

    async def run(self, task: str, folder: Path, request: Json) -> list[PartResult]:
        """Run a task over a folder; return its parts in the order in which they ended.

        Raises `ConfinedUnavailable` if the child could not be started, and `ConfinedEnded` if it
        was ended from outside.
        """
        if task not in ON_DEMAND:
            return await self._run(task, folder, request)
        share = await self._wait_for("confined.on-demand")
        began = self._now()
        try:
            return await self._run(task, folder, request)
        finally:
            self._resting = share
            rest = REST_FACTOR * (self._now() - began)
            asyncio.get_running_loop().call_later(rest, share.close)

    async def _run(self, task: str, folder: Path, request: Json) -> list[PartResult]:
        async with self._turn:
            job = _Job(task, folder, request, self._budget)
            lock = await self._turn_of_the_machine()
            try:
                while not job.is_done:
                    await self._advance(job, await self._started(folder.absolute().parent))
            except asyncio.CancelledError:
                if self._child is not None:
                    self._child.kill()
                raise
            finally:
                lock.close()
            self._idle_since = self._now()
            if job.child_is_large:
                await self._drop_child()
            return job.results

    async def close(self) -> None:
        """Stop the child; a job that runs raises `ConfinedUnavailable`."""
        self._closed = True
        if self._resting is not None:
            self._resting.close()
        if self._child is not None and self._turn.locked():
            self._child.kill()
        async with self._turn:
            if self._watch is not None:
                self._watch.cancel()
                self._watch = None
            await self._drop_child()

    async def _turn_of_the_machine(self) -> BinaryIO:
        """Return the lock that one job of the machine holds. Who waits for it holds a second lock
        meanwhile, so that a process with many jobs lets the others in between."""
        with await self._wait_for("confined.wanted"):
            return await self._wait_for("confined.lock")

    async def _wait_for(self, name: str) -> BinaryIO:
        """Return a lock of the machine, once it is free, as an open file."""
        self._require_open()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            while (lock := try_file_lock(self._folder / name)) is None:
                if self._closed:
                    raise ConfinedUnavailable
                await asyncio.sleep(_POLL_SECONDS)
        except OSError as error:
            self._back_off(error)
            raise ConfinedUnavailable from None
        return lock

    def _require_open(self) -> None:
        """Raise `ConfinedUnavailable` after the end, and in the pause after a failure."""
        if self._closed or self._now() < self._paused_until:
            raise ConfinedUnavailable

    async def _advance(self, job: "_Job", child: Child) -> None:
        """Run the job until it is done or the child ends because of a part, which is refused."""
        try:
            await child.send(job.order())
            while not job.is_done:
                job.take(await child.receive(job.deadline_seconds()))
        except ChildEnded as ended:
            await self._drop_child()
            if self._closed or ended.reason is None:
                log.warning("confined.ended", task=job.task, details=ended.details)
                raise (ConfinedUnavailable if self._closed else ConfinedEnded) from None
            job.refuse(ended.reason, ended.details)

    async def _started(self, jobs: Path) -> Child:
        child = self._child
        if child is not None and (child.has_ended or child.jobs != jobs):
            await self._drop_child()
        if self._child is None:
            self._child = await self._start(jobs)
            self._watch = self._watch or asyncio.create_task(self._watch_child())
        return self._child

    async def _start(self, jobs: Path) -> Child:
        self._require_open()
        try:
            child = await Child.start(self._tasks, jobs)
        except (OSError, ChildEnded) as error:
            self._back_off(error)
            raise ConfinedUnavailable from None
        self._pause = 0
        return child

    def _back_off(self, error: Exception) -> None:
        first = self._delays.first_pause
        longest = self._delays.longest_pause
        self._pause = min(2 * self._pause or first, longest)
        self._paused_until = self._now() + self._pause
        log.error("confined.start_failed", error=str(error), pause_seconds=self._pause)

    async def _watch_child(self) -> None:
        """Stop a child that had no job for a time."""
        while True:
            await asyncio.sleep(self._delays.look)
            is_idle = self._now() - self._idle_since > self._delays.idle
            if not self._turn.locked() and (is_idle or not self._child or self._child.has_ended):
                async with self._turn:
                    self._watch = None
                    await self._drop_child()
                return

    async def _drop_child(self) -> None:
        child = self._child
        self._child = None
        if child is not None:
            await child.stop()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class _Job:
    """A job, what is known of its parts, and what is left of its budget."""

    def __init__(self, task: str, folder: Path, request: Json, budget: Budget) -> None:
        self.task = task
        self.is_done = False
        self.child_is_large = False
        self._folder = folder
        self._request = request
        self._budget = budget
        self._left_seconds = budget.processor_seconds
        self._held_bytes = 0
        self._part: Begun | None = None
        self._results: dict[str, PartResult] = {}

    @property
    def results(self) -> list[PartResult]:
        """The parts in the order in which they ended."""
        return list(self._results.values())

    def order(self) -> Order:
        """Return what tells a child to do what is not done yet."""
        folder = str(self._folder.absolute())
        skip = frozenset(self._results)
        return Order(self.task, folder, self._request, skip, self._budget, self._left_seconds)

    def deadline_seconds(self) -> float:
        """Return within which time the next line must come."""
        if self._part is None:  # It may have to import the task.
            return DEADLINE_FACTOR * self._left_seconds + START_SECONDS
        return DEADLINE_FACTOR * self._part.allowance + DEADLINE_SECONDS

    def take(self, line: Line) -> None:
        """Take a line of the child; raises `ChildEnded` if nothing may follow it."""
        match line:
            case Begun() if self._part is None:
                self._part = line
            case Finished() if self._part and self._part.begin == line.end:
                self._end(PartResult(line.end, None, line.result), line.processor_seconds)
            case Refused() if line.refused == (self._part.begin if self._part else line.refused):
                self._log_refusal(line.refused, line.reason, line.error)
                refused = line.reason.sentence(self._budget)
                self._end(PartResult(line.refused, refused, None), line.processor_seconds)
            case Done() if self._part is None:
                self.is_done = True
                self.child_is_large = line.idle_bytes is None or line.idle_bytes > IDLE_BYTES
            case Failed():
                raise ChildEnded(None, line.failed)
            case _:
                raise ChildEnded(Exceeded.CRASHED, "A line came out of order.")
        if self._held_bytes > RESULTS_BYTES:
            raise ChildEnded(Exceeded.OUTPUT, "The results of the job are too large.")

    def refuse(self, reason: Exceeded, details: str) -> None:
        """Refuse the part within which the child ended, or the job if it was in none."""
        part = self._part
        name = part.begin if part else ""
        self._log_refusal(name, reason, details)
        if part:
            self._left_seconds = min(self._left_seconds, part.left)
        seconds = part.allowance if part else 0
        self._end(PartResult(name, reason.sentence(self._budget), None), seconds)
        # Nothing is left after the last part.
        self.is_done = part is None or self._left_seconds < LEAST_SECONDS

    def _end(self, result: PartResult, seconds: float) -> None:
        self._part = None
        self._left_seconds = max(0, self._left_seconds - max(0, seconds))
        self._results[result.name] = result
        self._held_bytes += len(result.name) + len(json.dumps(result.result))

    def _log_refusal(self, part: str, reason: Exceeded, details: str) -> None:
        log.warning(
            "confined.refused",
            task=self.task,
            part=part[:_LOGGED_CHARACTERS],
            reason=reason.value,
            details=details[:_LOGGED_CHARACTERS],
        )
