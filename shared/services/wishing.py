"""Wishing: tasks of upkeep that run because somebody asked for them.

A page does not run them itself: an answer that waits for minutes is given up on, and work after
the answer ends wherever a host stops an instance that seems to be idle. So a wish is noted, and the
timer that settles takes it up within a minute, on one machine as in the cloud. What a crash left
half listed waits that long for it.
"""

from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.auth.administration import Administration
from shared.domain.errors import InvalidRequest, TakesNoChanges
from shared.domain.identity import Principal
from shared.domain.wishes import OWNER, Wish
from shared.ports import AlreadyThere, Clock, DirectoryStore, Stale
from shared.services.pausing import Pausing
from shared.services.recording import Change, Recording
from shared.services.reporting import Report

# Of the half hour that a host gives a Function: a task that is begun has all the rest.
BEGINS_WITHIN = timedelta(minutes=1)

_MS = timedelta(milliseconds=1)

Run = Callable[[str], Awaitable[Report | None]]


@dataclass(frozen=True)
class Wishing:
    """Notes what administrators ask for, and runs it."""

    administration: Administration
    tasks: Collection[str]
    directory: DirectoryStore
    recording: Recording
    pausing: Pausing
    clock: Clock

    async def ask(self, task: str, by: Principal) -> None:
        """Have the task run within a minute; whoever asks again changes nothing.

        Raises `InvalidRequest` where there is no such task.
        """
        await self.administration.require_fresh(by, "run", "tasks of upkeep")
        if task not in self.tasks:
            known = ", ".join(self.tasks)
            sentence = f"This registry has no task of that name. There are: {known}."
            raise InvalidRequest(sentence)
        wish = Wish(task=task, asked_by=by.id, asked_ms=self.clock.now_ms())
        try:
            await self._note(wish, by)
        except (AlreadyThere, Stale):
            return  # Somebody else has asked at this moment.

    async def waiting(self) -> list[Wish]:
        """Return what was asked for and has not run yet, in the order in which it will."""
        wishes = [each for each in await self.directory.of(Wish, OWNER) if self._lasts(each)]
        # What goes on from where it stopped comes after what has not begun.
        return sorted(wishes, key=lambda each: (each.begun_ms or 0, each.asked_ms))

    async def serve(self, run: Run) -> None:
        """Run by `run` what was asked for; what does not begin in time does a minute later.

        A task that stops halfway goes on as well, until it has seen everything. While the registry
        is read-only nothing is taken up.
        """
        try:
            await self.pausing.admit()
        except TakesNoChanges:
            return
        until_ms = self.clock.now_ms() + BEGINS_WITHIN // _MS
        for wish in await self.waiting():
            if self.clock.now_ms() < until_ms:
                await self._serve(wish, run)

    async def _note(self, wish: Wish, by: Principal) -> None:
        subject = f"task:{wish.task}"
        change = Change("task.asked", subject, account=by.id, details={"name": wish.task})
        there = await self.directory.get(Wish, wish.place)
        if there is None:
            await self.recording.add(wish, change=change, by=by)
        elif not self._lasts(there):
            again = wish.model_copy(update={"revision": there.revision, "outbox": there.outbox})
            await self.recording.replace(again, change=change, by=by)

    async def _serve(self, wish: Wish, run: Run) -> None:
        taken_up = await self._replace(wish, begun_ms=self.clock.now_ms(), is_held_up=False)
        if taken_up is None:
            return  # Another instance has it.
        try:
            report = await run(wish.task)
        except Exception:
            await self._remove(taken_up)  # It has run, and what is noted of that says how.
            raise
        if report is None:
            await self._replace(taken_up, is_held_up=True)
        elif not report.unfinished:
            await self._remove(taken_up)

    async def _replace(self, wish: Wish, **changes: object) -> Wish | None:
        try:
            return await self.directory.replace(wish.model_copy(update=changes))
        except Stale:
            return None

    async def _remove(self, wish: Wish) -> None:
        with suppress(Stale):
            await self.directory.remove(wish)

    def _lasts(self, wish: Wish) -> bool:
        return self.clock.now_ms() < wish.ends_ms
