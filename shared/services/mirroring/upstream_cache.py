"""Answers of the upstream, kept for a time: fresh ones are repeated, older ones are renewed behind.

They are of one process and are lost when it ends; what was pulled is stored.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from shared.domain.errors.base import Refusal
from shared.ports import (
    AnswerUnusable,
    Clock,
    NoRoomToFetch,
    ServerUnreachable,
    Unanswered,
    UpstreamBusy,
)
from shared.runtime.caching import LruCache, SingleFlight

ANSWERS_KEPT_BYTES = 8 * 1024 * 1024
USED_WHILE_RENEWED = timedelta(hours=1)  # An older answer is renewed before it is used.
RETRIED_AFTER = timedelta(seconds=10)  # An answer that could not be renewed is used meanwhile.
MAX_FAILURES_KEPT = 1_000  # Questions that failed within that time, and are not asked again.

_MS = timedelta(milliseconds=1)


class NotThere(Exception):
    """The upstream says that it has no such package or version."""


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """An answer of the upstream: its value, its tag, and about how much memory it takes."""

    value: Any
    tag: str = ""
    memory_bytes: int = 1_000
    fresh_for: timedelta | None = None  # None: as long as the setting says.


@dataclass(frozen=True, slots=True)
class _KeptAnswer:
    """An answer, when the upstream confirmed it, and when it was asked last (monotonic)."""

    answer: NewAnswer
    confirmed_ms: int
    asked_ms: int


# Gets the tag of the answer that is known; returns None if the upstream says that it stands. Raises
# `NotThere`, `Unanswered`, or a refusal.
Ask = Callable[[str], Coroutine[Any, Any, NewAnswer | None]]


class KeptAnswers:
    """Keeps the answers that were used last."""

    def __init__(self, clock: Clock, fresh_for: timedelta) -> None:
        self._clock = clock
        self._fresh_ms = fresh_for // _MS
        self._kept = LruCache[Hashable, _KeptAnswer](
            ANSWERS_KEPT_BYTES, weigh=lambda _, kept: kept.answer.memory_bytes
        )
        self._failed = LruCache[Hashable, tuple[Unanswered, int]](MAX_FAILURES_KEPT)
        self._asking = SingleFlight[Any]()
        self._renewing = set[asyncio.Task[None]]()

    async def get(self, key: Hashable, ask: Ask) -> Any:
        """Return the answer that is kept, or ask for it; raise what `ask` raises if there is none.

        One that is no longer fresh is used and renewed meanwhile; one that is older than an hour is
        renewed first, and used if that fails. A question that failed lately fails in the same way,
        without being asked.
        """
        kept, now_ms = self._kept.get(key), self._clock.monotonic_ms()
        if kept is None:
            self.require_not_failed(key)
            return await self.renewed(key, ask)
        if not self._is_due(kept, now_ms):
            return kept.answer.value
        if now_ms - kept.confirmed_ms >= USED_WHILE_RENEWED // _MS:
            return await self._renewed_or_kept(key, ask, kept)
        task = asyncio.create_task(self._renew(key, ask, kept))
        self._renewing.add(task)
        task.add_done_callback(self._renewing.discard)
        return kept.answer.value

    async def renewed(self, key: Hashable, ask: Ask) -> Any:
        """Return an answer that is asked for now; raise what `ask` raises."""
        return await self._asking.answer(key, lambda: self._ask(key, ask))

    def fresh(self, key: Hashable) -> NewAnswer | None:
        """Return the answer that is kept if it was confirmed lately."""
        kept = self._kept.get(key)
        return kept.answer if kept is not None and self._is_fresh(kept) else None

    def has(self, key: Hashable) -> bool:
        """Check whether an answer is kept, fresh or not."""
        return self._kept.peek(key) is not None

    def put(self, key: Hashable, answer: NewAnswer) -> None:
        """Keep an answer that the upstream just gave."""
        now_ms = self._clock.monotonic_ms()
        self._kept.put(key, _KeptAnswer(answer, now_ms, now_ms))

    def require_not_failed(self, key: Hashable) -> None:
        """Raise the failure of the same question if it is less than `RETRIED_AFTER` old."""
        failed = self._failed.get(key)
        if failed is not None and self._clock.monotonic_ms() < failed[1]:
            raise type(failed[0])(*failed[0].args)

    def note_failure(self, key: Hashable, error: Unanswered) -> None:
        """Keep a failure that concerns this question alone; the gate keeps the others."""
        if not isinstance(error, NoRoomToFetch | ServerUnreachable | UpstreamBusy):
            until_ms = self._clock.monotonic_ms() + RETRIED_AFTER // _MS
            kind = AnswerUnusable if isinstance(error, AnswerUnusable) else Unanswered
            self._failed.put(key, (kind(str(error)), until_ms))

    async def drain(self) -> None:
        """Wait for what is being renewed."""
        await asyncio.gather(*self._renewing)

    async def close(self) -> None:
        """Stop asking."""
        for task in self._renewing:
            task.cancel()
        await asyncio.gather(*self._renewing, return_exceptions=True)
        await self._asking.close()

    def _is_fresh(self, kept: _KeptAnswer) -> bool:
        own = kept.answer.fresh_for
        fresh_ms = self._fresh_ms if own is None else min(own // _MS, self._fresh_ms)
        return self._clock.monotonic_ms() - kept.confirmed_ms < fresh_ms

    def _is_due(self, kept: _KeptAnswer, now_ms: int) -> bool:
        wait_ms = min(RETRIED_AFTER // _MS, self._fresh_ms)
        return not self._is_fresh(kept) and now_ms - kept.asked_ms >= wait_ms

    async def _renew(self, key: Hashable, ask: Ask, kept: _KeptAnswer) -> None:
        with suppress(NotThere, Refusal):  # It is no longer kept, so the next request hears it.
            await self._renewed_or_kept(key, ask, kept)

    async def _renewed_or_kept(self, key: Hashable, ask: Ask, kept: _KeptAnswer) -> Any:
        # Marked before, so that not every request that comes meanwhile begins to renew it.
        self._kept.put(key, replace(kept, asked_ms=self._clock.monotonic_ms()))
        try:
            return await self.renewed(key, ask)
        except Unanswered:
            return kept.answer.value

    async def _ask(self, key: Hashable, ask: Ask) -> Any:
        # The time before the request counts: the answer may change while it is on its way.
        kept, now_ms = self._kept.peek(key), self._clock.monotonic_ms()
        try:
            answer = await ask(kept.answer.tag if kept else "")
        except (NotThere, Refusal):
            self._kept.drop(key)
            raise
        except Unanswered as error:
            self.note_failure(key, error)
            raise
        if answer is None:
            if kept is None:
                message = "the answer was 304 to a request without a tag"
                raise AnswerUnusable(message)
            answer = kept.answer
        self._kept.put(key, _KeptAnswer(answer, now_ms, now_ms))
        return answer.value
