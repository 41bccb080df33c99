"""The sparse index and the change feed, for clients, mirrors and exports."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.domain.approved_packages import ApprovalLimit
from shared.domain.change_feed import ChangeKind, PackageChange, package_change
from shared.domain.coordinates import Package
from shared.domain.documents import DerivedDocument
from shared.domain.events import Event
from shared.domain.packages import Survey, is_for_everybody
from shared.domain.principals import ANONYMOUS, Principal
from shared.domain.sparse_index import index_file, index_path, with_advisories
from shared.domain.visibility import Readers, Visibility
from shared.domain.withdrawals import withdrawal_of
from shared.ports.events import EventReader
from shared.ports.metadata import MetadataStore
from shared.runtime.answer_dependencies import Dependencies
from shared.runtime.lru_cache import LruCache
from shared.services.packages.document_cache import DocumentCache
from shared.services.packages.source import PackageSource
from shared.services.packages.successors import Successors
from shared.services.record_batches import RECORDS_AT_ONCE, package_batches

CHANGES_READ = 500  # Events that one request reads: an eighth of a second with cold caches.


class IndexFile(Struct, frozen=True):
    """The index file of a package, whether a shared cache may keep it, and on what it depends until
    when."""

    document: DerivedDocument
    is_public: bool
    depends_on: Dependencies | None
    cacheable_until_ms: float


class PackageChanges(Struct, frozen=True):
    """Changes in the order of the feed, and the number after which more follow."""

    changes: tuple[PackageChange, ...]
    next: int


class AdvisoryMarks(Protocol):
    """Says which advisories affect the versions of a package."""

    @property
    def cacheable_until_ms(self) -> float:
        """Until when of the monotonic clock that may be cached, while what it depends on is
        unchanged."""
        ...

    async def of_survey(
        self, survey: Survey
    ) -> tuple[Mapping[str, list[str]], Dependencies | None]:
        """Return the ids of the advisories of those live versions that have any, and on what they
        depend."""
        ...


# The tag of an index file, and the versions with their advisories that are added to it.
_MarkedFile = tuple[str, tuple[tuple[str, ...], ...]]
AFFECTED_FILES_BYTES = 8 * 1024 * 1024


def _affected_files() -> LruCache[_MarkedFile, DerivedDocument]:
    return LruCache(AFFECTED_FILES_BYTES, weigh=lambda _, each: len(each.content))


class PackageIndex(Struct, frozen=True):
    """Reads the index files of packages, and their changes."""

    authorization: Authorization
    metadata: MetadataStore
    events: EventReader
    files: DocumentCache
    affected: AdvisoryMarks
    successors: Successors
    readers: Readers
    # What a caller may take of other registries; None: everything.
    limit_of: Callable[[Principal], Awaitable[ApprovalLimit | None]]
    _affected_files: LruCache[_MarkedFile, DerivedDocument] = field(default_factory=_affected_files)

    async def file(self, package: Package, source: PackageSource, *, by: Principal) -> IndexFile:
        """Return the package's index file as `source` has it, or raise what that raises. One
        trip."""
        survey = await source.survey(package, by=by)
        is_public = survey.head.visibility is Visibility.PUBLIC
        # All readers of a public package get the same file, so caches may keep it whoever asked
        # first.
        reader = ANONYMOUS if is_public else by
        shown, of_successor = await self.successors.as_seen(survey, by=reader)
        of_package = Dependencies.of_list(survey.head)
        advisories, of_advisories = await self.affected.of_survey(shown)
        depends_on = of_package and of_advisories and of_package | of_successor | of_advisories
        document = await self.files.document(shown)
        if advisories:
            document = await self._with_advisories(document, advisories)
        return IndexFile(document, is_public, depends_on, self.affected.cacheable_until_ms)

    async def _with_advisories(
        self, document: DerivedDocument, advisories: Mapping[str, Sequence[str]]
    ) -> DerivedDocument:
        key = document.tag, tuple((each, *ids) for each, ids in advisories.items())
        known = self._affected_files.get(key)
        if known is None:
            known = await asyncio.to_thread(_document_with_advisories, document, advisories)
            self._affected_files.put(key, known)
        return known

    async def changes(self, since: int, count: int, *, by: Principal) -> PackageChanges:
        """Return up to `count` changes after the number `since`. Takes two round trips to the
        store.

        They are changes of packages that `by` may see; everybody gets the change that made a
        package private. Numbers count every event, so `next` must not reveal where hidden changes
        are: it is the number of the last visible change, or that of a whole batch without any.
        """
        events = await self.events.since(since, CHANGES_READ)
        visible = (await self._visible(events, by))[:count]
        if visible:
            return PackageChanges(tuple(visible), visible[-1].number)
        return PackageChanges((), events[-1][0] if len(events) == CHANGES_READ else since)

    async def public_files(self) -> AsyncGenerator[list[tuple[str, DerivedDocument]]]:
        """Yield the path and content of every index file that everybody may read, in batches, in
        order of key."""
        async for heads in package_batches(self.metadata, RECORDS_AT_ONCE):
            surveys = await self.metadata.survey([head.package for head in heads])
            public = [
                await self.successors.as_seen(survey, by=ANONYMOUS)
                for survey in surveys
                if survey and is_for_everybody(survey.head, self.readers)
            ]
            files = [(survey, index_file(survey)) for survey, _ in public]
            affected = [await self.affected.of_survey(survey) for survey, _ in public]
            yield [
                (
                    index_path(survey.head),
                    DerivedDocument.of(with_advisories(content, ids), survey.changed_ms),
                )
                for (survey, content), (ids, _) in zip(files, affected, strict=True)
                if content
            ]

    async def _visible(
        self, events: Sequence[tuple[int, Event]], by: Principal
    ) -> list[PackageChange]:
        changes = [change for number, event in events if (change := package_change(number, event))]
        packages = {change.package.key: change.package for change in changes}
        # The store is read even if there are no changes, so that the time of the answer does not
        # reveal hidden ones.
        surveys = await self.metadata.survey(list(packages.values()))
        access = await self.authorization.private_access(by)
        visible = {e.head.key: e for e in surveys if e and access.covers(e.head)}
        limit = await self.limit_of(by)
        return [
            _with_withdrawal(each, survey)
            for each in changes
            if (survey := visible.get(each.package.key)) or each.is_removal
            if not (limit and survey) or limit.tells(each, survey.head)
        ]


def _document_with_advisories(
    document: DerivedDocument, advisories: Mapping[str, Sequence[str]]
) -> DerivedDocument:
    content = with_advisories(document.content, advisories)
    return DerivedDocument.of(content, document.changed_ms).with_gzip()


def _with_withdrawal(change: PackageChange, survey: Survey | None) -> PackageChange:
    """Return the change of a withdrawn release with the reason that is public now, also if the
    reason changed after the event. A package that became private has no reason."""
    if survey is None or change.change is not ChangeKind.WITHDRAWN:
        return change
    entry = next((each for each in survey.entries if each.version == change.version), None)
    return replace(change, withdrawal=withdrawal_of(entry)) if entry else change
