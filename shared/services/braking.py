"""Braking: who publishes many packages within minutes is a worm, or has to say that they are not.

Different packages are counted for all instances together: each package has a mark for the windows
that hold the moment, and the principal a number for each of them. A process knows which marks it
has set, so that a push is one call; a mark that another process has set is taken back.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.auth.recent import Recent
from shared.domain.identity import Principal
from shared.domain.names import Package
from shared.ports import Clock, Counter, WorkStore

BRAKE_WINDOW = timedelta(minutes=10)
# A window begins every five minutes, so each burst of five minutes is whole in one of them.
_STEP_MS = BRAKE_WINDOW // timedelta(milliseconds=2)

BURST = "it came with many other packages within minutes, so an owner has to say that it is meant"

REMEMBERED = 10_000  # Packages that a process knows to be counted; about 2 MB.

_PACKAGE, _PRINCIPAL = "brake-package", "brake"


@dataclass(frozen=True, slots=True)
class Marks:
    """What a push counts: by window, whether its package is new there, and how many there are."""

    counters: tuple[Counter, ...]

    def distinct(self, totals: Sequence[int]) -> int:
        """Return how many different packages the principal published, in the fuller window."""
        pairs = zip(self._counted_twice(totals), totals[1::2], strict=True)
        return max(total - len(twice) for twice, total in pairs)

    def repeats(self, totals: Sequence[int]) -> list[Counter]:
        """Return what takes back a package that another process had counted."""
        return [counter for twice in self._counted_twice(totals) for counter in twice]

    def _counted_twice(self, totals: Sequence[int]) -> list[list[Counter]]:
        windows = zip(self.counters[1::2], totals[::2], strict=True)
        return [
            [replace(principal, amount=-1)] if marks > 1 and principal.amount else []
            for principal, marks in windows
        ]


class Braking:
    """Tells a burst of different packages."""

    def __init__(self, work: WorkStore, clock: Clock, packages: int) -> None:
        """Take `packages` of one principal within ten minutes for no burst."""
        self._work = work
        self._clock = clock
        self._packages = packages
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
        return marks.distinct(totals) > self._packages

    def _pair(self, pushed: str, principal: str, window: int) -> Iterable[Counter]:
        ends_ms = (window + 2) * _STEP_MS
        amount = 0 if self._marked.get(pushed) else 1
        yield Counter(_PACKAGE, pushed, ends_ms, amount)
        yield Counter(_PRINCIPAL, principal, ends_ms, amount)


def _publisher(by: Principal) -> str:
    """Return who publishes: a pipeline is one, whichever of its tokens it uses."""
    source = by.provenance
    return f"{source.provider}:{source.repository}" if source else by.id


def _name(*parts: str) -> str:
    """Return a key that every store takes."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
