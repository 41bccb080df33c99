"""The audit of an archive: whether it is as the record of its release says."""

from msgspec import Struct

from shared.domain.archives.bala import Bala
from shared.domain.archives.digests import Digest
from shared.domain.errors.base import Refusal
from shared.domain.errors.packages import ArchiveLost
from shared.domain.packages import ArchiveFacts, Release
from shared.domain.principals import ANONYMOUS
from shared.domain.release_states import State
from shared.domain.releases import new_release
from shared.ports.archive_store import ArchiveStore
from shared.services.packages.archive_reader import ArchiveReader

FACTS = sorted(ArchiveFacts.model_fields)


class ArchiveAudit(Struct, frozen=True):
    """Compares stored archives with the records of their releases; changes nothing."""

    archives: ArchiveStore
    archive_reader: ArchiveReader

    async def problems_of(self, release: Release) -> list[str]:
        """Read the archive of a release; return a sentence for each difference from its record."""
        if release.state is State.REMOVED:
            return []
        remedy = f"Bring it back: ballroom restore --release {release.coordinate} --from BACKUP"
        try:
            content = await self.archives.read(release.archive)
            if Digest.of(content) != release.archive_digest:
                return [f"{release.coordinate}: the stored archive has another digest. {remedy}."]
            return _differences(release, await self.archive_reader.of(release).read(content))
        except ArchiveLost:
            if release.upstream is None:
                remedy = f"{remedy}, or push the same archive again"
            return [f"{release.coordinate}: its archive is missing. {remedy}."]
        except Refusal as refusal:
            return [f"{release.coordinate}: its archive cannot be read: {refusal}"]


def _differences(release: Release, bala: Bala) -> list[str]:
    """Return the differences between a record and its archive, a sentence each.

    Facts that the record does not know, as earlier versions wrote it without them, are passed over.
    """
    again = new_release(bala, by=ANONYMOUS, now_ms=release.created_ms)
    if release.upstream is not None:
        tools = tuple(each for each in again.tools if each not in release.upstream.without_tools)
        again = again.model_copy(update={"tools": tools})
    return [
        f"{release.coordinate}: {field} is recorded as {getattr(release, field)!r}, "
        f"but the archive says {getattr(again, field)!r}."
        for field in FACTS
        if field in release.model_fields_set and getattr(release, field) is not None
        if getattr(release, field) != getattr(again, field)
    ]
