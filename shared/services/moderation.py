"""Moderation: withholding releases, for a while or for ever, over every face."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.domain.errors import NotAwaited, ReleaseNotFound, RemovedForGood
from shared.domain.identity import Principal
from shared.domain.names import Coordinate, OrgName, Package
from shared.domain.package import Release, State
from shared.domain.release import changed
from shared.domain.rights import Action
from shared.ports import Clock, MetadataStore
from shared.services.changing import until_fresh
from shared.services.deriving import Deriving
from shared.services.reporting import BATCH

_DECIDED = {"awaits_owner": False}  # What an operator decides on, no owner gives back.


@dataclass(frozen=True)
class Moderation:
    """Changes the state of releases.

    Operators are checked where they come in; owners here, and they confirm only what was held for
    them to see.
    """

    authorization: Authorization
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

    async def awaiting(self, org: OrgName, *, by: Principal) -> list[Release]:
        """Return the organization's releases that wait for an owner, in order of package."""
        await self.authorization.require(by, Action.MANAGE, org)
        return [each async for each in self._held(org) if each.awaits_owner]

    async def confirm(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Publish a release that waits for an owner, who signed in a moment ago.

        Raises `NotAwaited`; a repeat finds the release as it is.
        """
        await self.authorization.require(by, Action.GOVERN, coordinate.package.org)

        async def attempt() -> Release:
            release = await self.find(coordinate)
            if release.state is State.LIVE:
                return release
            if release.state is not State.HELD or not release.awaits_owner:
                raise NotAwaited(coordinate)
            return await self.metadata.replace_release(_confirmed(release, by, self.clock.now_ms()))

        release = await until_fresh(attempt)
        await self.deriving.changed(release)
        return release

    async def _held(self, org: OrgName) -> AsyncGenerator[Release]:
        async for package in self._packages(org):
            [survey] = await self.metadata.survey([package])
            for entry in survey.entries if survey else ():
                if entry.state is State.HELD:
                    yield await self.find(package.at(entry.parsed))

    async def _packages(self, org: OrgName) -> AsyncGenerator[Package]:
        """Yield the packages of an organization; their keys follow each other."""
        prefix = f"{org.lower()}/"
        after = prefix
        while heads := await self.metadata.packages(after, BATCH):
            for head in heads:
                after = head.package.key
                if not after.startswith(prefix):
                    return
                yield head.package

    async def _move(
        self, coordinate: Coordinate, state: State, reason: str, by: Principal
    ) -> Release:
        async def attempt() -> Release:
            release = await self.find(coordinate)
            if release.state is state and not release.awaits_owner:
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
                ).model_copy(update=_DECIDED)
            )

        release = await until_fresh(attempt)
        await self.deriving.changed(release)
        return release


def _confirmed(release: Release, by: Principal, now_ms: int) -> Release:
    kind, live = "release.confirmed", State.LIVE
    confirmed = changed(release, kind, by=by, now_ms=now_ms, state=live, state_reason="")
    return confirmed.model_copy(update=_DECIDED)
