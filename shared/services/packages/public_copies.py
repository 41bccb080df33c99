"""Keeps copies of public documents and archives, which a CDN reads while the registry does not
answer.

Copies are derived data: they follow the change feed, and the task `update-public-copies` compares
all of them with the records. What nobody may read any more is withdrawn with the change itself,
before its archive is moved. Whoever writes reads the package again afterwards, so that of two
processes the one with the older records corrects what it wrote.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from shared.domain.maven import XML_TYPE, depgraph, pom_of
from shared.domain.names import Distribution, Package
from shared.domain.packages import Head, Survey
from shared.domain.public_copies import (
    JSON_TYPE,
    Copy,
    ReleaseCopies,
    empty_lists,
    fixed_copies,
    has_copies,
    package_documents,
    release_copies,
    release_folder,
)
from shared.ports import DocumentStore, MetadataStore, PublicCopyStore

WRITTEN_AT_ONCE = 16  # Copies of one package.


class PublicCopies(Struct, frozen=True):
    """Writes and withdraws the copies of packages. Every call may be repeated."""

    metadata: MetadataStore
    documents: DocumentStore
    store: PublicCopyStore
    distributions: tuple[Distribution, ...]  # Whose lists of versions are copied.
    base_url: str

    async def follow(self, items: Sequence[Mapping[str, object]]) -> int:
        """Copy the packages among changed items; return how many there were."""
        packages = self.store.changed_packages(items)
        try:
            if packages:
                await self.put_fixed()
            for package in packages:
                await self.refresh(package)
        except Exception:
            self.store.forget_changes()  # The same items come again.
            raise
        return len(packages)

    async def put_fixed(self) -> None:
        """Copy what is no package's."""
        for path, copy in fixed_copies(self.base_url).items():
            await self.store.put(path, copy)

    async def refresh(self, package: Package) -> None:
        """Make the copies of a package as its records are."""
        await self._until_unchanged(package, self._write)

    async def withdraw(self, package: Package) -> None:
        """Delete the copies of a package that are no longer public, also from its lists; add
        nothing."""
        await self._until_unchanged(package, self._withdraw)

    async def _until_unchanged(
        self, package: Package, write: Callable[[Survey], Awaitable[object]]
    ) -> None:
        revision: int | None = None
        while True:
            [survey] = await self.metadata.survey([package])
            if survey is None or survey.revision == revision:
                return
            await write(survey)
            revision = survey.revision

    async def _withdraw(self, survey: Survey) -> None:
        lists = package_documents(survey, self.distributions)
        await self._delete_outdated(survey, lists)
        await _at_once(self.store.replace(path, copy) for path, copy in lists.items() if copy)

    async def _write(self, survey: Survey) -> None:
        lists = package_documents(survey, self.distributions)
        marks = await self._delete_outdated(survey, lists)
        missing = [each for each in release_copies(survey) if not each.is_current(marks)]
        await _at_once(self._put_release(survey.head, each) for each in missing)
        # Lists come last: every release that they name has its files.
        await _at_once(self.store.put(path, copy) for path, copy in lists.items() if copy)
        if has_copies(survey):
            for path, copy in empty_lists(survey, self.distributions).items():
                await self.store.add(path, copy)

    async def _delete_outdated(
        self, survey: Survey, lists: Mapping[str, Copy | None]
    ) -> Mapping[str, str]:
        """Delete the files that nobody may read; return the marks of the files of releases that
        stay."""
        public = {path for each in release_copies(survey) for path in each.paths}
        marks = await self.store.marks(release_folder(survey.head.package))
        outdated = _release_files(marks) - public
        outdated |= {path for path, copy in lists.items() if copy is None}
        await _at_once(self.store.delete(path) for path in outdated)
        return {path: mark for path, mark in marks.items() if path in public}

    async def _put_release(self, head: Head, release: ReleaseCopies) -> None:
        found = await self.metadata.find(release.archive.coordinate)
        if found.release is None or not await self.store.put_archive(release.archive, release.bala):
            return  # It was withheld meanwhile.
        [graph] = await self.documents.graphs([release.archive.digest])
        content = depgraph(head, found.release, graph)
        await self.store.put(release.pom, Copy(pom_of(release.archive.coordinate), XML_TYPE))
        # The graph comes last: its mark says that the others are there.
        await self.store.put(release.graph, Copy(content, JSON_TYPE), release.mark)


def _release_files(paths: Iterable[str]) -> set[str]:
    """Return the paths of files of releases, which are a level deeper than lists."""
    return {path for path in paths if path.count("/") == _LEVELS}


_LEVELS = 4  # maven/{org}/{name}/{version}/{file}


async def _at_once(writes: Iterable[Awaitable[None]]) -> None:
    """Await all, a few at a time."""
    slots = asyncio.Semaphore(WRITTEN_AT_ONCE)

    async def one(write: Awaitable[None]) -> None:
        async with slots:
            await write

    await asyncio.gather(*map(one, writes))
