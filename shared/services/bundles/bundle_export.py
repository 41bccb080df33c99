"""Export of bundles: which releases a bundle gets, and its bytes.

The bytes depend only on the releases, the catalogue, the cursor and the key, so the same content
has the same bytes.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

from shared.domain.archives.digests import Digest
from shared.domain.bundles import (
    CATALOGUE,
    DOCUMENTS,
    END,
    FORMAT,
    FORMAT_WITH_DOCUMENTS,
    FORMAT_WITH_WITHDRAWALS,
    MANIFEST,
    RELEASES,
    SIGNATURE,
    WITHDRAWALS,
    BundledDocument,
    BundledRelease,
    BundledWithdrawal,
    BundleManifest,
    CatalogueEntry,
    DocumentKind,
    file_of,
    files_of,
    lines_of,
    padding,
    tar_header,
)
from shared.domain.change_feed import EVERY_VERSION, package_change
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.base import Invalid
from shared.domain.errors.packages import ArchiveLost
from shared.domain.mirror_rules import is_withheld_by_rules
from shared.domain.names import OrgName
from shared.domain.packages import Head, Release, Survey
from shared.domain.sentences import counted, named
from shared.domain.version_choice import latest
from shared.domain.versions import Range, Version
from shared.domain.visibility import EVERYBODY, Visibility
from shared.ports.archive_store import ArchiveStore
from shared.ports.events import EventReader
from shared.ports.metadata import MetadataStore
from shared.ports.pull_ledger import PullLedger
from shared.services.bundles.bundle_documents import ReleaseDocuments
from shared.services.feed_position import last_event_number
from shared.services.record_batches import EVENTS_READ_AT_ONCE, RECORDS_AT_ONCE, package_batches

_MOST_NAMED = 5  # Missing releases that the sentence names.

# The upstream removed or restored a release that this registry keeps.
_CHANGES_UPSTREAM = {"mirror.removed", "mirror.restored"}


class BundleSigner(Protocol):
    """The key of a registry for its bundles."""

    def sign(self, content: bytes) -> bytes:
        """Return the key and the signature, as they stand in a bundle."""
        ...


class Selection(Struct, frozen=True):
    """Which releases a bundle gets: all that any field names."""

    coordinates: tuple[Coordinate, ...] = ()
    orgs: tuple[OrgName, ...] = ()
    pulled_since: str = ""  # A day: 2026-11-20, UTC.
    changed_since_ms: int | None = None  # Published, mirrored, deprecated, or made public.
    after: int | None = None  # The cursor of an earlier bundle: what changed since.
    includes_private: bool = False
    includes_documents: bool = True

    @property
    def needs_all_packages(self) -> bool:
        return bool(self.pulled_since) or self.changed_since_ms is not None


class BundlePlan(Struct, frozen=True):
    """A bundle that can be written: its lists and its manifest. `left_out` is the number of
    packages that are not public and that something but their name selected; `not_public` are the
    names of those that it has."""

    manifest: BundleManifest
    lists: tuple[bytes, ...]  # Their contents, in the order of the manifest.
    archives: tuple[Release, ...]
    left_out: int
    withdrawn: int = 0
    not_public: tuple[str, ...] = ()
    # The release and the kind of each document that is a file, in the order of the manifest.
    documents: tuple[tuple[Release, DocumentKind], ...] = ()


class _Chosen(Struct):
    """The releases that were selected so far."""

    releases: dict[str, tuple[Head, Release]] = field(
        default_factory=dict[str, tuple[Head, Release]]
    )
    missing: list[Coordinate] = field(default_factory=list[Coordinate])
    private: set[str] = field(default_factory=set[str])


class BundleExport(Struct, frozen=True):
    """Reads all packages: the cost grows with their number."""

    metadata: MetadataStore
    archives: ArchiveStore
    pulls: PullLedger
    events: EventReader
    documents: ReleaseDocuments
    registry: str  # The address of this one.
    name: str  # Its name as the owner of names.

    async def plan(self, selection: Selection) -> BundlePlan:
        """Choose the releases; raise `bundle-incomplete` or `bundle-private`."""
        # Read first: what happens meanwhile is in this bundle, and in the next one again.
        cursor = await last_event_number(self.events)
        chosen = await self._chosen(selection)
        found = [chosen.releases[key] for key in sorted(chosen.releases)]
        bundled = [BundledRelease.of(*each, registry=self.name) for each in found]
        lists = {
            RELEASES: lines_of(bundled),
            CATALOGUE: lines_of([each async for each in self._catalogue(selection)]),
        }
        withdrawn = [each async for each in self._withdrawn(selection)]
        archives = tuple(release for _, release in found)
        documents = await self._documents(archives) if selection.includes_documents else {}
        # Earlier versions import bundles that have neither.
        if withdrawn or documents:
            lines = [BundledWithdrawal.of(each, registry=self.name) for each in withdrawn]
            lists[WITHDRAWALS] = lines_of(lines)
        if documents:
            lists[DOCUMENTS] = lines_of(documents)
        manifest = BundleManifest(
            format=_format_of(lists),
            registry=self.registry,
            cursor=cursor,
            after=selection.after or 0,
            files=(
                *(file_of(name, content) for name, content in lists.items()),
                *(each.archive for each in bundled),
                *files_of(documents),
            ),
        )
        not_public = {str(head.package) for head, _ in found if head.readers != EVERYBODY}
        return BundlePlan(
            manifest,
            tuple(lists.values()),
            archives,
            left_out=len(chosen.private),
            withdrawn=len(withdrawn),
            not_public=tuple(sorted(not_public)),
            documents=_first_of_each(documents),
        )

    async def _documents(
        self, releases: Sequence[Release]
    ) -> dict[BundledDocument, tuple[Release, DocumentKind]]:
        """Return the lines of the documents of releases, each with where it is read again."""
        found = dict[BundledDocument, tuple[Release, DocumentKind]]()
        for release in releases:
            for kind, content in (await self.documents.of(release)).items():
                file = file_of("", content)
                line = BundledDocument(
                    org=release.org,
                    name=release.name,
                    version=release.version,
                    kind=kind,
                    sha256=file.sha256,
                    size_bytes=file.size_bytes,
                )
                found[line] = (release, kind)
        return found

    async def _chosen(self, selection: Selection) -> _Chosen:
        chosen = _Chosen()
        for coordinate in selection.coordinates:
            await self._choose_named(coordinate, selection, chosen)
        for coordinate in await self._selected(selection):
            await self._choose(coordinate, selection, chosen)
        if chosen.missing:
            raise _incomplete(chosen.missing)
        return chosen

    async def pieces(self, plan: BundlePlan, signer: BundleSigner) -> AsyncGenerator[bytes]:
        """Yield the bytes of the bundle; raise `bundle-incomplete` for an archive that is lost or
        damaged."""
        manifest = plan.manifest.content()
        first = (MANIFEST, manifest), (SIGNATURE, signer.sign(manifest))
        for name, content in (*first, *zip(plan.manifest.lists, plan.lists, strict=True)):
            yield _entry(name, content)
        for listed, release in zip(plan.manifest.archives, plan.archives, strict=True):
            yield _entry(listed.name, await self._archive(release))
        for listed, (release, kind) in zip(plan.manifest.documents, plan.documents, strict=True):
            yield _entry(listed.name, await self._document(release, kind, listed.sha256))
        yield END

    async def _archive(self, release: Release) -> bytes:
        try:
            content = await self.archives.read(release.archive)
        except ArchiveLost:
            content = b""
        if Digest.of(content) != release.archive_digest:
            raise _incomplete([release.coordinate])
        return content

    async def _document(self, release: Release, kind: DocumentKind, sha256: str) -> bytes:
        content = (await self.documents.of(release)).get(kind, b"")
        if Digest.of(content).hex != sha256:  # Keys changed meanwhile, or the release was erased.
            raise _incomplete([release.coordinate])
        return content

    async def _choose_named(
        self, coordinate: Coordinate, selection: Selection, chosen: _Chosen
    ) -> None:
        """Add a release that was named: it has to be there."""
        await self._choose(coordinate, selection, chosen)
        if coordinate.package.key in chosen.private:
            raise Invalid(
                "bundle-private",
                f"{coordinate.package} is not public, and a bundle is for everybody who gets the "
                "file. Leave it out, or add --private.",
            )
        known = {each.key for each in chosen.missing} | chosen.releases.keys()
        if coordinate.key not in known:
            chosen.missing.append(coordinate)

    async def _choose(self, coordinate: Coordinate, selection: Selection, chosen: _Chosen) -> None:
        """Add a release if it is live."""
        available = (await self.metadata.find(coordinate)).available
        if available is None:
            return
        head = available.head
        release = available.release
        if head.visibility is not Visibility.PUBLIC and not selection.includes_private:
            chosen.private.add(head.key)
        elif await self.archives.stat(release.archive) is None:
            chosen.missing.append(release.coordinate)
        else:
            chosen.releases[release.coordinate.key] = (head, release)

    async def _selected(self, selection: Selection) -> list[Coordinate]:
        found = list[Coordinate]()
        for org in selection.orgs:
            async for survey in self._surveys(f"{org.lower()}/"):
                found += _all_of(survey)
        if selection.after is not None:
            found += await self._changed_after(selection.after)
        if selection.needs_all_packages:
            async for survey in self._surveys(""):
                found += _changed_since(survey, selection.changed_since_ms)
                found += await self._pulled_since(survey, selection.pulled_since)
        return list(dict.fromkeys(found))

    async def _surveys(self, prefix: str) -> AsyncIterator[Survey]:
        async for heads in package_batches(self.metadata, RECORDS_AT_ONCE, prefix=prefix):
            surveys = await self.metadata.survey([head.package for head in heads])
            for survey in filter(None, surveys):
                yield survey

    async def _pulled_since(self, survey: Survey, day: str) -> Iterable[Coordinate]:
        if not day or not survey.head.pulls:
            return ()
        package = survey.head.package
        days = (await self.pulls.history(package, day)).days
        versions = {version for counts in days.values() for version in counts}
        return [package.at(each.parsed) for each in survey.entries if each.version in versions]

    async def _changed_after(self, number: int) -> list[Coordinate]:
        """Return the releases that events after the number are about; of a changed package all."""
        found = list[Coordinate]()
        packages = set[Package]()
        while numbered := await self.events.since(number, EVENTS_READ_AT_ONCE):
            for each, event in numbered:
                change = package_change(each, event)
                if event.kind in _CHANGES_UPSTREAM:
                    found.append(Coordinate.from_text(event.subject))
                elif change and change.version == EVERY_VERSION:
                    packages.add(change.package)
                elif change:
                    found.append(change.package.at(Version.parse(change.version)))
            number = numbered[-1][0]
        for survey in await self.metadata.survey(sorted(packages, key=lambda each: each.key)):
            found += _all_of(survey) if survey else ()
        return found

    async def _withdrawn(self, selection: Selection) -> AsyncIterator[Release]:
        """Yield what was withdrawn since the bundle before, or ever if the selection names none,
        whatever else it selects; without what the rules of this mirror withhold."""
        if selection.after is not None:
            coordinates = await self._changed_after(selection.after)
        else:
            coordinates = [
                survey.head.package.at(each.parsed)
                async for survey in self._surveys("")
                for each in survey.publicly_withheld
            ]
        for coordinate in sorted(set(coordinates), key=lambda each: each.key):
            found = await self.metadata.find(coordinate)
            head = found.head
            release = found.release
            if head is None or release is None or not release.is_withdrawn:
                continue
            is_carried = head.visibility is Visibility.PUBLIC or selection.includes_private
            if is_carried and not is_withheld_by_rules(release):
                yield release

    async def _catalogue(self, selection: Selection) -> AsyncIterator[CatalogueEntry]:
        async for survey in self._surveys(""):
            head = survey.head
            if head.visibility is not Visibility.PUBLIC and not selection.includes_private:
                continue
            entry = latest(survey, Range(), ANY_CLIENT)
            if entry is None:
                continue
            release = (await self.metadata.find(head.package.at(entry.parsed))).release
            summary = release.summary if release else ""
            yield CatalogueEntry(name=str(head.package), version=entry.version, summary=summary)


def _format_of(lists: Mapping[str, bytes]) -> int:
    if DOCUMENTS in lists:
        return FORMAT_WITH_DOCUMENTS
    return FORMAT_WITH_WITHDRAWALS if WITHDRAWALS in lists else FORMAT


def _first_of_each(
    documents: Mapping[BundledDocument, tuple[Release, DocumentKind]],
) -> tuple[tuple[Release, DocumentKind], ...]:
    """Return where each file of documents is read, in the order of `files_of`."""
    found = dict[str, tuple[Release, DocumentKind]]()
    for line, place in documents.items():
        found.setdefault(line.sha256, place)
    return tuple(found.values())


def _all_of(survey: Survey) -> list[Coordinate]:
    return [survey.head.package.at(each.parsed) for each in survey.entries]


def _changed_since(survey: Survey, since_ms: int | None) -> list[Coordinate]:
    if since_ms is None:
        return []
    if (survey.head.changed_ms or 0) >= since_ms:
        return _all_of(survey)
    package = survey.head.package
    return [
        package.at(each.parsed)
        for each in survey.entries
        if max(each.created_ms, each.changed_ms or 0) >= since_ms
    ]


def _entry(name: str, content: bytes) -> bytes:
    return b"".join((tar_header(name, len(content)), content, padding(len(content))))


def _incomplete(missing: Sequence[Coordinate]) -> Invalid:
    names = named([str(each) for each in missing], _MOST_NAMED)
    releases = counted(len(missing), "release is", "releases are")
    return Invalid(
        "bundle-incomplete",
        f"{releases} not stored here, so no bundle was written: {names}. "
        "Pull them, or leave them out.",
    )
