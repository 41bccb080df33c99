"""The upstream registries of this one: their order, their rules, a gate for each, and the answers
of theirs that are kept.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.errors.base import Refusal, Unavailable
from shared.domain.errors.packages import (
    FAILING,
    NO_ROOM,
    UNUSABLE,
    UpstreamUnavailable,
    owned_by_upstream,
)
from shared.domain.mirror_rules import MIRROR_RULES_PLACE, MirrorRules, UpstreamAddress
from shared.domain.names import ANY_CLIENT, OrgName, Package
from shared.domain.principals import Principal
from shared.domain.times import MS
from shared.ports import (
    AnswerUnusable,
    Clock,
    DirectoryStore,
    NoRoomToFetch,
    ServerUnreachable,
    Unanswered,
    Upstream,
    UpstreamBusy,
)
from shared.runtime.caching import LruCache, SingleFlight

# Since the last answer: requests without a connection, and packages for which the upstream failed.
# What it answers about one package, and what a caller sends, closes it for no other package.
FAILURES_TO_CLOSE = 5
CLOSED_FOR = timedelta(seconds=30)  # Then one request is tried, and its outcome decides.


T = TypeVar("T")


class UpstreamHealth(Struct, frozen=True):
    """What a process knows of the upstream: `reason` is why the last request failed, empty if it
    was answered, and `unusable` names the last answer that could not be used, and why."""

    is_open: bool = True
    asked: bool = False
    reason: str = ""
    unusable: str = ""


class UpstreamGate:
    """Lets requests to the upstream through while it answers: a circuit breaker, and the pauses
    that the upstream asks for.

    It is of one process: what one learns costs each of the others a few requests.
    """

    def __init__(self, clock: Clock, failed: Callable[[str], None]) -> None:
        """`failed` is called with the reason of each failure, for the log."""
        self._clock = clock
        self._failed = failed
        self._failures = set[str]()
        self._closed_until_ms: int | None = None  # Of the monotonic clock.
        self._tried = list[str]()  # The subjects of the requests that decide whether it opens.
        self.health = UpstreamHealth()

    async def ask(self, subject: str, request: Callable[[], Awaitable[T]]) -> T:
        """Return the upstream's answer about a subject, such as a package.

        Raises `ServerUnreachable` at once while the gate is closed, and what the request raises. An
        archive and its description are asked for together, so both are tried then.
        """
        until_ms = self._closed_until_ms
        is_tried = self._tried in ([], [subject])
        if until_ms is not None and (not is_tried or self._clock.monotonic_ms() < until_ms):
            message = f"it is left alone for a time: {self.health.reason}"
            raise ServerUnreachable(message)
        is_trial = until_ms is not None
        if is_trial:
            self._tried.append(subject)
        try:
            answer = await request()
        except AnswerUnusable as error:  # It is there.
            self._note_answer(is_trial=is_trial)
            self.note_unusable(subject, str(error))
            raise
        except NoRoomToFetch:
            raise  # It says nothing about the upstream.
        except Unanswered as error:
            self._note_failure(subject, error)
            raise
        finally:
            if is_trial:
                self._tried.remove(subject)
        self._note_answer(is_trial=is_trial)
        return answer

    def note_unusable(self, subject: str, reason: str) -> None:
        """Note that an answer cannot be used, which closes nothing."""
        self.health = replace(self.health, unusable=f"{subject}: {reason}")
        self._failed(self.health.unusable)

    def _note_answer(self, *, is_trial: bool) -> None:
        # The answer to a request from before the gate closed says nothing about a pause.
        if is_trial or self._closed_until_ms is None:
            self._failures.clear()
            self._closed_until_ms = None
        is_open = self._closed_until_ms is None
        self.health = replace(self.health, is_open=is_open, asked=True, reason="")

    def _note_failure(self, subject: str, error: Unanswered) -> None:
        is_every = isinstance(error, ServerUnreachable)
        unusable = self.health.unusable if is_every else f"{subject}: {error}"
        failure = f"{subject} {len(self._failures)}" if is_every else subject
        # A package that failed before says nothing about the others: another one is tried next.
        is_new, was_closed = failure not in self._failures, self._closed_until_ms is not None
        self._failures.add(failure)
        is_closing = was_closed or len(self._failures) >= FAILURES_TO_CLOSE
        if isinstance(error, UpstreamBusy) or (is_closing and is_new):
            wait = error.wait if isinstance(error, UpstreamBusy) else CLOSED_FOR
            self._closed_until_ms = self._clock.monotonic_ms() + wait // MS
        is_open = self._closed_until_ms is None
        self.health = UpstreamHealth(is_open, asked=True, reason=str(error), unusable=unusable)
        self._failed(str(error))


ANSWERS_KEPT_BYTES = 8 * 1024 * 1024
USED_WHILE_RENEWED = timedelta(hours=1)  # An older answer is renewed before it is used.
RETRIED_AFTER = timedelta(seconds=10)  # An answer that could not be renewed is used meanwhile.
MISSING_FOR = timedelta(minutes=1)  # What is missing may be published any minute.
MAX_FAILURES_KEPT = 1_000  # Questions that failed within that time, and are not asked again.


class NewAnswer(Struct, frozen=True):
    """An answer of the upstream: its value, which is None if there is nothing, and about how much
    memory it takes."""

    value: Any
    memory_bytes: int = 1_000
    fresh_for: timedelta | None = None  # None: as long as the setting says.


class _KeptAnswer(Struct, frozen=True):
    """An answer, when the upstream confirmed it, and when it was asked last (monotonic)."""

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
        self._renewing = set[asyncio.Task[None]]()

    async def get(self, key: Hashable, ask: Ask) -> Any:
        """Return the answer that is kept, or ask for it; raise what `ask` raises if there is none.

        One that is no longer fresh is used and renewed meanwhile; one that is older than an hour is
        renewed first, and used if that fails. A question that failed lately fails in the same way,
        without being asked.
        """
        kept, now_ms = self._kept.get(key), self._clock.monotonic_ms()
        if kept is not None and self._is_fresh(kept):
            return kept.answer.value
        if kept is None or kept.answer.value is None:
            self.require_not_failed(key)
            return await self.renewed(key, ask)
        if now_ms - kept.asked_ms < min(RETRIED_AFTER, self._fresh_for) // MS:
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
        """Check whether an answer is kept that is something, fresh or not."""
        kept = self._kept.peek(key)
        return kept is not None and kept.answer.value is not None

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
        most = self._fresh_for if kept.answer.value is not None else MISSING_FOR
        fresh_for = most if (own := kept.answer.fresh_for) is None else min(own, most)
        return self._clock.monotonic_ms() - kept.confirmed_ms < fresh_for // MS

    async def _renew(self, key: Hashable, ask: Ask, kept: _KeptAnswer) -> None:
        with suppress(Refusal):  # It is no longer kept, so the next request hears it.
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
        except Refusal:
            self._kept.drop(key)
            raise
        except Unanswered as error:
            self.note_failure(key, error)
            raise
        self._kept.put(key, _KeptAnswer(answer, now_ms, now_ms))
        return answer.value


PROBED = Package.parse("ballerina", "io")  # A registry that does not have it says so.
RULES_CACHED_FOR = timedelta(seconds=3)  # A change is in force everywhere within five.

_CACHED_FOR_MS = RULES_CACHED_FOR // MS

ConnectUpstream = Callable[[UpstreamAddress], Upstream]
LogFailure = Callable[[str, str], None]  # Called with the name of an upstream and the reason.


class UpstreamSource(Struct, frozen=True):
    """An upstream registry, and its own gate: each fails alone.

    `with_token` is the same registry as it answers requests with a token, through a gate of its
    own, so that a refused token leaves everything else as it is; None without a token.
    """

    name: str
    address: str
    upstream: Upstream
    gate: UpstreamGate
    with_token: "UpstreamSource | None" = None
    sends_token: bool = False

    @property
    def kept_as(self) -> str:
        """The key of its kept answers, which are apart for requests with a token."""
        return f"{self.name} with token" if self.sends_token else self.name

    async def problem(self) -> str:
        """Ask it; return why it does not answer, as part of a sentence, or an empty text."""
        try:
            await self.upstream.versions(PROBED, ANY_CLIENT, via="")
        except Unanswered as error:
            return str(error)
        return ""

    def asked_by(self, by: Principal) -> tuple["UpstreamSource", ...]:
        """Return how the upstream is asked for a caller, in this order: as anybody asks it, and
        with the token if the caller reads internal packages."""
        return (self, self.with_token) if self.with_token and by.reads_internal else (self,)


def refusal_of(failure: Unanswered, what: object, source: UpstreamSource) -> UpstreamUnavailable:
    """Return the refusal of a question that the upstream did not answer, or not usably."""
    if isinstance(failure, AnswerUnusable):
        return UpstreamUnavailable(what, source.name, UNUSABLE)
    if isinstance(failure, NoRoomToFetch):
        return UpstreamUnavailable(what, source.name, NO_ROOM)
    if isinstance(failure, ServerUnreachable | UpstreamBusy):
        return UpstreamUnavailable(what, source.name)
    return UpstreamUnavailable(what, source.name, FAILING)


class Upstreams:
    """The upstreams in their order and the rules, as they were at most three seconds ago.

    While the store fails, those that were read last stay in force.
    """

    def __init__(
        self,
        configured: tuple[UpstreamAddress, ...],
        connect: ConnectUpstream,
        directory: DirectoryStore,
        clock: Clock,
        failed: LogFailure,
        *,
        minimum_age_days: int = 0,
    ) -> None:
        """`configured` are the registries until operators change the list; the minimum age holds
        for all of them where no rule does."""
        self._configured = configured
        self._connect = connect
        self._directory = directory
        self._clock = clock
        self._failed = failed
        self._minimum_age_days = minimum_age_days
        self._sources: dict[UpstreamAddress, UpstreamSource] = {}
        self._rules: MirrorRules | None = None
        self._read_ms = -_CACHED_FOR_MS
        self._reading = SingleFlight[MirrorRules]()

    async def rules(self) -> MirrorRules:
        """Return the rules; raise `Unavailable` if none were read yet and the store fails."""
        if self._rules is None or self._clock.monotonic_ms() - self._read_ms >= _CACHED_FOR_MS:
            return await self._reading.answer("", self._read)
        return self._rules

    async def stored_rules(self) -> MirrorRules:
        """Return the rules as they are stored; before operators stored some, with revision 0."""
        stored = await self._directory.get(MirrorRules, MIRROR_RULES_PLACE)
        rules = stored or MirrorRules(revision=0, upstreams=self._configured)
        return rules.model_copy(update={"default_days": self._minimum_age_days})

    async def sources(self) -> tuple[UpstreamSource, ...]:
        """Return the upstreams in their order."""
        return tuple(map(self._source, (await self.rules()).upstreams))

    async def find(self, name: str) -> UpstreamSource | None:
        """Return the upstream of that name, or None if it was taken off the list."""
        return next((each for each in await self.sources() if each.name == name), None)

    async def require_foundable(self, org: OrgName) -> None:
        """Raise `owned-by-upstream` if a rule says that packages of the organization come from an
        upstream."""
        rules = await self.rules()
        rule = rules.reserving_rule(org)
        if rule is not None:
            raise owned_by_upstream(org, rule.upstream or rules.upstreams[0].name)

    def invalidate(self) -> None:
        """Read the rules again at the next request, because this process changed them."""
        self._read_ms = self._clock.monotonic_ms() - _CACHED_FOR_MS

    async def close(self) -> None:
        """Cancel a read that is under way."""
        await self._reading.close()

    async def _read(self) -> MirrorRules:
        # The time before the read counts: a change during it is read by the next.
        now_ms = self._clock.monotonic_ms()
        try:
            self._rules = await self.stored_rules()
        except Unavailable:
            if self._rules is None:
                raise
        self._read_ms = now_ms
        return self._rules

    def _source(self, address: UpstreamAddress) -> UpstreamSource:
        """Return the source, made once for an address, so that its gate remembers failures."""
        source = self._sources.get(address)
        if source is None:
            name, upstream = address.name, self._connect(address)
            source = UpstreamSource(name, address.url, upstream, self._gate(name))
            if (sending := upstream.with_token()) is not None:
                gate = self._gate(f"{name}, with its token")
                with_token = replace(source, upstream=sending, gate=gate, sends_token=True)
                source = replace(source, with_token=with_token)
            self._sources[address] = source
        return source

    def _gate(self, name: str) -> UpstreamGate:
        return UpstreamGate(self._clock, lambda reason: self._failed(name, reason))
