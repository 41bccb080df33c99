"""Moderation: withholding releases, for a while or for ever, over every face."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from shared.auth.administration import Administration
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
from shared.services.moderation_news import ModerationNews
from shared.services.reporting import BATCH

_DECIDED = {"awaits_owner": False}  # What an operator decides on, no owner gives back.

# What an administrator does to bring a release into a state.
VERBS = {
    State.HELD: "hold",
    State.QUARANTINED: "quarantine",
    State.LIVE: "release",
    State.REMOVED: "remove",
}


@dataclass(frozen=True)
class Moderation:
    """Changes the state of releases.

    Administrators do, who signed in a moment ago, and the operator. Owners confirm only what was
    held for them to see.
    """

    authorization: Authorization
    administration: Administration
    metadata: MetadataStore
    deriving: Deriving
    news: ModerationNews
    clock: Clock

    async def find(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Return the release, whatever its state, or raise `ReleaseNotFound`."""
        await self.administration.require(by, "look at", str(coordinate))
        return await self._find(coordinate)

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
            release = await self._find(coordinate)
            if release.state is State.LIVE:
                return release
            if release.state is not State.HELD or not release.awaits_owner:
                raise NotAwaited(coordinate)
            confirmed = self._decided(release, "release.confirmed", State.LIVE, by=by)
            return await self.metadata.replace_release(confirmed)

        release = await until_fresh(attempt)
        await self.deriving.changed(release)
        return release

    async def _held(self, org: OrgName) -> AsyncGenerator[Release]:
        async for package in self._packages(org):
            [survey] = await self.metadata.survey([package])
            for entry in survey.entries if survey else ():
                if entry.state is State.HELD:
                    yield await self._find(package.at(entry.parsed))

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

    async def _find(self, coordinate: Coordinate) -> Release:
        found = await self.metadata.find(coordinate)
        if found.release is None:
            raise ReleaseNotFound(coordinate.package, coordinate.version)
        return found.release

    async def _move(
        self, coordinate: Coordinate, state: State, reason: str, by: Principal
    ) -> Release:
        await self.administration.require_fresh(by, VERBS[state], str(coordinate))

        async def attempt() -> tuple[Release, bool]:
            release = await self._find(coordinate)
            if release.state is state and not release.awaits_owner:
                return release, False
            if release.state is State.REMOVED:
                raise RemovedForGood(coordinate)
            moved = self._decided(release, f"release.{state.value}", state, reason, by=by)
            return await self.metadata.replace_release(moved), True

        release, is_new = await until_fresh(attempt)
        try:
            await self.deriving.changed(release)
        finally:  # It counts from now on, wherever it is listed.
            if is_new:
                await self.news.tell(release)
        return release

    def _decided(
        self, release: Release, kind: str, state: State, reason: str = "", *, by: Principal
    ) -> Release:
        now_ms = self.clock.now_ms()
        moved = changed(release, kind, by=by, now_ms=now_ms, state=state, state_reason=reason)
        return moved.model_copy(update=_DECIDED)
