"""Questions to upstreams: kept answers, what is missing, limits, and who is asked with a token."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast

from shared.domain.errors.base import Refusal
from shared.domain.errors.packages import FAILING, NO_ROOM, UNUSABLE, UpstreamUnavailable
from shared.domain.identity import Principal
from shared.domain.names import Coordinate, package_owner
from shared.domain.packages import Head, Visibility
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.times import MS
from shared.ports import (
    AnswerUnusable,
    Clock,
    NoRoomToFetch,
    ServerUnreachable,
    Unanswered,
    UpstreamBusy,
    WorkStore,
)
from shared.runtime.caching import LruCache, SingleFlight
from shared.services.limits.rate_limits import RateLimiter
from shared.services.mirroring.upstreams import Upstreams, UpstreamSource

ANSWERS_KEPT_BYTES = 8 * 1024 * 1024
USED_WHILE_RENEWED = timedelta(hours=1)  # An older answer is renewed before it is used.
RETRIED_AFTER = timedelta(seconds=10)  # An answer that could not be renewed is used meanwhile.
MAX_FAILURES_KEPT = 1_000  # Questions that failed within that time, and are not asked again.


T = TypeVar("T")


class NotThere(Exception):
    """The upstream says that it has no such package or version."""


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """An answer of the upstream: its value, and about how much memory it takes."""

    value: Any
    memory_bytes: int = 1_000
    fresh_for: timedelta | None = None  # None: as long as the setting says.


@dataclass(frozen=True, slots=True)
class _KeptAnswer:
    """An answer, when the upstream confirmed it, and when it was asked last (monotonic)."""

    answer: NewAnswer
    confirmed_ms: int
    asked_ms: int


# Raises `NotThere`, `Unanswered`, or a refusal.
Ask = Callable[[], Coroutine[Any, Any, NewAnswer]]


class KeptAnswers:
    """Keeps the answers that were used last: fresh ones are repeated, older ones renewed behind.

    They are of one process and are lost when it ends; what was pulled is stored.
    """

    def __init__(self, clock: Clock, fresh_for: timedelta) -> None:
        self._clock = clock
        self._fresh_ms = fresh_for // MS
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
        if now_ms - kept.confirmed_ms >= USED_WHILE_RENEWED // MS:
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
            until_ms = self._clock.monotonic_ms() + RETRIED_AFTER // MS
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
        fresh_ms = self._fresh_ms if own is None else min(own // MS, self._fresh_ms)
        return self._clock.monotonic_ms() - kept.confirmed_ms < fresh_ms

    def _is_due(self, kept: _KeptAnswer, now_ms: int) -> bool:
        wait_ms = min(RETRIED_AFTER // MS, self._fresh_ms)
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
        now_ms = self._clock.monotonic_ms()
        try:
            answer = await ask()
        except (NotThere, Refusal):
            self._kept.drop(key)
            raise
        except Unanswered as error:
            self.note_failure(key, error)
            raise
        self._kept.put(key, _KeptAnswer(answer, now_ms, now_ms))
        return answer.value


MISSING_FOR = timedelta(minutes=1)  # In all processes: a release may be published any minute.

_MISSING = "upstream-missing"
_INTERNAL = "internal:"  # Begins the names of what is known by a token.


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A question to any upstream: what it is about, the key of its kept answer, the key of the note
    that there is none, and about how many bytes of memory an answer takes.

    `accept` may change or refuse a new answer.
    """

    what: object
    key: tuple[Hashable, ...]
    missing: str
    ask: Callable[[UpstreamSource], Awaitable[T | None]]
    size: Callable[[T], int] = lambda _: 1_000
    accept: Callable[[UpstreamSource, T], Awaitable[T]] | None = None


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what the request came through, as its header `Via` says.

    `via` is called only if the answer depends on an upstream: an answer whose header was read is
    not repeated by the host. `sources` remembers the upstreams of the packages of one request.
    """

    by: Principal
    via: Callable[[], str] = lambda: ""
    sources: dict[str, UpstreamSource | None] | None = None

    def may_see(self, head: Head | None) -> bool:
        """Check whether the upstream's package may be found by whoever asks; others are told what
        they are told of a missing one."""
        is_internal = head is not None and head.visibility is Visibility.INTERNAL
        return not is_internal or self.by.reads_internal


@dataclass(frozen=True)
class UpstreamQuestions:
    """Asks one upstream through its gate, unless its answer is kept or it lately had none.

    Methods that ask raise `UpstreamUnavailable` if there is no answer, and `TooManyRequests` for a
    caller without a token that asks too much.
    """

    upstreams: Upstreams
    kept: KeptAnswers
    work: WorkStore
    rate_limiter: RateLimiter
    clock: Clock

    async def answer(self, question: Question[T], source: UpstreamSource, asker: Asker) -> T | None:
        """Return the answer that everybody gets, or else the one that the token gets, if the
        caller reads internal packages; None if it has neither."""
        for each in source.asked_by(asker.by):
            found = await self.answer_of(question, each, asker)
            if found is not None:
                return found
        return None

    async def answer_of(
        self, question: Question[T], source: UpstreamSource, asker: Asker
    ) -> T | None:
        """Return the answer of this upstream, kept or new; None if it has none."""
        key = (source.kept_as, *question.key)
        if self.kept.fresh(key) is None:
            await self.count(asker)
        return await self._answered(
            self.kept.get(key, self._asking(question, source)), question, source
        )

    async def renewed(self, question: Question[T], source: UpstreamSource) -> T | None:
        """Ask now, whatever is kept; None if there is no answer."""
        return await self._answered(self.asked_anew(question, source), question, source)

    async def asked_anew(self, question: Question[T], source: UpstreamSource) -> T:
        """Ask now; raise `NotThere` and `Unanswered`."""
        key = (source.kept_as, *question.key)
        return cast("T", await self.kept.renewed(key, self._asking(question, source)))

    async def _answered(
        self, answer: Awaitable[Any], question: Question[T], source: UpstreamSource
    ) -> T | None:
        try:
            return cast("T", await answer)
        except NotThere:
            return None
        except Unanswered as failure:
            raise refusal_of(failure, question.what, source) from None

    def _asking(self, question: Question[T], source: UpstreamSource) -> Ask:
        async def ask() -> NewAnswer:
            # The upstream said it now, or lately to any process.
            noted = _INTERNAL + question.missing if source.sends_token else question.missing
            if await self._is_noted(noted):
                raise NotThere
            # Notes about a package begin as its owner does.
            subject = ":".join(question.missing.split(":")[:2])
            found = await source.gate.ask(subject, lambda: question.ask(source))
            if found is None:
                await self._note(noted)
                raise NotThere
            if question.accept is not None:
                found = await question.accept(source, found)
            return NewAnswer(found, memory_bytes=question.size(found))

        return ask

    async def _is_noted(self, key: str) -> bool:
        return await self.work.peek(_MISSING, key, self.clock.now_ms()) is not None

    async def _note(self, key: str) -> None:
        await self.work.put(_MISSING, key, "", self.clock.now_ms() + MISSING_FOR // MS)

    async def count(self, asker: Asker) -> None:
        """Count what a caller without a token makes the upstream do; raise `TooManyRequests`."""
        if asker.by.is_anonymous:
            keys = RateLimitKeys.of(asker.by)
            await self.rate_limiter.check(RateLimitClass.MIRROR, keys)

    async def is_missing(self, coordinate: Coordinate, asker: Asker) -> bool:
        """Check whether the upstream said lately that it has no such version for the caller."""
        return await self._is_noted(await self.place(asker) + _missing_key(coordinate))

    async def note_missing(self, coordinate: Coordinate, asker: Asker) -> None:
        """Note that the upstream has no such version for the caller, in all processes."""
        await self._note(await self.place(asker) + _missing_key(coordinate))

    async def place(self, asker: Asker) -> str:
        """Return the prefix of notes and leases about packages that are asked for with a token, by
        which nobody else can see that they exist; empty for callers for whom none is used."""
        return _INTERNAL if asker.by.reads_internal and await self.upstreams.have_tokens() else ""


def _missing_key(coordinate: Coordinate) -> str:
    return f"{package_owner(coordinate.package)}:{coordinate.version}"


def refusal_of(failure: Unanswered, what: object, source: UpstreamSource) -> UpstreamUnavailable:
    """Return the refusal of a question that the upstream did not answer, or not usably."""
    if isinstance(failure, AnswerUnusable):
        return UpstreamUnavailable(what, source.name, UNUSABLE)
    if isinstance(failure, NoRoomToFetch):
        return UpstreamUnavailable(what, source.name, NO_ROOM)
    if isinstance(failure, ServerUnreachable | UpstreamBusy):
        return UpstreamUnavailable(what, source.name)
    return UpstreamUnavailable(what, source.name, FAILING)
