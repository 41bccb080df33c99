"""Rate limits: count requests, and refuse those above a limit.

What is expensive or dangerous is counted over all instances, in one call of the work store; reads
are counted by each process, in memory. Every change passes here, so that it is refused while the
registry is read-only.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.client_addresses import caller_network
from shared.domain.coordinates import Package
from shared.domain.errors.requests import TooManyRequests, too_many_failures
from shared.domain.principals import Principal
from shared.domain.rate_limits import (
    RateLimit,
    RateLimitAllowance,
    RateLimitClass,
    RateLimitKeys,
    RateLimitSubject,
    Window,
    WindowCounts,
    check_limit,
    tightest_allowance,
)
from shared.domain.tokens import hash_secret
from shared.ports.system import Clock
from shared.ports.work import Counter, WorkStore
from shared.runtime.lru_cache import LruCache
from shared.services.limits.burst_detection import BurstDetection
from shared.services.limits.notices import ReadOnlyMode

CALLERS_REMEMBERED = 10_000  # Callers that have to wait, and bad credentials; about 3 MB each.
MAX_CALLERS = 100_000  # Callers that a process counts separately in a minute; about 15 MB.

_RATE = "rate"
_FAILED = "failed-credential"
_OTHERS = "*"  # The key of all callers beyond `MAX_CALLERS`.
_UNLIMITED = 10**12  # Nobody makes that many requests in a minute.

RateLimitRules = Mapping[RateLimitClass, RateLimit]


class PublishAllowance(Struct, frozen=True):
    """What the limits of a push leave."""

    tightest: RateLimitAllowance | None = None
    # What its principal published too often, such as "21 packages", if the push is one of a burst.
    burst: str = ""

    def require(self) -> None:
        """Raise `TooManyRequests` if the push exceeds a limit."""
        if self.tightest is not None:
            _require(self.tightest)


class RateLimiter:
    """Counts requests, and refuses those above a limit."""

    def __init__(
        self,
        work: WorkStore,
        clock: Clock,
        rules: RateLimitRules,
        burst_detection: BurstDetection,
        read_only_mode: ReadOnlyMode,
    ) -> None:
        """Keep the counts of all instances in `work`."""
        self._work = work
        self._clock = clock
        self._rules = rules
        self._burst_detection = burst_detection
        self._read_only_mode = read_only_mode
        self._reads = ProcessRateLimiter(rules[RateLimitClass.READ], clock)
        self._agents = ProcessRateLimiter(rules[RateLimitClass.AGENT], clock)
        self._unverified = ProcessRateLimiter(rules[RateLimitClass.READ], clock)
        self._unpublished = ProcessRateLimiter(rules[RateLimitClass.WRITE], clock)
        self._exceeded = LruCache[str, tuple[int, RateLimitAllowance]](CALLERS_REMEMBERED)
        self._failed = LruCache[str, bool](CALLERS_REMEMBERED)

    async def check(
        self, operation: RateLimitClass, keys: RateLimitKeys
    ) -> RateLimitAllowance | None:
        """Count a request and return what is left, or None if it has no limit.

        Raises `TooManyRequests`, and `TakesNoChanges` as `require_changes_allowed` does. One call
        of the store, and none while the caller has to wait.
        """
        await self.require_changes_allowed(operation)
        allowance = await self._count(operation, keys)
        if allowance is not None:
            _require(allowance)
        return allowance

    async def require_changes_allowed(self, operation: RateLimitClass) -> None:
        """Raise `TakesNoChanges` for an operation that changes something while the registry is
        read-only.

        Every change passes here, by `check` or by `count_push`, before anything is read.
        """
        if operation.is_write:
            await self._read_only_mode.require_changes_allowed()

    async def count_push(self, by: Principal, package: Package) -> PublishAllowance:
        """Count a push and return its allowance, which may be exceeded. One call of the store."""
        if by.is_operator:
            return PublishAllowance()
        await self.require_changes_allowed(RateLimitClass.PUSH)
        request = self._counted_request(RateLimitClass.PUSH, RateLimitKeys.of(by))
        if wait := self._current_wait(request):
            return PublishAllowance(wait)
        burst = self._burst_detection.counters(by, package)
        counters = [*request.counters, *burst.counters]
        totals = await self._work.count(counters, request.now_ms)
        allowance = await self._evaluate(request, counters, totals)
        if allowance is not None and allowance.is_exceeded:
            return PublishAllowance(allowance)
        burst_totals = totals[len(request.counters) :]
        excess = await self._burst_detection.excess(burst, burst_totals)
        return PublishAllowance(allowance, excess)

    def require_upload_allowed(self, by: Principal) -> None:
        """Raise `TooManyRequests` before an archive is read if this caller sent as many archives
        that published nothing as it may make changes; count nothing, and ask no store."""
        if not by.is_operator:
            self._unpublished.require_caller_below_limit(by)

    def count_unpublished(self, by: Principal) -> None:
        """Count an archive that was read and changed nothing, since it repeats a release or is
        refused, in this process.

        The limit of pushes counts releases, so it bounds neither these nor the time that reading
        them takes.
        """
        if not by.is_operator:
            with suppress(TooManyRequests):  # Others were read at the same time.
                self._unpublished.count(by)

    async def count_burst_of(self, account_id: str, package: Package) -> str:
        """Count a push for the sponsor of its publisher; return what is a burst, if it is one.

        The rate limits of the sponsor are not touched. One call of the store.
        """
        burst = self._burst_detection.counters(Principal(account_id), package)
        totals = await self._work.count(burst.counters, self._clock.now_ms())
        return await self._burst_detection.excess(burst, totals)

    def count_read(self, by: Principal) -> list[RateLimitAllowance]:
        """Count a request only in this process; raise `TooManyRequests`. No store is asked.

        Returns what is left of each limit of which half is used.
        """
        return self._reads.count(by)

    def count_agent(self, by: Principal) -> list[RateLimitAllowance]:
        """Count a call of /mcp as `count_read` counts a request."""
        return self._agents.count(by)

    def count_unverified(self, address: str) -> None:
        """Count a request with credentials that are not valid as a read of its address; raise
        `TooManyRequests`."""
        by = Principal(address=address)
        self._unverified.count(by)
        self._reads.count(by)

    def require_below_limit(self, address: str) -> None:
        """Raise `TooManyRequests` if the address sent as many credentials that are not valid as it
        may read; count nothing.

        Reads without credentials do not count here: others behind the address send valid ones.
        """
        self._unverified.require_below_limit(address)

    async def count_failure(self, address: str, credential: str) -> None:
        """Count a credential that is not valid, once in each window however often it is sent.

        Raises `TooMany` if an address sends too many different ones. One call of the store,
        and none for a credential that this process has counted or while the address has to wait.
        """
        request = self._counted_request(
            RateLimitClass.FAILURE, RateLimitKeys(address=caller_network(address))
        )
        if wait := self._current_wait(request):
            raise too_many_failures(wait)
        failure = _failure_counter(request, address, credential)
        if not request.counters or self._failed.get(failure.key):
            return
        counters = [*request.counters, failure]
        totals = await self._work.count(counters, request.now_ms)
        self._failed.put(failure.key, True)
        if totals[-1] > 1:  # Another process has counted it, and that count stays.
            await self._subtract(counters, request.now_ms)
            return
        allowance = await self._evaluate(request, counters, totals)
        if allowance is not None and allowance.is_exceeded:
            self._failed.drop(failure.key)
            raise too_many_failures(allowance)

    @property
    def rules(self) -> RateLimitRules:
        return self._rules

    async def _count(
        self, operation: RateLimitClass, keys: RateLimitKeys
    ) -> RateLimitAllowance | None:
        request = self._counted_request(operation, keys)
        if wait := self._current_wait(request):
            return wait
        if not request.counters:
            return None
        totals = await self._work.count(request.counters, request.now_ms)
        return await self._evaluate(request, request.counters, totals)

    async def _evaluate(
        self, request: "_CountedRequest", counters: Sequence[Counter], totals: Sequence[int]
    ) -> RateLimitAllowance | None:
        """Return the tightest of the limits; a refused request is not counted."""
        allowances = request.allowances(totals)
        for name, allowance in zip(request.names, allowances, strict=True):
            if not allowance.remaining:
                self._exceeded.put(name, (request.now_ms + allowance.wait_ms, allowance))
        if any(each.is_exceeded for each in allowances):
            await self._subtract(counters, request.now_ms)
        return tightest_allowance(allowances) if allowances else None

    async def _subtract(self, counters: Sequence[Counter], now_ms: int) -> None:
        negated = [replace(each, amount=-each.amount) for each in counters if each.amount]
        await self._work.count(negated, now_ms)

    def _current_wait(self, request: "_CountedRequest") -> RateLimitAllowance | None:
        """Return the limit that the caller still has to wait for, if any."""
        exceeded = [found for name in request.names if (found := self._exceeded.get(name))]
        left = [
            replace(allowance, wait_ms=until_ms - request.now_ms, is_exceeded=True)
            for until_ms, allowance in exceeded
            # No wait is longer than two windows, unless the clock was set back meanwhile.
            if 0 < until_ms - request.now_ms <= 2 * request.window.length_ms
        ]
        return tightest_allowance(left) if left else None

    def _counted_request(self, operation: RateLimitClass, keys: RateLimitKeys) -> "_CountedRequest":
        limited = self._rules[operation].of(keys)
        return _CountedRequest(operation, tuple(limited), self._clock.now_ms())


class _CountedRequest(Struct, frozen=True):
    """A request, and the subjects that it counts for, with their keys and limits."""

    operation: RateLimitClass
    limited: tuple[tuple[RateLimitSubject, str, int], ...]
    now_ms: int

    @property
    def window(self) -> Window:
        return Window.at(self.now_ms, self.operation.window)

    @property
    def names(self) -> list[str]:
        return [f"{self.operation.value}:{s.value}:{key}" for s, key, _ in self.limited]

    @property
    def counters(self) -> list[Counter]:
        """Two counters for each subject: the window before, which is only read, and this
        one."""
        window = self.window
        return [
            Counter(_RATE, f"{name}:{number}", (number + 2) * window.length_ms, amount)
            for name in self.names
            for number, amount in ((window.number - 1, 0), (window.number, 1))
        ]

    def allowances(self, totals: Sequence[int]) -> list[RateLimitAllowance]:
        counted = totals[: 2 * len(self.limited)]
        return [
            check_limit(
                most,
                WindowCounts(before, now),
                self.window,
                limit_class=self.operation,
                subject=subject,
            )
            for (subject, _, most), before, now in zip(
                self.limited, counted[::2], counted[1::2], strict=True
            )
        ]


class ProcessRateLimiter:
    """Counts what one process gets, in memory: about a microsecond for each, and bounded memory."""

    def __init__(self, limits: RateLimit, clock: Clock, most_callers: int = MAX_CALLERS) -> None:
        """Count up to `most_callers` apart, and all others together."""
        self._clock = clock
        self._most_callers = most_callers
        self._limit_class = limits.limit_class
        self._window = limits.limit_class.window
        self._number = 0
        self._begins_ms = self._ends_ms = 0
        self._token, self._account, self._address = (
            _Counts(subject, limits.limits.get(subject, _UNLIMITED))
            for subject in (
                RateLimitSubject.TOKEN,
                RateLimitSubject.ACCOUNT,
                RateLimitSubject.ADDRESS,
            )
        )

    def count(self, by: Principal) -> list[RateLimitAllowance]:
        """Count a request and return what is left of each limit of which half is used.

        An address counts for callers without credentials: whoever shares it with them has limits
        of their own. Raises `TooManyRequests`.
        """
        now_ms = self._clock.now_ms()
        if not self._begins_ms <= now_ms < self._ends_ms:
            self._begin(Window.at(now_ms, self._window))
        used: list[RateLimitAllowance] = []
        if by.id:
            self._add(self._token, by.credential, now_ms, used)
            self._add(self._account, by.id, now_ms, used)
        else:
            self._add(self._address, caller_network(by.address), now_ms, used)
        return used

    def require_below_limit(self, address: str) -> None:
        """Raise `TooManyRequests` if the next request of the address would exceed its limit."""
        self._require_below(self._address, caller_network(address))

    def require_caller_below_limit(self, by: Principal) -> None:
        """Raise `TooManyRequests` if the next request with this credential would exceed a limit."""
        self._require_below(self._token, by.credential)
        self._require_below(self._account, by.id)

    def _require_below(self, counts: "_Counts", own_key: str) -> None:
        now_ms = self._clock.now_ms()
        if not self._begins_ms <= now_ms < self._ends_ms:
            self._begin(Window.at(now_ms, self._window))
        key = self._own_or_shared_key(counts, own_key)
        before = counts.before.get(key, 0)
        counted = counts.now.get(key, 0) + 1
        if before + counted <= counts.most:
            return
        allowance = self._allowance(counts, WindowCounts(before, counted), now_ms)
        if allowance.is_exceeded:
            raise TooManyRequests(allowance)

    def _add(
        self, counts: "_Counts", key: str, now_ms: int, used: list[RateLimitAllowance]
    ) -> None:
        if not key:
            return
        now = counts.now
        key = self._own_or_shared_key(counts, key)
        now[key] = counted = now.get(key, 0) + 1
        if counted + counts.before.get(key, 0) > counts.half:
            used.append(self._require_allowance(counts, key, now_ms))

    def _own_or_shared_key(self, counts: "_Counts", key: str) -> str:
        is_full = len(counts.now) >= self._most_callers
        return _OTHERS if is_full and key not in counts.now else key

    def _require_allowance(self, counts: "_Counts", key: str, now_ms: int) -> RateLimitAllowance:
        window_counts = WindowCounts(counts.before.get(key, 0), counts.now[key])
        allowance = self._allowance(counts, window_counts, now_ms)
        if allowance.is_exceeded:
            counts.now[key] -= 1  # A refused request is not counted.
        _require(allowance)
        return allowance

    def _allowance(
        self, counts: "_Counts", window_counts: WindowCounts, now_ms: int
    ) -> RateLimitAllowance:
        return check_limit(
            counts.most,
            window_counts,
            Window.at(now_ms, self._window),
            limit_class=self._limit_class,
            subject=counts.subject,
        )

    def _begin(self, window: Window) -> None:
        """Begin a window, and drop the counts of the one before the last."""
        is_next = window.number == self._number + 1
        for counts in (self._token, self._account, self._address):
            counts.before = counts.now if is_next else {}
            counts.now = {}
        self._number = window.number
        self._begins_ms = window.number * window.length_ms
        self._ends_ms = (window.number + 1) * window.length_ms


class _Counts:
    """How often each key of one subject was counted, in the window before and in this one."""

    __slots__ = ("before", "half", "most", "now", "subject")

    def __init__(self, subject: RateLimitSubject, most: int) -> None:
        self.subject = subject
        self.most = most
        # Below this number, callers get no headers, and a request costs only two look-ups.
        self.half = most // 2
        self.before: dict[str, int] = {}
        self.now: dict[str, int] = {}


def _failure_counter(request: _CountedRequest, address: str, credential: str) -> Counter:
    """Return the counter of a credential in one window, by its hash."""
    window = request.window
    key = hash_secret(f"{caller_network(address)}\n{window.number}\n{credential}")
    return Counter(_FAILED, key, (window.number + 1) * window.length_ms)


def _require(allowance: RateLimitAllowance) -> None:
    if allowance.is_exceeded:
        raise TooManyRequests(allowance)
