"""A cache of the answers of upstreams. Fresh answers are used; older ones are used while they are
renewed in the background, as `stale-while-revalidate` does (RFC 5861)."""

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

ANSWERS_CACHED_BYTES = 8 * 1024 * 1024
# Younger answers are used while they are renewed; for older ones, requests wait.
USED_WHILE_RENEWED = timedelta(hours=1)
# After a failed renewal, the next one is tried after this time.
RETRIED_AFTER = timedelta(seconds=10)
# Questions whose failure is cached, so that they are not asked again within that time.
MAX_CACHED_FAILURES = 1_000
# That a package is missing is cached only this long, because it may be published any minute.
MISSING_FOR = timedelta(minutes=1)


class NewAnswer(Struct, frozen=True):
    """An answer of the server: its value, which is None if there is nothing, and about how much
    memory it takes."""

    value: Any
    memory_bytes: int = 1_000
    fresh_for: timedelta | None = None  # None: as long as the setting says.


class _CachedAnswer(Struct, frozen=True):
    """An answer, when the server confirmed it, and when it was asked last (monotonic)."""

    answer: NewAnswer
    confirmed_ms: int
    asked_ms: int


# Raises `Unanswered`, or a refusal.
Ask = Callable[[], Coroutine[Any, Any, NewAnswer]]


class UpstreamCache:
    """Caches the answers that were used last. That there is nothing is cached for a minute.

    The cache is of one process and is lost when it ends; what was pulled is stored.
    """

    def __init__(self, clock: Clock, fresh_for: timedelta) -> None:
        self._clock = clock
        self._fresh_for = fresh_for
        self._answers = LruCache[Hashable, _CachedAnswer](
            ANSWERS_CACHED_BYTES, weigh=lambda _, cached: cached.answer.memory_bytes
        )
        self._failed = LruCache[Hashable, tuple[Unanswered, int]](MAX_CACHED_FAILURES)
        self._asking = SingleFlight[Any]()
        self._renewing = BackgroundTasks()

    async def get(self, key: Hashable, ask: Ask) -> Any:
        """Return the cached answer, or ask for it; raise what `ask` raises if there is none.

        One that is no longer fresh is used and renewed meanwhile; one that is older than an hour is
        renewed first, and used if that fails. A question that failed lately fails in the same way,
        without being asked.
        """
        cached = self._answers.get(key)
        now_ms = self._clock.monotonic_ms()
        if cached is not None and self._is_fresh(cached):
            return cached.answer.value
        if cached is None or cached.answer.value is None:
            self.require_not_failed(key)
            return await self.renewed(key, ask)
        if now_ms - cached.asked_ms < min(RETRIED_AFTER, self._fresh_for) // MS:
            return cached.answer.value
        # Marked before, so that not every request that comes meanwhile begins to renew it.
        self._answers.put(key, replace(cached, asked_ms=now_ms))
        if now_ms - cached.confirmed_ms >= USED_WHILE_RENEWED // MS:
            with suppress(Unanswered):
                return await self.renewed(key, ask)
        else:
            self._renewing.start(self._renew(key, ask))
        return cached.answer.value

    async def renewed(self, key: Hashable, ask: Ask) -> Any:
        """Return an answer that is asked for now; raise what `ask` raises."""
        return await self._asking.answer(key, lambda: self._ask(key, ask))

    def fresh(self, key: Hashable) -> NewAnswer | None:
        """Return the cached answer if it is fresh."""
        cached = self._answers.get(key)
        return cached.answer if cached is not None and self._is_fresh(cached) else None

    def has(self, key: Hashable) -> bool:
        """Check whether an answer with a value is cached, fresh or not."""
        cached = self._answers.peek(key)
        return cached is not None and cached.answer.value is not None

    def put(self, key: Hashable, answer: NewAnswer, asked_ms: int | None = None) -> None:
        """Cache an answer that was asked for just now, or at a time of the monotonic clock."""
        at_ms = self._clock.monotonic_ms() if asked_ms is None else asked_ms
        self._answers.put(key, _CachedAnswer(answer, at_ms, at_ms))

    def require_not_failed(self, key: Hashable) -> None:
        """Raise the failure of the same question if it is less than `RETRIED_AFTER` old."""
        failed = self._failed.get(key)
        if failed is not None and self._clock.monotonic_ms() < failed[1]:
            raise type(failed[0])(*failed[0].args)

    def note_failure(self, key: Hashable, error: Unanswered) -> None:
        """Cache a failure that concerns only this question; the circuit breaker counts others."""
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

    def _is_fresh(self, cached: _CachedAnswer) -> bool:
        most = self._fresh_for if cached.answer.value is not None else MISSING_FOR
        fresh_for = most if (own := cached.answer.fresh_for) is None else min(own, most)
        return self._clock.monotonic_ms() - cached.confirmed_ms < fresh_for // MS

    async def _renew(self, key: Hashable, ask: Ask) -> None:
        with suppress(Refusal, Unanswered):  # A refusal is not cached: the next request asks.
            await self.renewed(key, ask)

    async def _ask(self, key: Hashable, ask: Ask) -> Any:
        # The time before the request counts: the answer may change while it is on its way.
        now_ms = self._clock.monotonic_ms()
        try:
            answer = await ask()
        except Refusal:
            self._answers.drop(key)
            raise
        except Unanswered as error:
            self.note_failure(key, error)
            raise
        self.put(key, answer, now_ms)
        return answer.value
