"""Withholding: keeping the list of what is withheld true to the releases.

The list is for people who look through it. Whether a release is served is asked of its record.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from shared.domain.names import Package
from shared.domain.package import Release, State
from shared.domain.withheld import Withheld, is_moved, owner_of_withheld, place_of_withheld
from shared.ports import DirectoryStore, MetadataStore, Stale


@dataclass(frozen=True)
class Withholding:
    """Notes what is withheld; every call may be repeated."""

    directory: DirectoryStore
    metadata: MetadataStore

    async def follow(self, release: Release) -> None:
        """Note what a release that was just changed says; nothing is asked for most changes.

        Whoever changes it meanwhile may be overtaken, so it is read again until it stands.
        """
        if release.state is State.LIVE and not is_moved(release):
            return
        now: Release | None = release
        while now is not None:
            release = now
            await self._note(release)
            found = (await self.metadata.find(release.coordinate)).release
            now = found if found and found.revision != release.revision else None

    async def rebuild(self, package: Package, releases: Sequence[Release]) -> None:
        """Note again what all releases of the package say."""
        noted = await self._noted(package)
        wanted = _wanted(releases, noted)
        for version in noted.keys() - wanted.keys():
            await self._forget(noted[version])
        for version, each in wanted.items():
            if noted.get(version) != each:
                await self.directory.put(each)

    async def is_stale(self, package: Package, releases: Sequence[Release]) -> bool:
        """Say whether the list says anything else of the package than its releases."""
        noted = await self._noted(package)
        return noted != _wanted(releases, noted)

    async def _noted(self, package: Package) -> dict[str, Withheld]:
        found = await self.directory.of(Withheld, owner_of_withheld(package))
        return {each.version: each for each in found}

    async def _note(self, release: Release) -> None:
        noted = await self.directory.get(Withheld, place_of_withheld(release.coordinate))
        if release.state is not State.LIVE:
            await self.directory.put(Withheld.of(release, _by(noted, release)))
        elif noted:
            await self._forget(noted)

    async def _forget(self, noted: Withheld) -> None:
        with suppress(Stale):  # Somebody else did.
            await self.directory.remove(noted)


def _wanted(releases: Sequence[Release], noted: dict[str, Withheld]) -> dict[str, Withheld]:
    """Return what the list should say, with who decided as far as it says that now."""
    return {
        each.version: Withheld.of(each, _by(noted.get(each.version), each))
        for each in releases
        if each.state is not State.LIVE
    }


def _by(noted: Withheld | None, release: Release) -> str:
    return noted.by if noted and noted.of_revision == release.revision else ""
