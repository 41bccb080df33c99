"""Rate limits, and burst detection, which holds the releases of a principal that publishes many
packages
or releases within minutes.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from shared.caching import LruCache
from shared.domain.addresses import neighbourhood
from shared.domain.errors.requests import TooManyFailures, TooManyRequests
from shared.domain.identity import OPERATOR_ID, Principal
from shared.domain.names import Package
from shared.domain.rate_limits import (
    RateLimit,
    RateLimitAllowance,
    RateLimitClass,
    RateLimitKeys,
    RateLimitSubject,
    RateLimitWait,
    Window,
    WindowCounts,
    check_limit,
    tightest_allowance,
)
from shared.domain.secrets import hash_secret
from shared.ports import Clock, Counter, WorkStore
from shared.services.notices import ReadOnlyMode

# Limiting: who makes too many requests has to wait, and all who change something while the
# registry is read-only.
#
# What is dear or dangerous is counted for all instances together, in one call of the work store;
# reads are counted by each process alone, in memory.

CALLERS_REMEMBERED = 10_000  # Callers that have to wait, and bad credentials; about 3 MB each.
MAX_CALLERS = 100_000  # That a process counts one by one in a minute; about 15 MB.

_RATE, _FAILED = "rate", "failed-credential"
_OTHERS = "*"  # Whoever comes when there are too many to tell apart shares one count.
_FREE = 10**12  # No limit: nobody makes that many requests in a minute.

# What the answer to the request under way says of its limits; the edge hands a list in.
rate_limit_headers: ContextVar[list[RateLimitAllowance] | None] = ContextVar("told", default=None)

RateLimitRules = Mapping[RateLimitClass, RateLimit]


@dataclass(frozen=True, slots=True)
class PublishAllowance:
    """How fast a principal publishes: the tightest of its limits, and whether like a worm."""

    allowance: RateLimitAllowance | None = None
    is_burst: bool = False

    def require(self) -> None:
        """Raise `TooManyRequests` unless the push is within the limits; tell what is left."""
        if self.allowance is not None:
            _require(self.allowance)


# Braking: who publishes many packages or releases within minutes is a worm, or has to say that
# they are not.
#
# Different packages and all releases are counted for all instances together: each package has a
# mark
# for the windows that hold the moment, and the principal a number for each of them. A process knows
# which marks it has set, so that a push is one call; a mark that another process has set is taken
# back.


@dataclass(frozen=True, slots=True)
class BurstCounters:
    """What a push counts: by window, whether its package is new there, and how many packages and
    releases there are."""

    counters: tuple[Counter, ...]

    def packages(self, totals: Sequence[int]) -> int:
        """Return how many different packages the principal published, in the fuller window."""
        pairs = zip(self._counted_twice(totals), totals[1::2], strict=True)
        return max(total // _ONE_PACKAGE - len(twice) for twice, total in pairs)

    def releases(self, totals: Sequence[int]) -> int:
        """Return how many releases the principal published, in the fuller window."""
        return max(total % _ONE_PACKAGE for total in totals[1::2])

    def corrections(self, totals: Sequence[int]) -> list[Counter]:
        """Return what takes back a package that another process had counted."""
        return [counter for twice in self._counted_twice(totals) for counter in twice]

    def _counted_twice(self, totals: Sequence[int]) -> list[list[Counter]]:
        windows = zip(self.counters[1::2], totals[::2], strict=True)
        return [
            [replace(principal, amount=-_ONE_PACKAGE)]
            if marks > 1 and principal.amount > _ONE_RELEASE
            else []
            for principal, marks in windows
        ]


class BurstDetection:
    """Tells a burst of different packages, or of releases."""

    def __init__(self, work: WorkStore, clock: Clock, packages: int, releases: int) -> None:
        """Take so many packages and releases of one principal within ten minutes for no burst."""
        self._work = work
        self._clock = clock
        self._packages = packages
        self._releases = releases
        self._marked = LruCache[str, bool](REMEMBERED)

    def counters(self, by: Principal, package: Package) -> BurstCounters:
        """Return what a push of the package counts now."""
        step = self._clock.now_ms() // _STEP_MS
        publisher = _publisher(by)
        principal = _name(publisher)
        pushed = _name(publisher, package.key)
        return BurstCounters(
            tuple(
                each
                for window in (step - 1, step)
                for each in self._pair(f"{pushed}:{window}", f"{principal}:{window}", window)
            )
        )

    async def is_burst(self, marks: BurstCounters, totals: Sequence[int]) -> bool:
        """Say whether the push that counted these totals is one of too many."""
        for mark in marks.counters[::2]:
            self._marked.put(mark.key, True)
        if repeats := marks.corrections(totals):
            await self._work.count(repeats, self._clock.now_ms())
        is_wide = marks.packages(totals) > self._packages
        return is_wide or marks.releases(totals) > self._releases

    def _pair(self, pushed: str, principal: str, window: int) -> Iterable[Counter]:
        ends_ms = (window + 2) * _STEP_MS
        is_new = not self._marked.get(pushed)
        yield Counter(_PACKAGE, pushed, ends_ms, int(is_new))
        amount = _ONE_RELEASE + (_ONE_PACKAGE if is_new else 0)
        yield Counter(_PRINCIPAL, principal, ends_ms, amount)


class RateLimiter:
    """Counts requests, and refuses what is over a limit."""

    def __init__(
        self,
        work: WorkStore,
        clock: Clock,
        rules: RateLimitRules,
        braking: BurstDetection,
        pausing: ReadOnlyMode,
    ) -> None:
        """Keep the counts that hold for all instances in `work`."""
        self._work = work
        self._clock = clock
        self._rules = rules
        self._braking = braking
        self._pausing = pausing
        self._reads = ReadLimiter(rules[RateLimitClass.READ], clock)
        self._shut = LruCache[str, tuple[int, RateLimitAllowance]](CALLERS_REMEMBERED)
        self._failed = LruCache[str, bool](CALLERS_REMEMBERED)

    async def check(
        self, operation: RateLimitClass, keys: RateLimitKeys
    ) -> RateLimitAllowance | None:
        """Count a request and return what is left, or None where nothing is limited.

        Raises `TooManyRequests`, and `TakesNoChanges` as `admit` does. One call of the store, and
        none while the caller has to wait.
        """
        await self.require_changes_allowed(operation)
        allowance = await self._count(operation, keys)
        if allowance is not None:
            _require(allowance)
        return allowance

    async def require_changes_allowed(self, operation: RateLimitClass) -> None:
        """Raise `TakesNoChanges` for what would change something while the registry is read-only.

        Every change of a client passes here, or by `check` and `pace`: before anything is read.
        """
        if operation.changes:
            await self._pausing.require_changes_allowed()

    async def count_push(self, by: Principal, package: Package) -> PublishAllowance:
        """Count a push, and say how fast `by` publishes; of that, nothing is raised. One call."""
        if by.is_operator:
            return PublishAllowance()
        await self.require_changes_allowed(RateLimitClass.PUSH)
        tallying = self._tallying(RateLimitClass.PUSH, RateLimitKeys.of(by))
        if shut := self._shut_out(tallying):
            return PublishAllowance(shut)
        marks = self._braking.counters(by, package)
        counters = [*tallying.counters, *marks.counters]
        totals = await self._work.count(counters, tallying.now_ms)
        allowance = await self._judged(tallying, counters, totals)
        if allowance is not None and allowance.is_exceeded:
            return PublishAllowance(allowance)
        marked = totals[len(tallying.counters) :]
        return PublishAllowance(allowance, await self._braking.is_burst(marks, marked))

    async def count_burst_of(self, account_id: str, package: Package) -> bool:
        """Count a push for an account that answers for its publisher, whose rates are their own;
        say whether it is one of too many. One call."""
        marks = self._braking.counters(Principal(account_id), package)
        totals = await self._work.count(marks.counters, self._clock.now_ms())
        return await self._braking.is_burst(marks, totals)

    def count_read(self, by: Principal) -> None:
        """Count a request in this process alone; raise `TooManyRequests`. No store is asked."""
        self._reads.count(by)

    def require_room(self, address: str) -> None:
        """Raise `TooManyRequests` if the address may read no more now; nothing is counted."""
        self._reads.require_room(address)

    async def count_failure(self, address: str, credential: str) -> None:
        """Count a credential that is not valid, once a window however often it is sent.

        Raises `TooManyFailures` when an address sends too many different ones. One call of the
        store; none for a credential that this process has counted, and none while the address has
        to wait.
        """
        tallying = self._tallying(RateLimitClass.FAILURE, _at(address))
        if shut := self._shut_out(tallying):
            raise TooManyFailures(shut)
        mark = _mark_of_failure(tallying, address, credential)
        if not tallying.counters or self._failed.get(mark.key):
            return
        counters = [*tallying.counters, mark]
        totals = await self._work.count(counters, tallying.now_ms)
        self._failed.put(mark.key, True)
        if totals[-1] > 1:  # Another process counted it, and its mark stays.
            await self._take_back(counters, tallying.now_ms)
            return
        allowance = await self._judged(tallying, counters, totals)
        if allowance is not None and allowance.is_exceeded:
            self._failed.drop(mark.key)
            raise TooManyFailures(allowance)

    @property
    def rules(self) -> RateLimitRules:
        """Return the limits in force."""
        return self._rules

    def waiting(self) -> list[RateLimitWait]:
        """Return who has to wait, as far as this process knows, and who does for longest first."""
        now_ms = self._clock.now_ms()
        shut = (_wait(name, *entry) for name, entry in self._shut.items())
        found = [*(each for each in shut if each.until_ms > now_ms), *self._reads.waiting()]
        return sorted(found, key=lambda each: -each.until_ms)

    async def _count(
        self, operation: RateLimitClass, keys: RateLimitKeys
    ) -> RateLimitAllowance | None:
        tallying = self._tallying(operation, keys)
        if shut := self._shut_out(tallying):
            return shut
        if not tallying.counters:
            return None
        totals = await self._work.count(tallying.counters, tallying.now_ms)
        return await self._judged(tallying, tallying.counters, totals)

    async def _judged(
        self, tallying: "_Tallying", counters: Sequence[Counter], totals: Sequence[int]
    ) -> RateLimitAllowance | None:
        """Return the tightest of the limits; what is refused is not counted."""
        judged = tallying.judged(totals)
        for name, allowance in zip(tallying.names, judged, strict=True):
            if not allowance.remaining:
                self._shut.put(name, (tallying.now_ms + allowance.wait_ms, allowance))
        if any(each.is_exceeded for each in judged):
            await self._take_back(counters, tallying.now_ms)
        return tightest_allowance(judged) if judged else None

    async def _take_back(self, counters: Sequence[Counter], now_ms: int) -> None:
        taken_back = [replace(each, amount=-each.amount) for each in counters if each.amount]
        await self._work.count(taken_back, now_ms)

    def _shut_out(self, tallying: "_Tallying") -> RateLimitAllowance | None:
        """Return the limit that the caller was told to wait for, if the wait is not over."""
        shut = [found for name in tallying.names if (found := self._shut.get(name))]
        left = [
            replace(allowance, wait_ms=until_ms - tallying.now_ms, is_exceeded=True)
            for until_ms, allowance in shut
            # No wait is longer than two windows, unless the clock was set back since.
            if 0 < until_ms - tallying.now_ms <= 2 * tallying.window.length_ms
        ]
        return tightest_allowance(left) if left else None

    def _tallying(self, operation: RateLimitClass, keys: RateLimitKeys) -> "_Tallying":
        limited = self._rules[operation].of(keys)
        return _Tallying(operation, tuple(limited), self._clock.now_ms())


@dataclass(frozen=True, slots=True)
class _Tallying:
    """One request, and whom it counts for."""

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
        """Return two counts a subject: that of the window before, which is read, and this one's."""
        window = self.window
        return [
            Counter(_RATE, f"{name}:{number}", (number + 2) * window.length_ms, amount)
            for name in self.names
            for number, amount in ((window.number - 1, 0), (window.number, 1))
        ]

    def judged(self, totals: Sequence[int]) -> list[RateLimitAllowance]:
        counted = totals[: 2 * len(self.limited)]
        return [
            check_limit(
                most,
                WindowCounts(before, now),
                self.window,
                operation=self.operation,
                subject=subject,
            )
            for (subject, _, most), before, now in zip(
                self.limited, counted[::2], counted[1::2], strict=True
            )
        ]


