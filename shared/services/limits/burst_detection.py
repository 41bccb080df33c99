"""Burst detection: whether a publisher pushes so much in ten minutes that its releases are held."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.coordinates import Package
from shared.domain.principals import OPERATOR_ID, Principal
from shared.domain.sentences import counted
from shared.ports.system import Clock
from shared.ports.work import Counter, WorkStore
from shared.runtime.lru_cache import LruCache

BURST_WINDOW = timedelta(minutes=10)
MAX_PACKAGES_CACHED = 10_000  # Packages that a process knows to be counted; about 2 MB.

# A window begins every five minutes, so each burst of five minutes is whole in one of them.
_STEP_MS = BURST_WINDOW // timedelta(milliseconds=2)
# The stored kinds of the counters of bursts.
_PACKAGE = "brake-package"
_PRINCIPAL = "brake"

# The counter of a principal holds both counts, so that the store is asked for one: releases below,
# packages above. Nobody makes a million releases in ten minutes.
_ONE_RELEASE = 1
_ONE_PACKAGE = 1 << 20


class BurstCounters(Struct, frozen=True):
    """The counters of a push: for each window that of its package, then that of its principal.

    `totals`, where a method takes them, are the values of the counters in the same order.
    """

    counters: tuple[Counter, ...]

    def packages(self, totals: Sequence[int]) -> int:
        """Return how many different packages the principal published, in the fuller window."""
        pairs = zip(self._counted_twice(totals), totals[1::2], strict=True)
        return max(total // _ONE_PACKAGE - len(twice) for twice, total in pairs)

    def releases(self, totals: Sequence[int]) -> int:
        """Return how many releases the principal published, in the fuller window."""
        return max(total % _ONE_PACKAGE for total in totals[1::2])

    def corrections(self, totals: Sequence[int]) -> list[Counter]:
        """Return the counters that subtract a package that another process had counted."""
        return [counter for twice in self._counted_twice(totals) for counter in twice]

    def _counted_twice(self, totals: Sequence[int]) -> list[list[Counter]]:
        windows = zip(self.counters[1::2], totals[::2], strict=True)
        return [
            [replace(principal, amount=-_ONE_PACKAGE)]
            if times > 1 and principal.amount > _ONE_RELEASE
            else []
            for principal, times in windows
        ]


class BurstDetection:
    """Tells whether a push is one of a burst of different packages, or of releases."""

    def __init__(
        self, work: WorkStore, clock: Clock, most_packages: int, most_releases: int
    ) -> None:
        """Allow one principal `most_packages` and `most_releases` within `BURST_WINDOW`."""
        self._work = work
        self._clock = clock
        self._packages = most_packages
        self._releases = most_releases
        self._counted = LruCache[str, bool](MAX_PACKAGES_CACHED)

    def counters(self, by: Principal, package: Package) -> BurstCounters:
        """Return the counters of a push of the package at this time."""
        step = self._clock.now_ms() // _STEP_MS
        publisher = _publisher(by)
        principal_key = _key(publisher)
        package_key = _key(publisher, package.key)
        return BurstCounters(
            tuple(
                counter
                for window in (step - 1, step)
                for counter in self._pair(
                    f"{package_key}:{window}", f"{principal_key}:{window}", window
                )
            )
        )

    async def excess(self, burst: BurstCounters, totals: Sequence[int]) -> str:
        """Return how many packages or releases exceed a limit, with these totals of the counters.

        That is a text such as "21 packages"; it is empty if the push is not one too many.
        """
        for counter in burst.counters[::2]:
            self._counted.put(counter.key, True)
        if corrections := burst.corrections(totals):
            await self._work.count(corrections, self._clock.now_ms())
        if (packages := burst.packages(totals)) > self._packages:
            return counted(packages, "package")
        releases = burst.releases(totals)
        return counted(releases, "release") if releases > self._releases else ""

    def _pair(self, package_key: str, principal_key: str, window: int) -> Iterable[Counter]:
        ends_ms = (window + 2) * _STEP_MS
        is_new = not self._counted.get(package_key)
        yield Counter(_PACKAGE, package_key, ends_ms, int(is_new))
        amount = _ONE_RELEASE + (_ONE_PACKAGE if is_new else 0)
        yield Counter(_PRINCIPAL, principal_key, ends_ms, amount)


def _publisher(by: Principal) -> str:
    """Return who publishes: the same for all tokens of a CI pipeline, and for an organization's
    token the person who created it.

    A pipeline is identified by the id that requested its token, on the server that ran it: names of
    repositories can be missing, and can belong to others later. The operator is no person, so a
    token that they created counts for its organization.
    """
    source = by.provenance
    if source is not None:
        server = urlsplit(source.run_url).netloc
        return f"{source.provider}:{server}:{by.token_creator or source.repository}"
    return by.id if by.token_creator in ("", OPERATOR_ID) else by.token_creator


def _key(*parts: str) -> str:
    """Return a key that every store accepts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
