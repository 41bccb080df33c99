"""Questions to upstreams: kept answers, what is missing, limits, and who is asked with a token."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TypeVar, cast

from shared.domain.errors.mirroring import NO_ROOM, UNUSABLE, UpstreamUnavailable
from shared.domain.identity import Principal
from shared.domain.names import Coordinate, package_owner
from shared.domain.packages import Head, Visibility
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.ports import AnswerUnusable, Clock, NoRoomToFetch, Unanswered, WorkStore
from shared.services.limits.rate_limits import RateLimiter
from shared.services.mirroring.upstream_cache import Ask, KeptAnswers, NewAnswer, NotThere
from shared.services.mirroring.upstreams import Upstreams, UpstreamSource

MISSING_FOR = timedelta(minutes=1)  # In all processes: a release may be published any minute.

_MISSING = "upstream-missing"
_INTERNAL = "internal:"  # Begins the names of what is known by a token.
_MS = timedelta(milliseconds=1)

T = TypeVar("T")

# Gets a way to ask an upstream; returns what the answer is kept under, and how to ask for it.
Question = Callable[[UpstreamSource], tuple[Hashable, Ask]]


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

    async def answer(
        self, question: Question, what: object, source: UpstreamSource, asker: Asker
    ) -> object:
        """Return the answer that everybody gets, or else the one that the token gets, if the
        caller reads internal packages; None if it has neither."""
        for each in source.asked_by(asker.by):
            found = await self.answer_of(question, what, each, asker)
            if found is not None:
                return found
        return None

    async def answer_of(
        self, question: Question, what: object, source: UpstreamSource, asker: Asker
    ) -> object:
        """Return the answer of this upstream, kept or new; None if it has none."""
        key, ask = question(source)
        if self.kept.fresh(key) is None:
            await self.count(asker)
        try:
            return await self.kept.get(key, ask)
        except NotThere:
            return None
        except Unanswered as failure:
            raise refusal_of(failure, what, source) from None

    async def renewed(
        self, key: Hashable, ask: Ask, what: object, source: UpstreamSource
    ) -> object:
        """Ask now, whatever is kept; None if there is no answer."""
        try:
            return await self.kept.renewed(key, ask)
        except NotThere:
            return None
        except Unanswered as failure:
            raise refusal_of(failure, what, source) from None

    async def present(
        self, source: UpstreamSource, key: str, request: Callable[[], Awaitable[T | None]]
    ) -> T:
        """Return the answer; raise `NotThere` if the upstream says so now or said so lately."""
        noted = _INTERNAL + key if source.sends_token else key
        if await self._is_noted(noted):
            raise NotThere
        subject = ":".join(key.split(":")[:2])  # Keys of a package begin as its owner does.
        answer = await source.gate.ask(subject, request)
        if answer is None:
            await self._note(noted)
            raise NotThere
        return answer

    async def _is_noted(self, key: str) -> bool:
        return await self.work.peek(_MISSING, key, self.clock.now_ms()) is not None

    async def _note(self, key: str) -> None:
        await self.work.put(_MISSING, key, "", self.clock.now_ms() + MISSING_FOR // _MS)

    async def ask(
        self,
        source: UpstreamSource,
        key: Sequence[str],
        request: Callable[[], Awaitable[T | None]],
        asker: Asker,
        *,
        size: Callable[[T], int],
    ) -> T | None:
        """Return the answer that the upstream gives everybody, without its token. It is kept by the
        key; `size` is about how many bytes of memory it takes."""
        missing = sha256("\n".join((source.name, *key)).encode()).hexdigest()

        async def ask(_tag: str) -> NewAnswer:
            found = await self.present(source, missing, request)
            return NewAnswer(found, memory_bytes=size(found))

        found = await self.answer_of(
            lambda source: ((source.kept_as, *key), ask), " ".join(key), source, asker
        )
        return cast("T | None", found)

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
    return UpstreamUnavailable(what, source.name)
