"""Reads archives again and compares them with their records."""

from dataclasses import dataclass

from shared.domain.archives.bala import Bala
from shared.domain.archives.names import Digest
from shared.domain.errors.base import NotFound, Refusal
from shared.domain.identity import ANONYMOUS
from shared.domain.packages import ArchiveFacts, Head, Release, State
from shared.domain.releases import new_release
from shared.domain.task_runs import TaskReport
from shared.ports import ArchiveStore, MetadataStore
from shared.services.maintenance.checkpoints import Checkpoints
from shared.services.maintenance.task import Task
from shared.services.packages.archive_reader import ArchiveReader

FACTS = sorted(ArchiveFacts.model_fields)
# Of an older record, which `repair-derived-data` has not updated yet.
FACTS_BEFORE = sorted({*FACTS} - {"modules", "internal_modules"})


@dataclass(frozen=True)
class AuditArchives(Task):
    id = "audit-archives"
    title = "Audit archives"
    sentence = "Reads every archive and reports releases whose record does not match."
    schedule = "0 40 3 * * *"

    metadata: MetadataStore
    archives: ArchiveStore
    archive_reader: ArchiveReader
    checkpoints: Checkpoints

    async def run(self) -> TaskReport:
        """Audit as many releases as fit in one run; each problem is a sentence."""
        seen, problems = 0, list[str]()

        async def visit(head: Head) -> None:
            nonlocal seen
            for release in await self.metadata.releases(head.package):
                seen += 1
                problems.extend(await self._problems(release))

        finished = await self.checkpoints.visit_packages(self, visit)
        return TaskReport(seen, 0, tuple(problems), unfinished=not finished)

    async def _problems(self, release: Release) -> list[str]:
        if release.state is State.REMOVED or release.is_dropped:
            return []
        try:
            content = await self.archives.read(release.archive)
            if Digest.of(content) != release.content:
                return [f"{release.coordinate}: the stored archive has another digest."]
            return _differences(release, await self.archive_reader.of(release).read(content))
        except NotFound:
            return [f"{release.coordinate}: its archive is missing."]
        except Refusal as refusal:
            return [f"{release.coordinate}: its archive cannot be read: {refusal}"]


def _differences(release: Release, bala: Bala) -> list[str]:
    """Return the differences between a record and its archive, a sentence each."""
    again = new_release(bala, by=ANONYMOUS, now_ms=release.created_ms)
    if release.upstream is not None:
        tools = tuple(each for each in again.tools if each not in release.upstream.without_tools)
        again = again.model_copy(update={"tools": tools})
    facts = FACTS if release.internal_modules is not None else FACTS_BEFORE
    return [
        f"{release.coordinate}: {field} is recorded as {getattr(release, field)!r}, "
        f"but the archive says {getattr(again, field)!r}."
        for field in facts
        if getattr(release, field) != getattr(again, field)
    ]