class ReadLimiter:
    """Counts the requests of one process in about a microsecond, and never grows beyond a bound."""

    def __init__(self, limits: RateLimit, clock: Clock, most_callers: int = MAX_CALLERS) -> None:
        """Allow what the limits say, by `clock`, and tell so many callers apart."""
        self._clock = clock
        self._most_callers = most_callers
        self._window = limits.operation.window
        self._number = 0
        self._begins_ms = self._ends_ms = 0
        self._token, self._account, self._address = (
            _Counts(subject, limits.most.get(subject, _FREE)) for subject in RateLimitSubject
        )

    def count(self, by: Principal) -> None:
        """Count a request; raise `TooManyRequests`, and tell what is left when half is used."""
        now_ms = self._clock.now_ms()
        if not self._begins_ms <= now_ms < self._ends_ms:
            self._turn(Window.at(now_ms, self._window))
        if by.id:
            self._add(self._token, by.credential, now_ms)
            self._add(self._account, by.id, now_ms)
        self._add(self._address, neighbourhood(by.address), now_ms)

    def require_room(self, address: str) -> None:
        """Raise `TooManyRequests` if the next request of the address is one too many."""
        now_ms, counts = self._clock.now_ms(), self._address
        if not self._begins_ms <= now_ms < self._ends_ms:
            self._turn(Window.at(now_ms, self._window))
        key = self._known_or_shared(counts, neighbourhood(address))
        before, counted = counts.before.get(key, 0), counts.now.get(key, 0) + 1
        if before + counted <= counts.most:
            return
        allowance = self._judged(counts, WindowCounts(before, counted), now_ms)
        if allowance.is_exceeded:
            raise TooManyRequests(allowance)

    def waiting(self) -> Iterator[RateLimitWait]:
        """Yield those whose next request is refused; each caller that is known is looked at."""
        now_ms = self._clock.now_ms()
        if not self._begins_ms <= now_ms < self._ends_ms:
            self._turn(Window.at(now_ms, self._window))
        for counts in (self._token, self._account, self._address):
            for key, counted in counts.now.items():
                tally = WindowCounts(counts.before.get(key, 0), counted + 1)
                next_one = self._judged(counts, tally, now_ms)
                if next_one.is_exceeded:
                    until_ms = now_ms + next_one.wait_ms
                    yield RateLimitWait(
                        RateLimitClass.READ, counts.subject, key, counts.most, until_ms
                    )

    def _add(self, counts: "_Counts", key: str, now_ms: int) -> None:
        if not key:
            return
        now, key = counts.now, self._known_or_shared(counts, key)
        now[key] = counted = now.get(key, 0) + 1
        if counted + counts.before.get(key, 0) > counts.half:
            self._judge(counts, key, now_ms)

    def _known_or_shared(self, counts: "_Counts", key: str) -> str:
        is_one_too_many = key not in counts.now and len(counts.now) >= self._most_callers
        return _OTHERS if is_one_too_many else key

    def _judge(self, counts: "_Counts", key: str, now_ms: int) -> None:
        tally = WindowCounts(counts.before.get(key, 0), counts.now[key])
        allowance = self._judged(counts, tally, now_ms)
        if allowance.is_exceeded:
            counts.now[key] -= 1  # What is refused is not counted.
        _require(allowance)

    def _judged(self, counts: "_Counts", tally: WindowCounts, now_ms: int) -> RateLimitAllowance:
        return check_limit(
            counts.most,
            tally,
            Window.at(now_ms, self._window),
            operation=RateLimitClass.READ,
            subject=counts.subject,
        )

    def _turn(self, window: Window) -> None:
        """Begin a window, and forget the one before the last."""
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
        self.half = most // 2  # Who uses less is not told, and costs two look-ups.
        self.before: dict[str, int] = {}
        self.now: dict[str, int] = {}


