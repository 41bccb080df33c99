"""Censuses: what was counted last, for pages that may not count."""

from datetime import timedelta

from shared.domain.census import Census, Counted
from shared.domain.errors import Unavailable
from shared.ports import Clock, WorkStore

KEPT = timedelta(days=400)
SHOWN_AGAIN = timedelta(minutes=5)  # It changes each night.

_KIND, _KEY = "census", "last"
_MS = timedelta(milliseconds=1)


class Tally:
    """Adds up what something meets on its way through all there is."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.census = Census()

    def add(self, census: Census) -> None:
        """Count this as well."""
        self.census = self.census.plus(census)


class Censuses:
    """Remembers the last census, for all processes."""

    def __init__(self, work: WorkStore, clock: Clock) -> None:
        """Keep it beside the runs of tasks."""
        self._work = work
        self._clock = clock
        self._shown: Counted | None = None
        self._shown_ms: int | None = None

    async def note(self, census: Census) -> None:
        """Remember what was counted now."""
        now_ms = self._clock.now_ms()
        counted = Counted(census=census, at_ms=now_ms)
        await self._work.put(_KIND, _KEY, counted.model_dump_json(), now_ms + KEPT // _MS)

    async def last(self) -> Counted | None:
        """Return the last census, or None where nothing was counted yet."""
        noted = await self._work.peek(_KIND, _KEY, self._clock.now_ms())
        return None if noted is None else Counted.model_validate_json(noted)

    async def lately(self) -> Counted | None:
        """Return the last census as it was minutes ago, or None also where the store is silent."""
        now_ms = self._clock.monotonic_ms()
        if self._shown_ms is None or now_ms - self._shown_ms >= SHOWN_AGAIN // _MS:
            self._shown_ms = now_ms
            try:
                self._shown = await self.last()
            except Unavailable:
                return self._shown
        return self._shown
