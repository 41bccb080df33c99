"""Gone releases: the upstream no longer has them, they are still served here, and administrators
decide on each."""

from msgspec import Struct

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.coordinates import Coordinate, release_place
from shared.domain.principals import Principal
from shared.domain.release_states import State
from shared.domain.upstream_withdrawals import (
    GONE,
    GoneRelease,
    UpstreamWithdrawal,
    release_not_gone,
)
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.publishing.moderation import Moderation

_WHAT = "the releases that are gone at their upstream"


class GoneReleases(Struct, frozen=True):
    """Shows administrators the releases that their upstream no longer has and that are served here,
    and stores what they decide about each."""

    registry_authorization: RegistryAuthorization
    metadata: MetadataStore
    directory: DirectoryStore
    moderation: Moderation
    audited_writer: AuditedWriter

    async def list(self, *, by: Principal) -> list[GoneRelease]:
        """Return the gone releases that nobody has decided on, the newest first."""
        await self.registry_authorization.require_auditor(by, "look at", _WHAT)
        listed = await self.directory.list_by_subject(GoneRelease, GONE)
        found = [(each, await self.metadata.find(each.coordinate)) for each in listed]
        served = [e for e, at in found if at.release and at.release.state is State.LIVE]
        return sorted(served, key=lambda each: (-each.since_ms, each.place))

    async def keep(self, coordinate: Coordinate, *, by: Principal) -> None:
        """Keep serving a release, and remove it from this list."""
        await self.registry_authorization.require(by, "decide on", _WHAT)
        await self._decide(coordinate, "mirror.kept", by)

    async def withhold(self, coordinate: Coordinate, *, by: Principal) -> None:
        """Quarantine a release, because its upstream no longer has it."""
        await self.registry_authorization.require_fresh(by, "decide on", _WHAT)
        gone = await self._require(coordinate)
        reason = f"The upstream registry {gone.upstream} no longer has it: {gone.reason_clause}."
        public = None
        if gone.why:
            told = UpstreamWithdrawal(coordinate, "", gone.why, gone.is_final)
            public = told.public_reason(gone.upstream)
        await self.moderation.quarantine(coordinate, reason, public, by=by)
        await self._decide(coordinate, "mirror.withheld", by)

    async def _require(self, coordinate: Coordinate) -> GoneRelease:
        known = await self.directory.get(GoneRelease, release_place(coordinate))
        if known is None:
            raise release_not_gone(coordinate)
        return known

    @retried_when_stale
    async def _decide(self, coordinate: Coordinate, kind: str, by: Principal) -> None:
        known = await self._require(coordinate)
        if known.decided_by:
            return
        details = {"upstream": known.upstream, "reason": known.reason_clause}
        change = EntityChange(
            kind, str(coordinate), org=coordinate.package.org.lower(), details=details
        )
        decided = known.model_copy(update={"decided_by": by.id})
        await self.audited_writer.replace(decided, change=change, by=by)
