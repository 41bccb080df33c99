"""Answers of a server of somebody else that are kept: repeated while they are fresh, and renewed
behind requests after that."""

from collections.abc import Callable, Coroutine, Hashable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.errors.base import Refusal
from shared.domain.times import MS
from shared.ports.http_client import AnswerUnusable, NoRoomToFetch, ServerUnreachable, Unanswered
from shared.ports.system import Clock
from shared.ports.upstream import UpstreamBusy
from shared.runtime.background_tasks import BackgroundTasks
from shared.runtime.lru_cache import LruCache
from shared.runtime.single_flight import SingleFlight

ANSWERS_KEPT_BYTES = 8 * 1024 * 1024
# Younger answers are used while they are renewed; for older ones, requests wait.
USED_WHILE_RENEWED = timedelta(hours=1)
# After a failed renewal, the next one is tried after this time.
RETRIED_AFTER = timedelta(seconds=10)
# Questions whose failure is remembered, so that they are not repeated within that time.
MAX_FAILURES_KEPT = 1_000
# A missing answer is kept only this long, because the package may be published any minute.
MISSING_FOR = timedelta(minutes=1)


class NewAnswer(Struct, frozen=True):
    """An answer of the server: its value, which is None if there is nothing, and about how much
    memory it takes."""

    value: Any
    memory_bytes: int = 1_000
    fresh_for: timedelta | None = None  # None: as long as the setting says.


class _KeptAnswer(Struct, frozen=True):
    """An answer, when the server confirmed it, and when it was asked last (monotonic)."""

    answer: NewAnswer
    confirmed_ms: int
    asked_ms: int


# Raises `Unanswered`, or a refusal.
Ask = Callable[[], Coroutine[Any, Any, NewAnswer]]


class KeptAnswers:
    """Keeps the answers that were used last: fresh ones are repeated, older ones renewed behind.
    That there is nothing is repeated for a minute, and then asked again.

    They are of one process and are lost when it ends; what was pulled is stored.
    """

    def __init__(self, clock: Clock, fresh_for: timedelta) -> None:
        self._clock = clock
        self._fresh_for = fresh_for
        self._kept = LruCache[Hashable, _KeptAnswer](
            ANSWERS_KEPT_BYTES, weigh=lambda _, kept: kept.answer.memory_bytes
        )
        self._failed = LruCache[Hashable, tuple[Unanswered, int]](MAX_FAILURES_KEPT)
        self._asking = SingleFlight[Any]()
        self._renewing = BackgroundTasks()

    async def get(self, key: Hashable, ask: Ask) -> Any:
        """Return the answer that is kept, or ask for it; raise what `ask` raises if there is none.

        One that is no longer fresh is used and renewed meanwhile; one that is older than an hour is
        renewed first, and used if that fails. A question that failed lately fails in the same way,
        without being asked.
        """
        kept = self._kept.get(key)
        now_ms = self._clock.monotonic_ms()
        if kept is not None and self._is_fresh(kept):
            return kept.answer.value
        if kept is None or kept.answer.value is None:
            self.require_not_failed(key)
            return await self.renewed(key, ask)
        if now_ms - kept.asked_ms < min(RETRIED_AFTER, self._fresh_for) // MS:
            return kept.answer.value
        # Marked before, so that not every request that comes meanwhile begins to renew it.
        self._kept.put(key, replace(kept, asked_ms=now_ms))
        if now_ms - kept.confirmed_ms >= USED_WHILE_RENEWED // MS:
            with suppress(Unanswered):
                return await self.renewed(key, ask)
        else:
            self._renewing.start(self._renew(key, ask))
        return kept.answer.value

    async def renewed(self, key: Hashable, ask: Ask) -> Any:
        """Return an answer that is asked for now; raise what `ask` raises."""
        return await self._asking.answer(key, lambda: self._ask(key, ask))

    def fresh(self, key: Hashable) -> NewAnswer | None:
        """Return the answer that is kept if it was confirmed lately."""
        kept = self._kept.get(key)
        return kept.answer if kept is not None and self._is_fresh(kept) else None

    def has(self, key: Hashable) -> bool:
        """Check whether an answer is kept that is something, fresh or not."""
        kept = self._kept.peek(key)
        return kept is not None and kept.answer.value is not None

    def put(self, key: Hashable, answer: NewAnswer, asked_ms: int | None = None) -> None:
        """Keep an answer that was asked for just now, or at a time of the monotonic clock."""
        at_ms = self._clock.monotonic_ms() if asked_ms is None else asked_ms
        self._kept.put(key, _KeptAnswer(answer, at_ms, at_ms))

    def require_not_failed(self, key: Hashable) -> None:
        """Raise the failure of the same question if it is less than `RETRIED_AFTER` old."""
        failed = self._failed.get(key)
        if failed is not None and self._clock.monotonic_ms() < failed[1]:
            raise type(failed[0])(*failed[0].args)

    def note_failure(self, key: Hashable, error: Unanswered) -> None:
        """Keep a failure that concerns only this question; the circuit breaker keeps others."""
        if not isinstance(error, NoRoomToFetch | ServerUnreachable | UpstreamBusy):
            until_ms = self._clock.monotonic_ms() + RETRIED_AFTER // MS
            kind = AnswerUnusable if isinstance(error, AnswerUnusable) else Unanswered
            self._failed.put(key, (kind(str(error)), until_ms))

    async def drain(self) -> None:
        """Wait for what is being renewed."""
        await self._renewing.close()

    async def close(self) -> None:
        """Stop asking."""
        await self._renewing.cancel()
        await self._asking.close()

    def _is_fresh(self, kept: _KeptAnswer) -> bool:
        most = self._fresh_for if kept.answer.value is not None else MISSING_FOR
        fresh_for = most if (own := kept.answer.fresh_for) is None else min(own, most)
        return self._clock.monotonic_ms() - kept.confirmed_ms < fresh_for // MS

    async def _renew(self, key: Hashable, ask: Ask) -> None:
        with suppress(Refusal, Unanswered):  # What was refused is not kept: the next request asks.
            await self.renewed(key, ask)

    async def _ask(self, key: Hashable, ask: Ask) -> Any:
        # The time before the request counts: the answer may change while it is on its way.
        now_ms = self._clock.monotonic_ms()
        try:
            answer = await ask()
        except Refusal:
            self._kept.drop(key)
            raise
        except Unanswered as error:
            self.note_failure(key, error)
            raise
        self.put(key, answer, now_ms)
        return answer.value
