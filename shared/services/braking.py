"""Braking: who publishes many packages or releases within minutes is a worm, or has to say that
they are not.

Different packages and all releases are counted for all instances together: each package has a mark
for the windows that hold the moment, and the principal a number for each of them. A process knows
which marks it has set, so that a push is one call; a mark that another process has set is taken
back.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from shared.auth.recent import Recent
from shared.domain.identity import OPERATOR_ID, Principal
from shared.domain.names import Package
from shared.ports import Clock, Counter, WorkStore

BRAKE_WINDOW = timedelta(minutes=10)
# A window begins every five minutes, so each burst of five minutes is whole in one of them.
_STEP_MS = BRAKE_WINDOW // timedelta(milliseconds=2)

BURST = "it came with many other packages within minutes, so an owner has to say that it is meant"

REMEMBERED = 10_000  # Packages that a process knows to be counted; about 2 MB.

_PACKAGE, _PRINCIPAL = "brake-package", "brake"

# The number of a principal holds both counts, so that the store is asked for one: releases below,
# packages above. Nobody makes a million releases in ten minutes.
_ONE_RELEASE, _ONE_PACKAGE = 1, 1 << 20


@dataclass(frozen=True, slots=True)
class Marks:
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

    def repeats(self, totals: Sequence[int]) -> list[Counter]:
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


class Braking:
    """Tells a burst of different packages, or of releases."""

    def __init__(self, work: WorkStore, clock: Clock, packages: int, releases: int) -> None:
        """Take so many packages and releases of one principal within ten minutes for no burst."""
        self._work = work
        self._clock = clock
        self._packages = packages
        self._releases = releases
        self._marked = Recent[bool](REMEMBERED)

    def marks(self, by: Principal, package: Package) -> Marks:
        """Return what a push of the package counts now."""
        step = self._clock.now_ms() // _STEP_MS
        publisher = _publisher(by)
        principal = _name(publisher)
        pushed = _name(publisher, package.key)
        return Marks(
            tuple(
                each
                for window in (step - 1, step)
                for each in self._pair(f"{pushed}:{window}", f"{principal}:{window}", window)
            )
        )

    async def is_burst(self, marks: Marks, totals: Sequence[int]) -> bool:
        """Say whether the push that counted these totals is one of too many."""
        for mark in marks.counters[::2]:
            self._marked.put(mark.key, True)
        if repeats := marks.repeats(totals):
            await self._work.count(repeats, self._clock.now_ms())
        is_wide = marks.packages(totals) > self._packages
        return is_wide or marks.releases(totals) > self._releases

    def _pair(self, pushed: str, principal: str, window: int) -> Iterable[Counter]:
        ends_ms = (window + 2) * _STEP_MS
        is_new = not self._marked.get(pushed)
        yield Counter(_PACKAGE, pushed, ends_ms, int(is_new))
        amount = _ONE_RELEASE + (_ONE_PACKAGE if is_new else 0)
        yield Counter(_PRINCIPAL, principal, ends_ms, amount)


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
