"""The list of withheld releases that administrators read."""

from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct

from shared.domain.coordinates import Package, package_owner, release_place
from shared.domain.packages import Release
from shared.domain.release_states import State
from shared.domain.withheld_notes import WithheldNote, is_state_change_pending
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore


class WithheldReleases(Struct, frozen=True):
    """Keeps the list of withheld releases that administrators read; every call may be repeated.

    Whether a release is served depends only on its record.
    """

    directory: DirectoryStore
    metadata: MetadataStore

    async def update(self, release: Release) -> None:
        """List or unlist a release that was just changed; most changes cost nothing.

        Another change may happen meanwhile, so the release is read again until it is unchanged.
        """
        if release.state is State.LIVE and not is_state_change_pending(release):
            return
        listed: Release | None = None
        while listed is None or listed.revision != release.revision:
            await self._list(release)
            listed = release
            release = (await self.metadata.find(release.coordinate)).release or listed

    async def rebuild(self, package: Package, releases: Sequence[Release]) -> bool:
        """List the withheld releases of the package; return whether that changed the list."""
        found = await self.directory.list_by_owner(WithheldNote, package_owner(package))
        notes = {each.version: each for each in found}
        wanted = {
            each.version: WithheldNote.of(each, _decided_by(notes.get(each.version), each))
            for each in releases
            if each.state is not State.LIVE
        }
        for version in notes.keys() - wanted.keys():
            await self._remove(notes[version])
        for version, note in wanted.items():
            if notes.get(version) != note:
                await self.directory.put(note)
        return notes != wanted

    async def _list(self, release: Release) -> None:
        note = await self.directory.get(WithheldNote, release_place(release.coordinate))
        if release.state is not State.LIVE:
            await self.directory.put(WithheldNote.of(release, _decided_by(note, release)))
        elif note:
            await self._remove(note)

    async def _remove(self, note: WithheldNote) -> None:
        with suppress(Stale):  # Another process has removed it.
            await self.directory.remove(note)


def _decided_by(note: WithheldNote | None, release: Release) -> str:
    """Return who decided on the state of a release; empty if the record does not say it."""
    if note is None:
        return ""
    is_same = (note.state, note.since_ms) == (release.state, release.changed_ms)
    return note.by if is_same or note.of_revision == release.revision else ""
