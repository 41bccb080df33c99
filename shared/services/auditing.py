"""Auditing: checking that what is stored is what was published."""

from dataclasses import dataclass

from shared.domain.bala import Bala
from shared.domain.digest import Digest
from shared.domain.errors import NotFound, Refusal
from shared.domain.identity import ANONYMOUS
from shared.domain.package import Head, Release, State
from shared.domain.release import new_release
from shared.ports import ArchiveStore, MetadataStore
from shared.services.reading import Reading
from shared.services.reporting import Report
from shared.services.walking import Walking

# What happened to a release since it was read from its archive; all other fields are facts of it.
HISTORY = {
    "created_ms", "changed_ms", "origin", "state", "state_reason", "awaits_owner", "deprecation",
    "revision", "outbox",
}  # fmt: skip
FACTS = sorted(set(Release.model_fields) - HISTORY)
FACTS_BEFORE = sorted({*FACTS} - {"modules", "internal_modules"})  # Until `mend` told them apart.


@dataclass(frozen=True)
class Auditing:
    """Reads archives again and compares them with their records."""

    metadata: MetadataStore
    archives: ArchiveStore
    reading: Reading
    walking: Walking

    async def run(self) -> Report:
        """Audit releases, as many as one night takes; each problem is a sentence."""
        seen, problems = 0, list[str]()

        async def visit(head: Head) -> None:
            nonlocal seen
            for release in await self.metadata.releases(head.package):
                seen += 1
                problems.extend(await self._problems(release))

        finished = await self.walking.over_packages("audit", visit)
        return Report("audit", seen, 0, tuple(problems), unfinished=not finished)

    async def _problems(self, release: Release) -> list[str]:
        if release.state is State.REMOVED:
            return []
        try:
            content = await self.archives.read(release.archive)
            if Digest.of(content) != release.content:
                return [f"{release.coordinate}: the stored archive has another digest."]
            return _differences(release, await self.reading.read(content))
        except NotFound:
            return [f"{release.coordinate}: its archive is missing."]
        except Refusal as refusal:
            return [f"{release.coordinate}: its archive cannot be read: {refusal}"]


def _differences(release: Release, bala: Bala) -> list[str]:
    """Name the facts of the record that the archive does not say."""
    again = new_release(bala, by=ANONYMOUS, now_ms=release.created_ms)
    facts = FACTS if release.internal_modules is not None else FACTS_BEFORE
    return [
        f"{release.coordinate}: {field} is recorded as {getattr(release, field)!r}, "
        f"but the archive says {getattr(again, field)!r}."
        for field in facts
        if getattr(release, field) != getattr(again, field)
    ]