def _mark_of_failure(tallying: _Tallying, address: str, credential: str) -> Counter:
    """Return what counts a credential once a window, by a hash of it."""
    window = tallying.window
    key = hash_secret(f"{neighbourhood(address)}\n{window.number}\n{credential}")
    return Counter(_FAILED, key, (window.number + 1) * window.length_ms)


def _at(address: str) -> RateLimitKeys:
    return RateLimitKeys(address=neighbourhood(address))


def _wait(name: str, until_ms: int, allowance: RateLimitAllowance) -> RateLimitWait:
    _, _, key = name.split(":", 2)
    return RateLimitWait(allowance.operation, allowance.subject, key, allowance.limit, until_ms)


def _require(allowance: RateLimitAllowance) -> None:
    if allowance.is_exceeded:
        raise TooManyRequests(allowance)
    notes = rate_limit_headers.get()
    if notes is not None:
        notes.append(allowance)


BURST_WINDOW = timedelta(minutes=10)
# A window begins every five minutes, so each burst of five minutes is whole in one of them.
_STEP_MS = BURST_WINDOW // timedelta(milliseconds=2)

BURST_REASON = (
    "it came with many other packages within minutes, so an owner has to say that it is meant"
)

REMEMBERED = 10_000  # Packages that a process knows to be counted; about 2 MB.

_PACKAGE, _PRINCIPAL = "brake-package", "brake"

# The number of a principal holds both counts, so that the store is asked for one: releases below,
# packages above. Nobody makes a million releases in ten minutes.
_ONE_RELEASE, _ONE_PACKAGE = 1, 1 << 20


def _publisher(by: Principal) -> str:
    """Return who publishes: a pipeline is one, whichever of its tokens it uses, and a token of an
    organization is the person who made it.

    A pipeline is known by the number that asked for its token, on the server that ran it: names of
    repositories can be missing, and be those of others. The operator is no person, so what they
    made counts for its organization.
    """
    source = by.provenance
    if source is not None:
        server = urlsplit(source.run_url).netloc
        return f"{source.provider}:{server}:{by.maker or source.repository}"
    return by.id if by.maker in ("", OPERATOR_ID) else by.maker


def _name(*parts: str) -> str:
    """Return a key that every store takes."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
