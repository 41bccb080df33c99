"""How an upstream is asked: behind its circuit breaker, with cached answers, and within the limit
of callers without a token."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import Generic, TypeVar

from msgspec import Struct

from shared.domain.coordinates import Package
from shared.domain.packages import Head
from shared.domain.principals import Principal
from shared.domain.rate_limits import RateLimitClass, RateLimitKeys
from shared.domain.visibility import Visibility
from shared.ports.http_client import Unanswered
from shared.ports.upstream import Upstream
from shared.services.limits.rate_limits import RateLimiter
from shared.services.mirroring.upstream_cache import NewAnswer, UpstreamCache
from shared.services.mirroring.upstreams import UpstreamSource, refusal_of

T = TypeVar("T")


class Question(Struct, Generic[T], frozen=True):
    """A question to any upstream: what it is about, for refusals and for the circuit breaker, the
    key of its cached answer, and about how many bytes of memory an answer takes.

    `accept` may change or refuse a new answer.
    """

    what: object
    subject: str
    key: tuple[Hashable, ...]
    ask: Callable[[Upstream, str], Awaitable[T | None]]  # With the header `Via`.
    size: Callable[[T], int] = lambda _: 1_000
    accept: Callable[[UpstreamSource, T], Awaitable[T]] | None = None


class Asker(Struct, frozen=True):
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

    async def check(self, requested: Sequence[tuple[Package, Head | None]], /) -> set[str]:
        """The check of a reader of packages: what the asker may not see takes the reads of what is
        missing."""
        return {each.key for each, head in requested if head and self.may_see(head)}


class UpstreamQuestions(Struct, frozen=True):
    """Asks upstreams, and keeps what they answer."""

    cache: UpstreamCache
    rate_limiter: RateLimiter

    async def answer(
        self,
        question: Question[T],
        sources: Sequence[UpstreamSource],
        asker: Asker,
        *,
        anew: bool = False,
    ) -> T | None:
        """Ask the sources one after the other; return the first answer, cached or new, or None if
        none of them has one. `anew` ignores cached answers."""
        for source in sources:
            key = (source.cache_key, *question.key)
            if self.cache.fresh(key) is None:
                await self.count(asker)
            get = self.cache.renewed if anew else self.cache.get
            try:
                found = await get(key, partial(self._ask, question, source, asker))
            except Unanswered as failure:
                raise refusal_of(failure, question.what, source) from None
            if found is not None:
                return found
        return None

    async def _ask(self, question: Question[T], source: UpstreamSource, asker: Asker) -> NewAnswer:
        ask = partial(question.ask, source.upstream, asker.via())
        found = await source.breaker.ask(question.subject, ask)
        if found is not None and question.accept is not None:
            found = await question.accept(source, found)
        return NewAnswer(found) if found is None else NewAnswer(found, question.size(found))

    async def count(self, asker: Asker) -> None:
        """Count what a caller without a token makes the upstream do; raise `TooManyRequests`."""
        if asker.by.is_anonymous:
            await self.rate_limiter.check(RateLimitClass.MIRROR, RateLimitKeys.of(asker.by))
