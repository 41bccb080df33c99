"""Moderation: withholding releases, for a while or for ever, over every face."""

from dataclasses import dataclass

from shared.domain.errors import ReleaseNotFound, RemovedForGood
from shared.domain.identity import Principal
from shared.domain.names import Coordinate
from shared.domain.package import Release, State
from shared.domain.release import changed
from shared.ports import Clock, MetadataStore
from shared.services.changing import until_fresh
from shared.services.deriving import Deriving


@dataclass(frozen=True)
class Moderation:
    """Changes the state of releases; its callers are operators, and checked where they come in."""

    metadata: MetadataStore
    deriving: Deriving
    clock: Clock

    async def find(self, coordinate: Coordinate) -> Release:
        """Return the release, whatever its state, or raise `ReleaseNotFound`."""
        found = await self.metadata.find(coordinate)
        if found.release is None:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        return found.release

    async def hold(self, coordinate: Coordinate, reason: str, *, by: Principal) -> Release:
        """Withhold a release until somebody confirms it."""
        return await self._move(coordinate, State.HELD, reason, by)

    async def quarantine(self, coordinate: Coordinate, reason: str, *, by: Principal) -> Release:
        """Withhold a release that may do harm."""
        return await self._move(coordinate, State.QUARANTINED, reason, by)

    async def restore(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Serve a held or quarantined release again."""
        return await self._move(coordinate, State.LIVE, "", by)

    async def remove(self, coordinate: Coordinate, reason: str, *, by: Principal) -> Release:
        """Withdraw a release for ever; its version is never free again."""
        return await self._move(coordinate, State.REMOVED, reason, by)

    async def _move(
        self, coordinate: Coordinate, state: State, reason: str, by: Principal
    ) -> Release:
        async def attempt() -> Release:
            release = await self.find(coordinate)
            if release.state is state:
                return release
            if release.state is State.REMOVED:
                raise RemovedForGood(coordinate)
            return await self.metadata.replace_release(
                changed(
                    release,
                    f"release.{state.value}",
                    by=by,
                    now_ms=self.clock.now_ms(),
                    state=state,
                    state_reason=reason,
                )
            )

        release = await until_fresh(attempt)
        await self.deriving.changed(release)
        return release
