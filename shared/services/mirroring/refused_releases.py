"""The list of refused releases of upstreams, incidents first, for operators."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from shared.domain.mirror_overview import RefusedNote, refused_place
from shared.domain.mirroring import UpstreamRelease
from shared.domain.names import release_place
from shared.domain.records import Place
from shared.ports import DirectoryStore, Stale
from shared.services.records import ListPage, entity_page


@dataclass(frozen=True)
class RefusedReleases:
    """Keeps and reads the list; every call may be repeated.

    A process that ends before the list is written leaves a release out, until the task
    `count-mirrored-packages` lists it. Whether a release is refused depends on its record alone.
    """

    directory: DirectoryStore

    async def update(self, release: UpstreamRelease) -> None:
        """List or unlist a release whose record was just written."""
        for is_incident in (False, True):
            place = refused_place(release.coordinate, is_incident=is_incident)
            await self._update(release, place, is_incident=is_incident)

    async def _update(self, release: UpstreamRelease, place: Place, *, is_incident: bool) -> None:
        listed = await self.directory.get(RefusedNote, place)
        is_wanted = bool(release.refused_because) and release.is_incident == is_incident
        if is_wanted and listed is None:
            await self.directory.put(RefusedNote.of(release))
        elif listed is not None and not is_wanted:
            with suppress(Stale):  # Another process has removed it.
                await self.directory.remove(listed)

    async def page(self, after: str, count: int) -> ListPage[UpstreamRelease]:
        """Return up to `count` refused releases after the place `after`, as `next` of the page
        before names it; empty is the first page. The cost does not grow with their number."""
        owner, _, key = after.partition(" ")
        found = await entity_page(self.directory, RefusedNote, Place(owner, key), count)
        releases = await asyncio.gather(*(self._refused(each) for each in found.entities))
        last = found.entities[-1].place if found.is_more else None
        following = f"{last.owner} {last.key}" if last else ""
        return ListPage(tuple(filter(None, releases)), following)

    async def unlist(self, note: RefusedNote) -> None:
        """Remove the note of a release that is not refused, or not in that way."""
        if await self._refused(note) is None:
            with suppress(Stale):
                await self.directory.remove(note)

    async def _refused(self, note: RefusedNote) -> UpstreamRelease | None:
        release = await self.directory.get(UpstreamRelease, release_place(note.coordinate))
        is_right = release and release.refused_because and release.is_incident == note.is_incident
        return release if is_right else None
