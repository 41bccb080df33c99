"""The results of recovery drills: the last one, and the last one that found everything whole."""

from datetime import timedelta

from msgspec import Struct

from shared.domain.drills import Drill, DrillOutcome
from shared.domain.times import MS
from shared.ports.system import Clock
from shared.ports.work import WorkStore

RESULTS_KEPT_FOR = timedelta(days=3 * 365)  # Audits ask for those of the last years.

_KIND = "recovery-drill"
_LAST = "last"
_LAST_WHOLE = "last-whole"


class RecoveryDrills(Struct, frozen=True):
    """Keeps the results of drills in the registry whose copy was restored."""

    work: WorkStore
    clock: Clock

    async def save(self, drill: Drill) -> None:
        """Store the result of a drill; a repeat changes nothing."""
        until_ms = self.clock.now_ms() + RESULTS_KEPT_FOR // MS
        text = drill.model_dump_json()
        if drill.outcome is DrillOutcome.WHOLE:
            await self.work.put(_KIND, _LAST_WHOLE, text, until_ms)
        await self.work.put(_KIND, _LAST, text, until_ms)

    async def last_drill(self) -> Drill | None:
        """Return the result of the last drill, whatever it found; None if there was none."""
        return await self._read(_LAST)

    async def last_whole_drill(self) -> Drill | None:
        """Return the result of the last drill that found nothing wrong; None if there was none."""
        return await self._read(_LAST_WHOLE)

    async def _read(self, key: str) -> Drill | None:
        text = await self.work.peek(_KIND, key, self.clock.now_ms())
        return None if text is None else Drill.model_validate_json(text)
