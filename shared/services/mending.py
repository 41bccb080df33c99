"""Mending: deriving again what is not what the releases say, and only that."""

from dataclasses import dataclass

from shared.domain.digest import Digest
from shared.domain.errors import ArchiveNotFound, BadArchive, Refusal
from shared.domain.package import Entry, Head, Release, State, Texts
from shared.ports import ArchiveStore, DocumentStore, MetadataStore, Stale
from shared.services.deriving import Deriving
from shared.services.reading import Reading
from shared.services.reporting import Report
from shared.services.walking import Walking

NO_GRAPH = b"[]"


@dataclass(frozen=True)
class Mending:
    """Compares lists and documents with releases; `settle` does the same for what just changed."""

    metadata: MetadataStore
    documents: DocumentStore
    archives: ArchiveStore
    deriving: Deriving
    reading: Reading
    walking: Walking

    async def run(self) -> Report:
        """Look at packages, and mend what is stale; a release that cannot be read is a problem."""
        seen, mended, problems = 0, 0, list[str]()

        async def visit(head: Head) -> None:
            nonlocal seen, mended
            seen += 1
            try:
                mended += await self._mend(head)
            except Refusal as refusal:
                problems.append(f"{head.package}: {refusal}")

        finished = await self.walking.over_packages("mend", visit)
        return Report("mend", seen, mended, tuple(problems), unfinished=not finished)

    async def _mend(self, head: Head) -> bool:
        """Say whether anything of the package had to be derived again."""
        stored = await self.metadata.releases(head.package)
        releases = [await self._with_modules_told_apart(each) for each in stored]
        found = [await self._find_documents(each) for each in releases]
        stale = any(found) or await self._is_stale(head, releases)
        if stale:
            await self.deriving.rebuild(head.package)
        return stale

    async def _is_stale(self, head: Head, releases: list[Release]) -> bool:
        [survey] = await self.metadata.survey([head.package])
        listed = {entry.version: entry for entry in survey.entries} if survey else {}
        if listed != {each.version: Entry.of(each) for each in releases}:
            return True
        return await self.deriving.withholding.is_stale(head.package, releases)

    async def _with_modules_told_apart(self, release: Release) -> Release:
        """Return the release with the modules that its archive exports, and the others apart.

        Older records list both together, and what was derived from such a record is stale.
        """
        if release.internal_modules is not None or release.state is State.REMOVED:
            return release
        try:
            bala = await self.reading.read(await self.archives.read(release.archive))
            told = {"modules": bala.modules, "internal_modules": bala.internal_modules}
            return await self.metadata.replace_release(release.model_copy(update=told))
        except (BadArchive, ArchiveNotFound, Stale):
            return release  # The audit names the archive; what somebody else changed waits a night.

    async def _find_documents(self, release: Release) -> bool:
        """Make documents again that were lost; say whether any were."""
        if release.state is State.REMOVED or not await self._lacks_documents(release):
            return False
        bala = await self.reading.read(await self.archives.read(release.archive))
        await self.documents.put(bala.digest, bala.texts, bala.graph)
        return bala.texts != Texts() or bool(bala.graph.nodes)

    async def _lacks_documents(self, release: Release) -> bool:
        """Tell whether nothing is stored of the release; some releases have nothing to store."""
        digest = Digest(release.digest)
        if await self.documents.texts(digest) != Texts():
            return False
        return await self.documents.graphs([digest]) == [NO_GRAPH]
